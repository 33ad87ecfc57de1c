"""What is wrong with one request is that request's failure alone."""

from __future__ import annotations

from typing import Any

import pytest

from sglc_runtime.config import EngineConfig
from sglc_runtime.engine import EngineLoop
from sglc_runtime.inline import InlineEngine
from sglc_runtime.protocol import (
    Failed,
    Generate,
    Generated,
    Sampling,
    Segment,
    Submit,
    Text,
)
from tests.runtime.engine.driving import GREEDY, checkpoint, failure, make_engine, only, run

GOOD = Submit(1, (Text("The capital"),), (Generate(GREEDY),))


@pytest.fixture(scope="module")
def engine() -> EngineLoop:
    return make_engine()


def beside_a_good_one(engine: EngineLoop, sampling: Sampling) -> Failed | Generated:
    """What became of a request; one that ran beside it got its usual text."""
    alone = only(run(engine, [GOOD]), Generated)[0].samples
    bad = Submit(2, (Text("It is"),), (Generate(sampling),))
    events = run(engine, [GOOD, bad])
    (good,) = [event for event in only(events, Generated) if event.id == 1]
    assert good.samples == alone
    others = [e for e in events if isinstance(e, Failed | Generated) and e.id == 2]
    (other,) = others
    return other


@pytest.mark.parametrize("stop", [10**6, 384, -1, -400])
@pytest.mark.parametrize("regex", [None, "[a-z]+"])
def test_stop_ids_outside_the_vocabulary_never_come(
    engine: EngineLoop, stop: int, regex: str | None
) -> None:
    sampling = Sampling(
        max_new_tokens=4, min_new_tokens=2, temperature=0.0, regex=regex, stop_token_ids=(stop,)
    )
    with_it = beside_a_good_one(engine, sampling)
    without = beside_a_good_one(
        engine, Sampling(max_new_tokens=4, min_new_tokens=2, temperature=0.0, regex=regex)
    )
    assert isinstance(with_it, Generated)
    assert isinstance(without, Generated)
    assert with_it.samples == without.samples


def test_a_grammar_that_gives_up_while_running_fails_alone(engine: EngineLoop) -> None:
    endless = "start: again\nagain: again"
    failed = beside_a_good_one(engine, Sampling(max_new_tokens=4, ebnf=endless))
    assert isinstance(failed, Failed)
    assert failed.kind == "bad_request"
    assert failed.message.startswith("constraint failed")
    assert "\n" not in failed.message


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("false", "allows no text"),
        ("[" * 100_000, "too deeply nested"),
        ('{"items":' * 900 + "{}" + "}" * 900, "too deeply nested"),
    ],
)
def test_schemas_that_cannot_be_compiled(engine: EngineLoop, schema: str, message: str) -> None:
    failed = beside_a_good_one(engine, Sampling(max_new_tokens=4, json_schema=schema))
    assert isinstance(failed, Failed)
    assert failed.kind == "bad_request"
    assert message in failed.message


def test_the_schema_true_is_any_json(engine: EngineLoop) -> None:
    found = [
        beside_a_good_one(engine, Sampling(max_new_tokens=8, temperature=0.0, json_schema=schema))
        for schema in ("true", "{}")
    ]
    assert all(isinstance(event, Generated) for event in found)
    assert found[0] == found[1]


def test_more_samples_than_any_machine_holds(engine: EngineLoop) -> None:
    failed = beside_a_good_one(engine, Sampling(n=10**9, max_new_tokens=1))
    assert isinstance(failed, Failed)
    assert "n must be at most" in failed.message


@pytest.mark.parametrize(
    ("prefix", "changes", "message"),
    [
        ((Text("It"),), {"max_new_tokens": "5"}, "max_new_tokens"),
        ((Text("It"),), {"temperature": None}, "temperature"),
        ((Text("It"),), {"stop": (1,)}, "stop"),
        ((Text("It"),), {"stop": ("\ud800",)}, "not Unicode"),
        ((Text("It \udcff"),), {}, "not Unicode"),
        ((Text(5),), {}, "text"),  # type: ignore[arg-type]
        (("It",), {}, "prefix"),
    ],
)
def test_values_of_a_wrong_type(
    prefix: tuple[Segment, ...], changes: dict[str, Any], message: str
) -> None:
    client = InlineEngine(EngineConfig(model=str(checkpoint()), kv_slots=256, threads=1))
    client.submit([Submit(2, prefix, (Generate(Sampling(**changes)),)), GOOD])
    events = client.poll()
    while not only(events, Generated):
        events += client.poll()
    failed = failure(events)
    assert (failed.id, failed.kind) == (2, "bad_request")
    assert message in failed.message
    client.close()


def test_long_text_runs_are_not_remembered(
    engine: EngineLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine.context, "context_length", 1 << 20)
    before = engine.context._remembered.cache_info().currsize
    text = "The capital of France. " * 1000
    assert engine.context.encode(text, True) == engine.context.encode(text, True)
    assert engine.context._remembered.cache_info().currsize == before


@pytest.mark.parametrize("text", ["a", " ", "The capital of France. ", "\U0001f600"])
def test_megabytes_are_refused_unread(
    engine: EngineLoop, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = text * (2_000_000 // len(text))
    usual = engine.context.tokenizer.encode_run

    def encode_run(text: str, first: bool) -> list[int]:
        assert text != prompt
        return usual(text, first)

    monkeypatch.setattr(engine.context.tokenizer, "encode_run", encode_run)
    events = run(engine, [Submit(2, (Text(prompt),), (Generate(GREEDY),)), GOOD])
    failed = failure(events)
    assert (failed.id, failed.kind) == (2, "context_length")
    assert len(only(events, Generated)) == 1


def test_the_bound_on_characters_holds(engine: EngineLoop) -> None:
    tokenizer = engine.context.tokenizer
    assert tokenizer.most_characters is not None
    for token in tokenizer.backend.get_vocab().values():
        text = tokenizer.decode([token], skip_special=False) * 9
        assert len(text) <= tokenizer.most_characters * len(tokenizer.encode_run(text, False))
