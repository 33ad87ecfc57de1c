"""Patterns and schemas that a generation can follow, as the engine's library sees them."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher

from sglc.expressions import patterns
from sglc.expressions.constraints import ebnf_fault, schema_fault
from sglc.expressions.patterns import regex_fault, stop_regex_fault
from sglc_grammar.constraints.regexes import size


@pytest.mark.parametrize(
    "pattern",
    [
        r"[0-9]{1,3}(\.[0-9]{1,3}){3}", "(yes|no)", r"\d+", r"[^\n]*", "(?i)abc", r"\p{L}+",
        "(a+)+b", "a*?", "^a$", "(?P<name>a)", "", "é+", r"\+\-\*",
    ],
)  # fmt: skip
def test_patterns_that_can_be_followed(pattern: str) -> None:
    assert regex_fault(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "not a regular expression: missing ), unterminated subpattern at character 1"),
        ("a{2,1}", "not a regular expression: min repeat greater than max repeat at character 3"),
        ("(?=a)b", "look-around cannot constrain a generation"),
        ("(?<!a)b", "look-around cannot constrain a generation"),
        (r"(a)\1", "a back-reference cannot constrain a generation"),
        ("(?>a)b", "an atomic group cannot constrain a generation"),
        (r"\bfoo", "cannot constrain a generation: lookarounds not supported yet"),
        (r"a\Z", "cannot constrain a generation: unrecognized escape sequence"),
        ("a{100000}", "the pattern stands for 100000 characters; 50000 are allowed"),
        ("((a{1000}){1000}){1000}",
         "the pattern stands for more than 10^9 characters; 50000 are allowed"),
        (r"\p{L}{100000}", "the pattern stands for 100000 characters; 50000 are allowed"),
        ("(" * 5000 + ")" * 5000, "not a regular expression: it is too deeply nested"),
    ],
)  # fmt: skip
def test_patterns_that_cannot(pattern: str, message: str) -> None:
    fault = regex_fault(pattern)
    assert fault is not None
    assert fault.message.startswith(message)
    assert fault.too_large == ("allowed" in message)


@pytest.mark.parametrize("pattern", [r"\n\s*\n\s*Q:", "(a+)+b", "a*a*a*b", r"\bend\b", "^a|b$"])
def test_patterns_that_can_stop_a_generation(pattern: str) -> None:
    assert stop_regex_fault(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("[a", "not a regular expression: unterminated character set at character 1"),
        ("a(?!b)", "look-around cannot stop a generation"),
        (r"(.)\1", "a back-reference cannot stop a generation"),
        ("(x{100}){100}", "the pattern stands for 10000 characters; 5000 are allowed"),
    ],
)
def test_patterns_that_cannot_stop_one(pattern: str, message: str) -> None:
    fault = stop_regex_fault(pattern)
    assert fault is not None
    assert fault.message == message


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("{", "is not JSON: Expecting property name enclosed in double quotes at character 2"),
        ({"type": "text"}, 'has an unknown type "text"'),
        ({"type": [["string"]]}, 'has an unknown type ["string"]'),
        ({"properties": []}, "has `properties` that is no object"),
        ({"not": {"type": "string"}}, "cannot constrain a generation: `not` at #/not"),
        ({"properties": {"a/b": {"items": {"if": True, "then": True}}}},
         "cannot constrain a generation: `if` at #/properties/a~1b/items/if"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"contains": {}}, "B": {"not": {}}}},
         "cannot constrain a generation: `contains` at #/$defs/A/contains"),
        ({"oneOf": [{"type": "number"}, {"type": "integer"}]},
         "cannot constrain a generation: `oneOf` whose alternatives may hold at once"),
        ({"type": "object", "minProperties": 2},
         "cannot constrain a generation: `minProperties` above 1 and above the number of"),
        ({"maximum": 2**60}, "cannot constrain a generation: `maximum` that is not an exact"),
        ({"format": "phone"}, 'cannot constrain a generation: `format` "phone" at #/format'),
        ({"items": {"$ref": "#/nowhere"}},
         'has a reference to nothing at #/items/$ref: "#/nowhere"'),
        ({"$ref": "#"}, "refers to itself at #/$ref"),
        ({"properties": {"a": {"type": "object", "properties": {"b": {"const": 1}},
          "required": ["b"], "additionalProperties": {"pattern": "("}}}},
         "cannot constrain a generation: unclosed group at #/properties/a/additionalProp"),
        ({"type": "array", "uniqueItems": True},
         "cannot constrain a generation: `uniqueItems` at #/uniqueItems"),
        ({"enum": []}, "cannot constrain a generation: Unsatisfiable schema"),
        ({"type": "integer", "minimum": 5, "maximum": 3},
         "cannot constrain a generation: Unsatisfiable schema"),
        ({"$ref": "file:///etc/passwd"}, "refers to another document at #/$ref"),
        ({"type": "string", "pattern": "(?=a)"}, "cannot constrain a generation: look-around"),
        ({"type": "string", "pattern": "(a{999}){999}"}, "has a pattern that is too large at #: "),
        ("[" * 100_000, "is too deeply nested"),
        ('{"items":' * 2000 + "{}" + "}" * 2000, "is too deeply nested"),
        (" " * 1_000_001, "has 1000001 characters; 1000000 are allowed"),
        ("false", "cannot constrain a generation: it allows no text at all"),
    ],
)  # fmt: skip
def test_schemas_that_cannot_be_followed(schema: object, message: str) -> None:
    fault = schema_fault(schema if isinstance(schema, str) else json.dumps(schema))
    assert fault is not None
    assert fault.message.startswith(message), fault.message


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
        {"anyOf": [{"type": "null"}, {"enum": ["a", 1]}]},
        {"$ref": "#/$defs/A", "$defs": {"A": {"type": "array", "items": {"$ref": "#/$defs/A"}}}},
        {"type": "string", "maxLength": 10**9},
    ],
)
def test_schemas_that_can_be_followed(schema: object) -> None:
    assert schema_fault(json.dumps(schema)) is None


def test_bombs_are_refused_or_read_at_once() -> None:
    defs: dict[str, object] = {"d0": {"type": "string"}}
    for i in range(1, 40):
        inner = {"$ref": f"#/$defs/d{i - 1}"}
        defs[f"d{i}"] = {"anyOf": [inner, {"type": "array", "items": inner}]}
    started = time.monotonic()
    schema_fault(json.dumps({"$ref": "#/$defs/d39", "$defs": defs}))
    schema_fault(json.dumps({"type": "array", "minItems": 10**9, "items": {"minLength": 10**9}}))
    regex_fault("|".join(f"w{i}" for i in range(8000)))
    regex_fault("a?" * 5000 + "a" * 5000)
    assert time.monotonic() - started < 10


def test_the_library_agrees_about_what_is_accepted() -> None:
    """What is found good here compiles there, with the options that the engine uses."""
    for pattern in (r"[0-9]+", "(?i)abc", r"\p{L}+"):
        grammar = LLMatcher.grammar_from_regex(pattern)
        assert regex_fault(pattern) is None
        assert LLMatcher.validate_grammar(grammar) == ""


@settings(max_examples=60)
@given(st.from_regex(patterns._PLAIN, fullmatch=True))
def test_plain_patterns_are_read_alike(pattern: str) -> None:
    tree, _ = patterns._parse(pattern)
    if tree is not None and size(tree) < 1000 and patterns._unsupported(tree) == "":
        assert patterns._guidance_fault(pattern) is None


def test_half_a_character_is_a_fault() -> None:
    """Found by fuzzing IR text: llguidance takes UTF-8 alone."""
    fault = regex_fault("(?i)\ud800")
    assert fault is not None
    assert "lone surrogate" in fault.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('root ::= "a" | b', "has no rule `b`, used at line 1, column 16"),
        ('top ::= "a"', "has no rule `root`"),
        ('root ::= "a"\nx ::= [a-', 'cannot be read at line 2, column 7: unexpected "[a-"'),
        ('root ::= ("a"', "ends too early"),
        ('root ::= "\\q"', "has an unknown escape \\q at line 1, column 10"),
        ('root ::= "a"{9,2}', "repeats at least 9 and at most 2 times at line 1, column 13"),
        ('root ::= "a"{60000}', "repeats 60000 times at line 1, column 13; 50000 are allowed"),
        ("root ::= []", "has an empty class at line 1, column 10"),
        ('root ::= "a"\nroot ::= "b"', "defines `root` a second time at line 2"),
        ('start: "a"\n  | nobody', 'unknown name: "nobody"'),
        ("start: /(/", "unclosed group at line 1, column 8"),
        ("", "Empty grammar"),
        ("root ::= " + "(" * 50_000, "ends too early"),
        ("#" * 200_001, "has 200001 characters; 200000 are allowed"),
    ],
)
def test_grammars_that_cannot_be_followed(text: str, message: str) -> None:
    fault = ebnf_fault(text)
    assert fault is not None
    assert fault.message.startswith(message), fault.message
    assert "\n" not in fault.message


@pytest.mark.parametrize("text", ['root ::= "a"', 'start: "a" | "b"+', "root ::= [^\\]\\n] # x\n"])
def test_grammars_that_can_be_followed(text: str) -> None:
    assert ebnf_fault(text) is None
