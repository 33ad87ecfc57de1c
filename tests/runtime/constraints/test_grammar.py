"""Constrained decoding: what is generated always matches, whatever the model wants."""

from __future__ import annotations

import json
import re

import pytest

from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import Append, Generate, Generated, Sampling, Submit, Text
from tests.runtime.engine.driving import failure, generate, make_engine, only, run

IP = r"((25[0-5]|2[0-4]\d|[01]?\d\d?).){3}(25[0-5]|2[0-4]\d|[01]?\d\d?)"
SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 5},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def engine() -> EngineLoop:
    return make_engine()


def sampling(**changes: object) -> Sampling:
    fields: dict[str, object] = {"max_new_tokens": 120, "temperature": 0.0}
    return Sampling(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "regex", [IP, "(yes|no)", "[A-Z][a-z]{2,5}( [a-z]{1,6}){1,3}!", "^é{1,3}日?$", r"\d{3}/\d{2}"]
)
@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_text_matches_the_regex(engine: EngineLoop, regex: str, temperature: float) -> None:
    samples = generate(
        engine, "Answer: ", sampling(regex=regex, temperature=temperature, n=3), key=11
    )
    for sample in samples:
        assert sample.finish == "stop"
        assert re.fullmatch(regex, sample.text)
        assert sample.text.isascii() or "\\d{" not in regex
    if temperature and regex == IP:
        # Samples move through the grammar independently of each other.
        assert len({sample.text for sample in samples}) == 3


@pytest.mark.parametrize("seed", range(4))
def test_text_matches_the_schema(engine: EngineLoop, seed: int) -> None:
    constraint = sampling(json_schema=json.dumps(SCHEMA), temperature=1.0, ignore_eos=seed % 2 == 0)
    (sample,) = generate(engine, "JSON: ", constraint, key=seed)
    assert sample.finish == "stop"
    value = json.loads(sample.text)
    assert list(value) == ["name", "age", "tags"]
    assert len(value["name"]) <= 5
    assert 0 <= value["age"] <= 150
    assert set(value["tags"]) <= {"a", "b"}
    assert len(value["tags"]) <= 2


def test_constraints_do_not_depend_on_the_batch(engine: EngineLoop) -> None:
    mixed = [sampling(regex=IP, temperature=1.0), sampling(), sampling(regex="[a-f]{1,20}")]
    submits = [
        Submit(i, (Text("Go "),), (Generate(s, key=i), Append(" and "), Generate(s, key=9)))
        for i, s in enumerate(mixed)
    ]
    together = {(e.id, e.step): e.samples for e in only(run(engine, submits), Generated)}
    small = make_engine(kv_slots=130, chunk_tokens=3)
    squeezed = {(e.id, e.step): e.samples for e in only(run(small, submits), Generated)}
    assert together == squeezed
    for submit in submits:
        for event in only(run(make_engine(), [submit]), Generated):
            assert together[event.id, event.step] == event.samples


def test_length_cuts_a_constrained_text(engine: EngineLoop) -> None:
    (sample,) = generate(engine, "Go ", sampling(regex="[a-z]{50}", max_new_tokens=5))
    assert sample.finish == "length"
    assert len(sample.ids) == 5


def test_min_new_tokens_waits_where_the_grammar_allows(engine: EngineLoop) -> None:
    (short,) = generate(engine, "Go ", sampling(regex="[a-c]{1,40}", max_new_tokens=60))
    (long,) = generate(
        engine, "Go ", sampling(regex="[a-c]{1,40}", max_new_tokens=60, min_new_tokens=25)
    )
    assert len(long.ids) >= 25 > len(short.ids) or len(short.ids) >= 25
    (forced,) = generate(engine, "Go ", sampling(regex="ab", max_new_tokens=60, min_new_tokens=25))
    assert forced.text == "ab"


def test_stop_strings_hold_inside_a_grammar(engine: EngineLoop) -> None:
    (full,) = generate(engine, "Go ", sampling(regex="[a-z]{20}", max_new_tokens=60))
    stop = full.text[4:6]
    (cut,) = generate(engine, "Go ", sampling(regex="[a-z]{20}", max_new_tokens=60, stop=(stop,)))
    assert cut.text == full.text[: full.text.index(stop)]
    assert cut.matched == stop


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"regex": "("}, "invalid regex: .*unclosed group"),
        ({"regex": "a(?=b)"}, "invalid regex: .*look-ahead"),
        ({"json_schema": "{"}, "invalid JSON schema: not JSON"),
        ({"json_schema": "[1]"}, "must be an object or a boolean"),
        ({"json_schema": '{"type": "foo"}'}, 'invalid JSON schema: unknown type "foo" at #'),
        ({"json_schema": "{}", "regex": "a"}, "exclude each other"),
    ],
)
def test_bad_constraints(engine: EngineLoop, changes: dict[str, str], message: str) -> None:
    good = Submit(2, (Text("Go"),), (Generate(sampling(max_new_tokens=3)),))
    bad = Submit(1, (Text("Go"),), (Generate(sampling(**changes)),))
    events = run(engine, [bad, good])
    failed = failure(events)
    assert (failed.id, failed.kind) == (1, "bad_request")
    assert re.search(message, failed.message, re.DOTALL)
    assert [event.id for event in only(events, Generated)] == [2]


def test_leaving_the_grammar_ends_the_text(engine: EngineLoop) -> None:
    """Greedy: where the text may end and the model wants what cannot follow, it ends."""
    decode = engine.context.tokenizer.decode
    stayed = tried = 0
    for number in range(150):
        prompt = f"Go {number} "
        (free,) = generate(engine, prompt, sampling(ignore_eos=True, max_new_tokens=2))
        first, second = decode(free.ids[:1]), decode(free.ids[1:])
        text = first + second
        if not (text.isascii() and text.isprintable() and first and len(second) > 1):
            continue
        tried += 1
        (left,) = generate(engine, prompt, sampling(regex=f"{re.escape(first)}~*"))
        assert (left.text, left.finish) == (first, "stop")
        # A grammar that follows the first bytes of the wanted token is not left: EOS competes.
        (stays,) = generate(
            engine, prompt, sampling(regex=f"{re.escape(first)}({re.escape(second[0])}~)?")
        )
        stayed += stays.text != first
    assert tried >= 2
    assert stayed >= 1


def test_sampling_ends_with_the_probability_of_leaving(engine: EngineLoop) -> None:
    from tests.runtime.engine.driving import LogitsLog

    log = LogitsLog(engine)
    draws = 400
    samples = generate(
        engine, "Go ", sampling(regex="a[ab]?", temperature=1.5, n=draws, max_new_tokens=3), key=3
    )
    engine.on_logits = None
    positions = sorted({position for *_, position in log.rows})
    row = next(row for at, row in log.rows.items() if at[3] == positions[1])
    shares = (row / 1.5).softmax(-1)
    encode = engine.context.encode
    stay = sum(float(shares[encode(text, False)[0]]) for text in ("a", "b"))
    ended = sum(sample.text == "a" for sample in samples) / draws
    assert abs(ended - (1 - stay)) < 4.5 * (stay * (1 - stay) / draws) ** 0.5 + 1e-3
