"""Scoring choices: exact log probabilities, SGLang's three methods, the path afterwards."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sglc_runtime import choices
from sglc_runtime.admission import Admission
from sglc_runtime.choice_paths import choice_paths
from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import (
    Append,
    Cancel,
    Generate,
    Generated,
    Ids,
    Sampling,
    Score,
    Scored,
    Submit,
    Text,
)
from sglc_runtime.sequence import Sequence
from tests.runtime.engine.driving import GREEDY, failure, make_engine, only, run

PROMPT = "Q: 7 * 8 = ?\nA:"
CHOICES = (" 56", " fifty six", " The answer is 56", " The answer is 57", " no")


@pytest.fixture(scope="module")
def engine() -> EngineLoop:
    return make_engine()


def reference(engine: EngineLoop, ids: list[int], start: int) -> list[float]:
    """Log probabilities of ids[start:], from one forward pass over all of them alone."""
    from sglc_runtime.models.base import Batch, Run

    count = len(ids)
    span = torch.arange(count)
    batch = Batch(torch.tensor(ids), span, span, span, (Run(0, count, 0, count, 0),))
    with torch.inference_mode():
        engine.cache.flush()
        rows = engine.model.forward(batch, engine.attention.bind(batch)).log_softmax(-1)
    return [float(rows[place - 1, ids[place]]) if place else 0.0 for place in range(start, count)]


@pytest.mark.parametrize("chunk_tokens", [512, 3])
def test_scores_are_those_of_the_choices_own_tokens(chunk_tokens: int) -> None:
    engine = make_engine(chunk_tokens=chunk_tokens)
    step = Score(CHOICES, "unconditional_likelihood_normalized")
    (scored,) = only(run(engine, [Submit(0, (Text(PROMPT),), (step,))]), Scored)
    prompt = list(engine.context.encode(PROMPT, True))
    for choice, score in zip(CHOICES, scored.scores, strict=True):
        tokens = list(engine.context.encode(choice, False))
        assert list(score.ids) == tokens
        assert list(score.logprobs) == reference(engine, prompt + tokens, len(prompt))
        assert list(score.unconditional) == reference(engine, tokens, 0)
        assert score.normalized == pytest.approx(sum(score.logprobs) / len(tokens))


def beginnings(engine: EngineLoop) -> int:
    """Ids behind the prompt that have to be computed: common beginnings once, last ids never."""
    encoded = [engine.context.encode(choice, False) for choice in CHOICES]
    return len({tokens[:end] for tokens in encoded for end in range(1, len(tokens))})


@pytest.mark.parametrize("chunk_tokens", [512, 8, 3])
@pytest.mark.parametrize("alone", [False, True])
def test_prompt_and_common_beginnings_are_computed_once(chunk_tokens: int, alone: bool) -> None:
    score = Score(
        CHOICES, "unconditional_likelihood_normalized" if alone else "token_length_normalized"
    )
    engine = make_engine(chunk_tokens=chunk_tokens)
    prompt = len(engine.context.encode(PROMPT, True))
    own = beginnings(engine)
    assert own < sum(len(engine.context.encode(choice, False)) - 1 for choice in CHOICES)
    (scored,) = only(run(engine, [Submit(0, (Text(PROMPT),), (score,))]), Scored)
    stats = engine.stats()
    assert stats.computed_tokens == prompt + own * (2 if alone else 1)
    assert stats.steps == -(-stats.computed_tokens // chunk_tokens)
    assert (scored.prompt_tokens, scored.cached_tokens) == (prompt, 0)
    (again,) = only(run(engine, [Submit(1, (Text(PROMPT),), (score,))]), Scored)
    assert again.cached_tokens == prompt - 1
    assert again.scores == scored.scores


def test_scores_survive_preemption(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt with a choice behind it gives its slots up while it is computed."""
    preempted: list[tuple[int, int]] = []
    preempt = Admission.preempt

    def note(self: Admission, sequence: Sequence) -> None:
        preempted.append((sequence.step.request.id, len(sequence.ids) - sequence.computed))
        preempt(self, sequence)

    monkeypatch.setattr(Admission, "preempt", note)
    scores = [Submit(10 + n, (Text(f"{PROMPT} {n}"),), (Score(CHOICES),)) for n in range(3)]
    expected = {each.id: each.scores for each in only(run(make_engine(), scores), Scored)}
    endless = Sampling(max_new_tokens=30, temperature=0.0, ignore_eos=True)
    others = [Submit(n, (Text("Twice"[n:]),), (Generate(endless),)) for n in range(2)]
    for slots in (44, 48, 52, 56):
        tight = make_engine(chunk_tokens=3, kv_slots=slots, max_running=8)
        found = {each.id: each.scores for each in only(run(tight, [*others, *scores]), Scored)}
        assert found == expected
    assert any(number >= 10 and left for number, left in preempted)


@pytest.mark.parametrize("passes", [0, 1, 2])
def test_a_cancelled_select_leaves_nothing_behind(passes: int) -> None:
    engine = make_engine(chunk_tokens=8)
    engine.submit([Submit(0, (Text(PROMPT),), (Score(CHOICES),))])
    for _ in range(passes):
        engine.step()
    assert failure(run(engine, [Cancel(0)])).kind == "cancelled"
    stats = engine.stats()
    assert (stats.running, stats.waiting) == (0, 0)
    assert stats.evictable_tokens == stats.tree_tokens


@given(
    st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=5).map(tuple), min_size=1, max_size=8)
)
def test_paths_want_every_id_of_every_choice_behind_what_precedes_it(
    choices: list[tuple[int, ...]],
) -> None:
    first, paths = choice_paths(choices)
    behind = {(): first}
    for path in paths:
        assert tuple(path.ids[: path.shared]) in behind
        for end, wants in enumerate(path.wants, path.shared + 1):
            assert tuple(path.ids[:end]) not in behind
            behind[tuple(path.ids[:end])] = wants
        assert len(path.wants) == len(path.ids) - path.shared
    found = {
        (choice, place): (prefix, token)
        for prefix, wants in behind.items()
        for choice, place, token in wants
    }
    assert found == {
        (choice, place): (ids[:place], ids[place])
        for choice, ids in enumerate(choices)
        for place in range(len(ids))
    }
    assert all(wants for wants in behind.values())


def test_the_path_continues_after_the_winner(engine: EngineLoop) -> None:
    steps = (Score(CHOICES), Append(" so"), Generate(GREEDY))
    events = run(engine, [Submit(0, (Text(PROMPT),), steps)])
    (scored,) = only(events, Scored)
    (generated,) = only(events, Generated)
    prefix = (Text(PROMPT), Ids(scored.scores[scored.winner].ids), Text(" so"))
    (again,) = only(run(engine, [Submit(0, prefix, (Generate(GREEDY),))]), Generated)
    assert again.samples == generated.samples


def test_equal_choices_take_the_first(engine: EngineLoop) -> None:
    for method in ("token_length_normalized", "greedy_token_selection"):
        events = run(engine, [Submit(0, (Text(PROMPT),), (Score((" a b", " a b"), method),))])  # type: ignore[arg-type]
        assert only(events, Scored)[0].winner == 0


@pytest.mark.parametrize(
    ("given", "message"), [((), "no choices"), (("a", ""), "the choice '' has no tokens")]
)
def test_bad_choices(engine: EngineLoop, given: tuple[str, ...], message: str) -> None:
    failed = failure(run(engine, [Submit(0, (Text(PROMPT),), (Score(given),))]))
    assert failed.kind == "bad_request"
    assert message in failed.message


# The vectors of SGLang's test/lang/test_choices.py: "organ", "organism", a long word.
CONDITIONAL = [[-1.0, -0.8], [-1.0, -0.9, -0.8], [-0.1, -0.2, -0.1, -0.3, -0.1]]


def test_methods_on_small_tables() -> None:
    assert choices.token_length_normalized(CONDITIONAL) == 2
    assert choices.greedy_token_selection([[-1.0, -0.1], [-0.5, -3.0], [-0.5, -2.0]]) == 2
    # An ended choice stands in with its mean: -0.5 beats -0.6 at the second place.
    assert choices.greedy_token_selection([[-0.5], [-0.5, -0.6]]) == 0
    # A log probability of exactly zero counts like any other.
    assert choices.token_length_normalized([[-5.0, -0.5, 0.0], [-2.0]]) == 0
    assert (
        choices.unconditional_likelihood_normalized(
            [[-1.0, -1.0], [-2.0, -2.0]], [[0.0, -1.0], [0.0, -5.0]]
        )
        == 1
    )


@given(
    st.lists(st.lists(st.floats(-9, 0), min_size=1, max_size=4).map(tuple), min_size=1, max_size=5)
)
def test_methods_choose_something_best(table: list[tuple[float, ...]]) -> None:
    means = [sum(row) / len(row) for row in table]
    assert means[choices.token_length_normalized(table)] == max(means)
    firsts = [row[0] for row in table]
    assert firsts[choices.greedy_token_selection(table)] == max(firsts)
