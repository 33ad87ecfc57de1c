"""Truncated sampling against a plain-Python reference, for any shape of distribution."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc_runtime.sampling.truncation import Truncation, sample_plain, sample_truncated


def kept_set(probabilities: list[float], limit: Truncation) -> list[int]:
    """Ids that SGLang's rules keep, likeliest first, ties by id."""
    order = sorted(range(len(probabilities)), key=lambda i: (-probabilities[i], i))
    kept, before = [], 0.0
    for rank, token in enumerate(order):
        value = probabilities[token]
        if (
            (limit.top_k <= 0 or rank < limit.top_k)
            and before <= limit.top_p
            and value >= limit.min_p * probabilities[order[0]]
        ):
            kept.append(token)
        before += value
    return kept


def pick(probabilities: list[float], kept: list[int], uniform: float) -> set[int]:
    """The token an inverse CDF gives, or two where rounding may decide."""
    total = sum(probabilities[token] for token in kept)
    found, before = set(), 0.0
    for token in kept:
        after = before + probabilities[token]
        if before - 1e-9 <= uniform * total <= after + 1e-9:
            found.add(token)
        before = after
    return found


LIMITS = st.builds(
    Truncation,
    st.sampled_from([-1, 1, 2, 5, 63, 64, 65, 200]),
    st.sampled_from([0.05, 0.5, 0.9, 0.999, 1.0]),
    st.sampled_from([0.0, 0.01, 0.3, 1.0]),
)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([5, 64, 300, 1000]),
    st.sampled_from([0.0, 0.1, 1.0, 5.0]),
    st.lists(LIMITS, min_size=1, max_size=4),
)
def test_against_reference(seed: int, vocab: int, spread: float, limits: list[Truncation]) -> None:
    generator = torch.Generator().manual_seed(seed)
    # Rounded logits have many ties; spread 0 is uniform, where only ids decide.
    logits = (torch.randn(len(limits), vocab, generator=generator) * spread * 4).round() / 4
    uniforms = torch.rand(len(limits), generator=generator, dtype=torch.float64)
    tokens = sample_truncated(logits, uniforms, limits)
    for row, limit in enumerate(limits):
        probabilities = logits[row].softmax(-1).double().tolist()
        kept = kept_set(probabilities, limit)
        if tokens[row] not in kept:
            # A threshold met to the last bit may fall either way.
            assert abs(sum(probabilities[t] for t in kept) - limit.top_p) < 1e-9
            continue
        assert tokens[row] in pick(probabilities, kept, float(uniforms[row]))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 9))
def test_rows_do_not_meet(seed: int, rows: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, 700, generator=generator) * 3
    uniforms = torch.rand(rows, generator=generator, dtype=torch.float64)
    limits = [Truncation((-1, 20, 64)[row % 3], 0.9, 0.0) for row in range(rows)]
    together = sample_truncated(logits, uniforms, limits)
    alone = [
        sample_truncated(logits[i : i + 1], uniforms[i : i + 1], limits[i : i + 1])[0]
        for i in range(rows)
    ]
    assert together == alone
    plain = sample_plain(logits, uniforms)
    assert plain == [sample_plain(logits[i : i + 1], uniforms[i : i + 1])[0] for i in range(rows)]


def test_frequencies_follow_the_distribution() -> None:
    logits = torch.tensor([0.0, 1.0, 2.0, -torch.inf])
    draws = 20000
    uniforms = torch.arange(draws, dtype=torch.float64) / draws
    tokens = torch.tensor(sample_plain(logits.expand(draws, -1), uniforms))
    share = torch.bincount(tokens, minlength=4) / draws
    assert torch.allclose(share, logits.softmax(-1), atol=1e-3)


def test_the_edges_of_the_unit_interval_are_safe() -> None:
    logits = torch.tensor([[-torch.inf, 0.0, 0.0, -torch.inf]]).expand(2, -1)
    edges = torch.tensor([0.0, 1.0 - 2.0**-53], dtype=torch.float64)
    assert sample_plain(logits, edges) == [1, 2]
