"""A sample of the JSON Schema set, which `tests.runtime.constraints.conformance` runs whole."""

from __future__ import annotations

import json
import random

import pytest

from sglc_grammar.constraints.errors import GrammarError
from sglc_grammar.constraints.grammars import ESCAPES, grammar_of
from sglc_grammar.constraints.json_schema import prepared
from sglc_grammar.constraints.placing import check
from tests.runtime.constraints import conformance
from tests.runtime.constraints.conformance import Follower, Report, examine, run
from tests.runtime.constraints.instances import escaped, text
from tests.runtime.constraints.schema_set import Case
from tests.runtime.constraints.schema_set_composed import all_cases

CASES = all_cases()


def test_the_set_is_large_and_has_every_feature() -> None:
    assert len(CASES) >= 300
    features = {case.feature for case in CASES}
    assert features >= {
        *("type", "enum", "const", "number bounds", "multipleOf", "string lengths", "pattern"),
        *("format", "items", "prefixItems", "contains", "uniqueItems", "array lengths"),
        *("properties", "required", "additionalProperties", "patternProperties"),
        *("propertyNames", "minProperties", "maxProperties", "dependentRequired"),
        *("dependentSchemas", "anyOf", "oneOf", "allOf", "not", "if/then/else", "$ref"),
        *("recursion", "boolean schemas", "unevaluatedProperties", "unevaluatedItems"),
    }


@pytest.mark.parametrize("part", range(3))
def test_what_is_followed_agrees_with_the_draft(part: int) -> None:
    report = run(CASES[part::24], seed=part, count=5)
    assert report.wrong_accepts == []
    assert report.wrong_rejects == []
    assert report.wrong_refusals == []
    assert min(report.schemas, report.valid, report.invalid) >= 18


def test_all_refusals_name_the_keyword() -> None:
    report = Report()
    for case in CASES:
        if case.refused:
            examine(case, report, random.Random(0), 1)
    assert report.wrong_refusals == []
    assert sum(report.refused.values()) == sum(1 for case in CASES if case.refused) >= 25


def test_the_oracle_would_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Following another schema than the one asked for is reported, loose or strict."""
    case = Case("x", {"type": "integer", "minimum": 3})
    for bound, loose, strict in ((3, False, False), (0, True, False), (10, False, True)):
        followed = grammar_of("json_schema", json.dumps({"type": "integer", "minimum": bound}))
        monkeypatch.setattr(conformance, "grammar_of", lambda *_, text=followed: text)
        report = Report()
        examine(case, report, random.Random(0), 5)
        assert (bool(report.wrong_accepts), bool(report.wrong_rejects)) == (loose, strict)


def test_a_key_cannot_hide_behind_escapes() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    follower = Follower(schema)
    assert follower.accepts('{"a":1,"b":"x"}') == {True}
    assert escaped({"a": "x"}) == '{"\\u0061": "\\u0078"}'
    assert follower.accepts('{"\\u0061":"x"}') == {False}
    assert "u" not in ESCAPES


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer"}, ["0", "-3", "100000000000000000000"], ["1.0", "1e3", "01", "+1"]),
        ({"type": "number"}, ["1", "1.0", "1e3", "-2.5E-7"], ["1.", ".5", "NaN", "01.5"]),
        ({"type": "number", "minimum": 0}, ["0", "1.50"], ["1e3", "-0.5"]),
        ({"type": "number", "multipleOf": 0.25}, ["0.25", "0.50", "2"], ["0.3", "0.26"]),
        ({"const": 1.0}, ["1"], ["1.0", "1e0"]),
        ({"type": "array"}, ["[]", "[1,2]", "[ 1 , 2 ]"], ["[1,  2]", "[\n1]", " []", "[] "]),
        ({"type": "string"}, ['"é\\n\\""', '"日"', '"/"'], ['"\\u00e9"', '"\\/"', '"\n"']),
        ({"properties": {"a": {}, "b": {}}, "type": "object"},
         ['{"a":1,"b":2}', '{"b":2}', '{"b":1,"c":1}'], ['{"b":2,"a":1}', '{"a":1,"a":2}']),
    ],
)  # fmt: skip
def test_the_spellings_that_are_written(schema: object, good: list[str], bad: list[str]) -> None:
    follower = Follower(schema)
    assert [one for one in good if follower.accepts(one) != {True}] == []
    assert [one for one in bad if follower.accepts(one) != {False}] == []


def test_what_a_schema_says_of_itself_cannot_loosen_it() -> None:
    for extra in ({"x-guidance": {"lenient": True, "coerce_one_of": True}}, {"$schema": "draft-4"}):
        schema = {"oneOf": [{"type": "number"}, {"type": "integer"}], **extra}
        with pytest.raises(GrammarError, match="oneOf"):
            check("json_schema", json.dumps(schema))
    assert "x-guidance" not in prepared(json.dumps({"x-guidance": {"whitespace_pattern": "x"}}))


def test_numbers_in_texts_are_plain() -> None:
    assert text({"b": 1.0, "a": [1e-7, 1e21]}) == '{"a":[0.0000001,1000000000000000000000],"b":1}'
