"""Scoring choices: exact log probabilities, SGLang's three methods, the path afterwards."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sglc_runtime import choices
from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import Append, Generate, Generated, Ids, Score, Scored, Submit, Text
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


def test_prefix_and_common_beginnings_are_computed_once(engine: EngineLoop) -> None:
    engine = make_engine()
    run(engine, [Submit(0, (Text(PROMPT),), (Score(CHOICES),))])
    prompt = engine.context.encode(PROMPT, True)
    paths = [prompt + engine.context.encode(choice, False)[:-1] for choice in CHOICES]
    # Common beginnings go through again for their own logits, but the prompt never does.
    own = sum(len(path) - len(prompt) for path in paths)
    assert engine.stats().computed_tokens == len(prompt) + own


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
