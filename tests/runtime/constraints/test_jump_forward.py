"""Forced tokens: appended without asking the model, and without changing what is promised."""

from __future__ import annotations

import json

import pytest

from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import (
    Append,
    Delta,
    Generate,
    Generated,
    Sample,
    Sampling,
    Submit,
    Text,
)
from sglc_runtime.speculation.cached import CachedProposer
from sglc_runtime.speculation.ngram import NgramProposer
from sglc_runtime.speculation.speculation import Speculation
from tests.runtime.engine.driving import generate, make_engine, only, run

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "full name": {"type": "string", "maxLength": 6},
            "married": {"type": "boolean"},
            "occupation": {"enum": ["programmer", "professional dancer"]},
        },
        "required": ["full name", "married", "occupation"],
        "additionalProperties": False,
    }
)


@pytest.fixture(scope="module")
def engine() -> EngineLoop:
    return make_engine()


def sampling(**changes: object) -> Sampling:
    fields: dict[str, object] = {
        "max_new_tokens": 150, "temperature": 1.0, "json_schema": SCHEMA, "jump_forward": True,
    }  # fmt: skip
    return Sampling(**(fields | changes))  # type: ignore[arg-type]


def steps_of(engine: EngineLoop, asked: Sampling, key: int = 0) -> tuple[tuple[Sample, ...], int]:
    before = engine.stats().steps
    return generate(engine, "JSON: ", asked, key), engine.stats().steps - before


@pytest.mark.parametrize("key", range(4))
def test_fewer_passes_and_still_the_schema(engine: EngineLoop, key: int) -> None:
    (sample,), steps = steps_of(engine, sampling(), key)
    value = json.loads(sample.text)
    assert list(value) == ["full name", "married", "occupation"]
    assert sample.finish == "stop"
    assert sample.completion_tokens >= len(sample.ids) > 2 * steps
    assert engine.context.tokenizer.decode(sample.ids) == sample.text


def test_off_by_default_and_by_configuration() -> None:
    engine = make_engine()
    (plain,), plain_steps = steps_of(engine, sampling(jump_forward=None))
    assert plain_steps >= len(plain.ids)
    engine.context.jump_forward = True
    (jumped,), jumped_steps = steps_of(engine, sampling(jump_forward=None))
    assert jumped_steps < len(jumped.ids)
    (refused,), _ = steps_of(engine, sampling(jump_forward=False))
    assert refused == plain


def test_forced_text_is_cut_as_the_tokenizer_cuts_it(engine: EngineLoop) -> None:
    words = "the quick brown fox jumps over the lazy dog"
    (sample,) = generate(engine, "Go: ", sampling(json_schema=None, regex=f"{words}(a|b)"))
    expected = engine.context.encode(words, False)
    kept = sample.ids[: len(expected) - 2]
    assert kept == expected[: len(expected) - 2]


def test_logprobs_change_no_token(engine: EngineLoop) -> None:
    (plain,) = generate(engine, "JSON: ", sampling(), 3)
    (noted,) = generate(engine, "JSON: ", sampling(logprobs=True, top_logprobs=2), 3)
    assert noted.ids == plain.ids
    assert [entry.id for entry in noted.logprobs][: len(plain.ids)] == list(plain.ids)
    assert all(entry.logprob is not None and entry.logprob < 0 for entry in noted.logprobs)


def test_samples_chunks_and_slots_change_nothing(engine: EngineLoop) -> None:
    submits = [
        Submit(i, (Text("JSON: "),), (Generate(sampling(n=n), i), Append(" and "), Generate(
            Sampling(max_new_tokens=3), i)))
        for i, n in enumerate((1, 4, 2))
    ]  # fmt: skip
    together = {(e.id, e.step): e.samples for e in only(run(engine, submits), Generated)}
    small = make_engine(kv_slots=400, chunk_tokens=4, max_running=3)
    squeezed = {(e.id, e.step): e.samples for e in only(run(small, submits), Generated)}
    assert squeezed == together
    assert len({sample.text for sample in together[1, 0]}) > 1
    for sample in together[1, 0]:
        assert list(json.loads(sample.text)) == ["full name", "married", "occupation"]


@pytest.mark.parametrize("limit", range(1, 14))
def test_limits_hold_inside_forced_text(engine: EngineLoop, limit: int) -> None:
    (full,) = generate(engine, "JSON: ", sampling(), 5)
    (cut,) = generate(engine, "JSON: ", sampling(max_new_tokens=limit), 5)
    assert cut.finish == "length"
    assert cut.ids == full.ids[:limit]


def test_stops_hold_inside_forced_text(engine: EngineLoop) -> None:
    (full,) = generate(engine, "JSON: ", sampling(), 5)
    (cut,) = generate(engine, "JSON: ", sampling(stop=("marr",)), 5)
    assert (cut.finish, cut.matched) == ("stop", "marr")
    assert cut.text == full.text[: full.text.index("marr")]


def test_a_stream_has_all_of_the_text(engine: EngineLoop) -> None:
    submit = Submit(1, (Text("JSON: "),), (Generate(sampling(), 2),), stream=True)
    events = run(engine, [submit])
    (done,) = only(events, Generated)
    assert "".join(delta.text for delta in only(events, Delta)) == done.samples[0].text


def test_a_text_that_is_forced_whole(engine: EngineLoop) -> None:
    (sample,) = generate(engine, "Go: ", sampling(json_schema=None, regex="exactly this text"))
    assert (sample.text, sample.finish) == ("exactly this text", "stop")


@pytest.mark.parametrize("jump", [False, True])
def test_guesses_change_no_constrained_text(engine: EngineLoop, jump: bool) -> None:
    asked = [sampling(jump_forward=jump, temperature=heat) for heat in (0.0, 1.0)]
    plain = [generate(engine, "JSON: ", one, 7) for one in asked]
    guessing = make_engine()
    lookups = (CachedProposer(), NgramProposer())
    guessing.speculation = Speculation(
        guessing.cache, lookups, counters=guessing.counters, always=4
    )
    # The first time nothing is known of the text, the second time all of it is guessed.
    for _ in range(2):
        assert [generate(guessing, "JSON: ", one, 7) for one in asked] == plain
    assert jump or guessing.counters.accepted_tokens > 20
