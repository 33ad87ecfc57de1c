"""A constraint's source text to the grammar that llguidance compiles, and what is wrong with it."""

from __future__ import annotations

import re
from typing import Any, Literal

from sglc_grammar.constraints.ebnf import LONGEST, to_lark
from sglc_grammar.constraints.errors import GrammarError
from sglc_grammar.constraints.json_schema import prepared
from sglc_grammar.constraints.regexes import check_size

GrammarKind = Literal["regex", "json_schema", "ebnf"]
NAMES = {"regex": "regex", "json_schema": "JSON schema", "ebnf": "grammar"}
"""What each kind is called in messages."""
WHITESPACE = "[ ]?"
"""Between the parts of JSON: nothing or one space. Unlimited white space invites endless runs."""
ESCAPES = 'nrbtf\\"'
"""
Letters after a backslash in JSON strings. `u` is not among them: with it llguidance would let a
property name be spelled so that it is taken for another one.
"""
_JSON_OPTIONS: dict[str, Any] = {
    "whitespace_pattern": WHITESPACE,
    "json_allowed_escapes": ESCAPES,
    "coerce_one_of": False,
    "lenient": False,
}


def grammar_of(kind: GrammarKind, source: str) -> str:
    """
    The grammar in llguidance's form; cheap, nothing is compiled.

    Raises:
        GrammarError: the text cannot be read, asks for what is not supported, or for too much.
    """
    from llguidance import LLMatcher, regex_to_lark

    if any("\ud800" <= char <= "\udfff" for char in source):
        raise GrammarError("has half a character (a lone surrogate) in it")
    if kind == "regex":
        check_size(source)
        # As in xgrammar and outlines, \d is 0-9 and not any script's digits.
        return str(LLMatcher.grammar_from_regex(regex_to_lark(source, use_ascii="d")))
    if kind == "json_schema":
        schema = prepared(source)
        return str(LLMatcher.grammar_from_json_schema(schema, overrides=_JSON_OPTIONS))
    if "::=" in source:
        return str(LLMatcher.grammar_from_lark(to_lark(source)))
    if len(source) > LONGEST:
        message = f"has {len(source)} characters; {LONGEST} are allowed"
        raise GrammarError(message, too_large=True)
    return str(LLMatcher.grammar_from_lark(source))


def limits() -> Any:
    """
    What one grammar may cost (llguidance.LLParserLimits).

    A sixth of the library's own fuel for the first expressions: `a{50000}` takes 0.2 s, and no
    grammar more than about one.
    """
    from llguidance import LLParserLimits

    return LLParserLimits(
        initial_lexer_fuel=150_000,
        step_lexer_fuel=150_000,
        max_lexer_states=60_000,
        verbose_errors=False,
    )


_PLACE = re.compile(r"^(?:at )?(\d+)\((\d+)\): (.*)$", re.MULTILINE)


def fault_of(message: str) -> str:
    """The line of llguidance's message that says what is wrong, and where; empty without one."""
    if not message:
        return ""
    place = _PLACE.search(message)
    where = f" at line {place.group(1)}, column {place.group(2)}" if place else ""
    found = re.search(r"^error: (.*)$", message, re.MULTILINE)
    inner = re.search(r"\(in regex\): (.*?)(;| in regex /|$)", message, re.MULTILINE)
    if found:
        text = found.group(1)
    elif inner:
        text = inner.group(1)
    else:
        text = place.group(3) if place else message.strip().partition("\n")[0]
    return f"{text[:200]}{where}"
