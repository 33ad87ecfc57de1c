"""The C kernel and torch against float64, for any distribution, limits and noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sglc_runtime.kernels.library import load_library
from sglc_runtime.protocol import Sampling
from sglc_runtime.sampling.drawing import draw, draw_in_torch

Draw = Callable[[Tensor, Sequence[int], Sequence[Any]], list[int]]
DRAWS = pytest.mark.parametrize("drawing", [draw, draw_in_torch], ids=["c", "torch"])
CLOSE = 2e-6
"""Two float32 exponentials may differ by a few units in the last place."""


def run(sampling: Sampling, uniform: float, vocab: int) -> Any:
    """What `draw` reads of a `SampleRun`."""
    greedy = sampling.temperature < 1e-6
    return SimpleNamespace(
        sampling=sampling,
        greedy=greedy,
        truncated=0 < sampling.top_k < vocab or sampling.top_p < 1 or sampling.min_p > 0,
        terms=(
            sampling.top_k,
            0.0 if greedy else 1 / sampling.temperature,
            sampling.top_p,
            sampling.min_p,
        ),
        noise=[uniform],
        tokens=[],
    )


def possible(logits: Tensor, sampling: Sampling, uniform: float) -> set[int]:
    """Tokens that an inverse CDF in float64 may give, allowing for `CLOSE`."""
    row = logits.double().numpy()
    if sampling.temperature < 1e-6:
        return {int(row.argmax())}
    weights = np.exp((row - row.max()) / sampling.temperature)
    share = weights / weights.sum()
    truncated = 0 < sampling.top_k < len(row) or sampling.top_p < 1 or sampling.min_p > 0
    order = np.lexsort((np.arange(len(row)), -row)) if truncated else np.arange(len(row))
    found: set[int] = set()
    # The kept set may end one way or the other where a limit is met to the last bits.
    for slack in (-CLOSE, 0.0, CLOSE):
        before = np.cumsum(share[order]) - share[order]
        keep = share[order] > 0
        if sampling.top_k > 0:
            keep &= np.arange(len(row)) < sampling.top_k
        keep &= before <= sampling.top_p + slack
        keep &= weights[order] >= sampling.min_p * (1 + slack)
        keep[0] = keep[0] or truncated
        kept = np.where(keep, share[order], 0.0)
        after = np.cumsum(kept)
        target = uniform * after[-1]
        near = keep & (after - kept <= target + CLOSE) & (target <= after + CLOSE)
        found |= {int(token) for token in order[near]}
    return found


samplings = st.builds(
    Sampling,
    temperature=st.sampled_from([0.0, 1e-4, 0.3, 0.8, 1.0, 3.0]),
    top_k=st.sampled_from([-1, 1, 2, 50, 100_000]),
    top_p=st.sampled_from([0.05, 0.5, 0.9, 0.999, 1.0]),
    min_p=st.sampled_from([0.0, 0.01, 0.3, 1.0]),
)


@DRAWS
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_against_float64(drawing: Draw, data: st.DataObject) -> None:
    vocab = data.draw(st.sampled_from([1, 5, 8, 63, 255, 256, 257, 1000, 2003]))
    rows = data.draw(st.lists(samplings, min_size=1, max_size=5))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 10**6)))
    spread = data.draw(st.sampled_from([0.0, 0.5, 4.0, 30.0]))
    # Rounded logits have many ties; spread 0 is uniform, where only ids decide.
    logits = (torch.randn(len(rows), vocab, generator=generator) * spread * 8).round() / 8
    logits[torch.rand(len(rows), vocab, generator=generator) < 0.2] = -torch.inf
    logits[:, vocab // 2] = 0.0
    uniform = st.one_of(st.floats(0, 1, exclude_max=True), st.sampled_from([0.0, 1 - 2**-53]))
    uniforms = [data.draw(uniform) for _ in rows]
    runs = [run(s, u, vocab) for s, u in zip(rows, uniforms, strict=True)]
    tokens = drawing(logits, range(len(rows)), runs)
    for row, token, sampling, value in zip(logits, tokens, rows, uniforms, strict=True):
        assert row[token] > -torch.inf
        assert token in possible(row, sampling, value)


@DRAWS
def test_rows_do_not_meet_and_may_be_shared(drawing: Draw) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(6, 3000, generator=generator) * 3
    kinds = [Sampling(), Sampling(top_p=0.9), Sampling(temperature=0.0), Sampling(top_k=7)]
    runs = [run(kinds[i % 4], float(i) / 40, 3000) for i in range(40)]
    rows = [i * 7 % 6 for i in range(40)]
    together = drawing(logits, rows, runs)
    alone = [
        drawing(logits[row : row + 1].clone(), [0], [one])[0]
        for row, one in zip(rows, runs, strict=True)
    ]
    assert together == alone


@DRAWS
def test_frequencies(drawing: Draw) -> None:
    """Evenly spread noise gives each token its probability."""
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(1, 40, generator=generator)
    count = 4000
    for sampling in (Sampling(temperature=0.7), Sampling(top_k=5), Sampling(top_p=0.6)):
        runs = [run(sampling, (i + 0.5) / count, 40) for i in range(count)]
        found = torch.bincount(torch.tensor(drawing(logits, [0] * count, runs)), minlength=40)
        expected = (logits[0].double() / sampling.temperature).softmax(-1)
        kept = found > 0
        expected = torch.where(kept, expected, 0.0)
        assert torch.allclose(found.double() / count, expected / expected.sum(), atol=1.1 / count)
        if sampling.top_k > 0:
            assert set(logits[0].topk(5).indices.tolist()) == set(kept.nonzero()[:, 0].tolist())


def test_other_dtypes_and_strides() -> None:
    load_library()
    logits = torch.randn(4, 600).to(torch.bfloat16)
    runs = [run(Sampling(temperature=0.0), 0.0, 300)] * 4
    expected = logits[:, ::2].float().argmax(-1).tolist()
    assert draw(logits[:, ::2], range(4), runs) == expected
