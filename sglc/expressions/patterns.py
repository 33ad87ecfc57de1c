"""
Patterns and JSON schemas that a generation can follow, decided before a model sees them.

What constrains a generation goes to llguidance (github.com/guidance-ai/llguidance), which runs in
the engine; the same library is asked here, without a tokenizer, so that the answer is the same.
`stop_regex` has Python's syntax. Sizes are bounded: a pattern counts as many characters as it has
with its repetitions written out.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from re import _constants as sre
from re import _parser as sre_parser
from typing import Any

LARGEST = 50_000
"""Characters of a `regex`, repetitions written out."""
LARGEST_STOP = 5_000
"""The same of a `stop_regex`, which is followed by Python."""
LONGEST_SCHEMA = 1_000_000
"""Characters of a JSON schema."""
WHITESPACE = "[ ]?"
"""Between the parts of JSON, as in `sglc_runtime.constraints.grammar`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a pattern or schema cannot be used."""

    message: str
    """Completes "the pattern ..."."""
    label: str
    notes: tuple[str, ...] = ()
    too_large: bool = False


_STEPS = ("the model is followed token by token, without going back",)


@lru_cache(maxsize=1024)
def regex_fault(pattern: str) -> Fault | None:
    """What is wrong with a pattern that a generation is to follow; None if nothing is."""
    tree, fault = _parse(pattern)
    size = _foreign_size(pattern) if tree is None else _size(tree)
    if size > LARGEST:
        return _too_large(size, LARGEST)
    if tree is None:
        # Python does not know `\\p{L}` and its like.
        return fault if _guidance_fault(pattern) is not None else None
    found = _unsupported(tree)
    if found:
        return Fault(f"{found} cannot constrain a generation", "not supported", _STEPS)
    reason = None if _PLAIN.fullmatch(pattern) else _guidance_fault(pattern)
    if reason is not None:
        return Fault(f"cannot constrain a generation: {reason}", "not supported", _STEPS)
    return None


@lru_cache(maxsize=1024)
def stop_regex_fault(pattern: str) -> Fault | None:
    """What is wrong with a pattern that ends a generation; None if nothing is."""
    tree, fault = _parse(pattern)
    if tree is None:
        return fault
    found = _unsupported(tree)
    if found:
        note = ("text is looked at once, as it comes, without going back",)
        return Fault(f"{found} cannot stop a generation", "not supported", note)
    return _too_large(_size(tree), LARGEST_STOP)


def _parse(pattern: str) -> tuple[Any, Fault | None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sre_parser.parse(pattern), None
    except (re.error, OverflowError, RecursionError) as error:
        at = getattr(error, "pos", None)
        where = f" at character {at + 1}" if isinstance(at, int) else ""
        text = getattr(error, "msg", None) or "it is too deeply nested"
        return None, Fault(f"not a regular expression: {text}{where}", "invalid")


def _too_large(size: int, limit: int) -> Fault | None:
    if size <= limit:
        return None
    shown = f"{size} characters" if size < 10**9 else "more than 10^9 characters"
    message = f"the pattern stands for {shown}; {limit} are allowed"
    return Fault(message, "too large", too_large=True)


def _size(tree: Any) -> int:
    """Characters of a parsed pattern with its repetitions written out."""
    total = 0
    for op, args in tree:
        match op:
            case sre.MAX_REPEAT | sre.MIN_REPEAT | sre.POSSESSIVE_REPEAT:
                low, high, inner = args
                times = low if high is sre.MAXREPEAT else high
                total += max(1, int(times)) * _size(inner)
            case sre.SUBPATTERN:
                total += _size(args[3])
            case sre.ATOMIC_GROUP:
                total += _size(args)
            case sre.BRANCH:
                total += sum(_size(arm) for arm in args[1])
            case sre.IN:
                total += len(args)
            case _:
                total += 1
    return total


_FOREIGN = re.compile(r"\\[pP](\{[^{}]*\}|\w)|\[\[:\^?\w+:\]\]|\\[zh]")
"""What stands for one character, or for none, in llguidance's patterns and not in Python's."""


def _foreign_size(pattern: str) -> int:
    """The size of a pattern that Python cannot parse as it is; its length where it never can."""
    tree, _ = _parse(_FOREIGN.sub("x", pattern))
    return len(pattern) if tree is None else _size(tree)


def _unsupported(tree: object) -> str:
    """A construct that cannot be followed step by step; empty if there is none."""
    if isinstance(tree, sre_parser.SubPattern):
        return next((text for item in tree for text in [_unsupported(item)] if text), "")
    if isinstance(tree, tuple | list):
        # Opcodes are compared by identity: as integers they equal counts and characters.
        if tree and any(tree[0] is code for code in (sre.ASSERT, sre.ASSERT_NOT)):
            return "look-around"
        if tree and any(tree[0] is code for code in (sre.GROUPREF, sre.GROUPREF_EXISTS)):
            return "a back-reference"
        if tree and any(tree[0] is code for code in (sre.ATOMIC_GROUP, sre.POSSESSIVE_REPEAT)):
            return "an atomic group"
        return next((text for item in tree for text in [_unsupported(item)] if text), "")
    return ""


_PLAIN = re.compile(
    r"""(?x:
        (?: [^\\\[\](){}|*+?^$.] | \.                # a character
          | \\[dwsDWSntr.+*?()\[\]{}|^$/\\-]          # an escape that both know
          | \[\^?([^\\\[\]&~^-]|[0-9A-Za-z]-[0-9A-Za-z]|\\[dwsntr.+*?()\[\]{}|^$/\\-])+\]
          | \)
        ) (?: [*+?] \?? | \{[0-9]+(,[0-9]*)?\} )?
        | \((\?:)?(?![?*+{]) | \|(?![*+?{])
    )*"""
)
"""Patterns that Python and llguidance read alike, so that Python's word is enough."""


def _guidance_fault(pattern: str) -> str | None:
    if any("\ud800" <= char <= "\udfff" for char in pattern):
        return "half a character (a lone surrogate) is in it"
    from llguidance import LLMatcher, regex_to_lark

    grammar = LLMatcher.grammar_from_regex(regex_to_lark(pattern, use_ascii="d"))
    return _reason(LLMatcher.validate_grammar(grammar))


def _reason(text: str) -> str | None:
    """The line of llguidance's message that says why; None without a message."""
    if not text:
        return None
    found = re.search(r"^error: (.*)$", text, re.MULTILINE)
    if found:
        return found.group(1)
    inner = re.search(r"\(in regex\): (.*?)(;| in regex /|$)", text, re.MULTILINE)
    return (inner.group(1) if inner else text.strip().partition("\n")[0])[:200]


def fault_of(name: str, value: object) -> Fault | None:
    """What is wrong with the value of a parameter of `gen`, if it holds patterns or a schema."""
    check = {"regex": regex_fault, "stop_regex": stop_regex_fault, "json_schema": schema_fault}
    texts = value if isinstance(value, list | tuple) else [value]
    if name not in check:
        return None
    faults = (check[name](text) for text in texts if isinstance(text, str))
    return next((fault for fault in faults if fault is not None), None)


# ---- JSON schemas --------------------------------------------------------------------------------

_KINDS = frozenset({"string", "integer", "number", "boolean", "null", "array", "object"})
_NOT_A_SCHEMA = "invalid"


@lru_cache(maxsize=256)
def schema_fault(text: str) -> Fault | None:
    """What is wrong with the text of a JSON schema; None if nothing is."""
    if len(text) > LONGEST_SCHEMA:
        message = f"has {len(text)} characters; {LONGEST_SCHEMA} are allowed"
        return Fault(message, "too large", too_large=True)
    try:
        schema = json.loads(text)
    except json.JSONDecodeError as error:
        return Fault(f"is not JSON: {error.msg} at character {error.pos + 1}", _NOT_A_SCHEMA)
    except RecursionError:
        return Fault("is too deeply nested", _NOT_A_SCHEMA, too_large=True)
    try:
        message = structure_fault(schema)
    except RecursionError:
        return Fault("is too deeply nested", _NOT_A_SCHEMA, too_large=True)
    if message:
        return Fault(message, _NOT_A_SCHEMA)
    size = _largest_pattern(schema)
    if size > LARGEST:
        fault = _too_large(size, LARGEST)
        assert fault is not None
        return Fault(f"has a pattern that is too large: {fault.message}", fault.label, (), True)
    reason = _schema_reason(schema)
    if reason is None:
        return None
    return Fault(f"cannot constrain a generation: {reason}", "not supported")


def _schema_reason(schema: object) -> str | None:
    from llguidance import LLMatcher

    if schema is False:
        return "it allows no text at all"
    try:
        grammar = LLMatcher.grammar_from_json_schema(
            json.dumps({} if schema is True else schema),
            overrides={"whitespace_pattern": WHITESPACE},
        )
    except ValueError as error:
        return str(error).partition("\n")[0]
    return _reason(LLMatcher.validate_grammar(grammar))


def _largest_pattern(schema: object) -> int:
    """The size of the largest `pattern` in a schema."""
    found, todo = 0, [schema]
    while todo:
        part = todo.pop()
        if isinstance(part, Mapping):
            pattern = part.get("pattern")
            if isinstance(pattern, str):
                tree, _ = _parse(pattern)
                found = max(found, _foreign_size(pattern) if tree is None else _size(tree))
            todo += part.values()
        elif isinstance(part, list):
            todo += part
    return found


def structure_fault(schema: object) -> str:
    """What is structurally wrong with a JSON schema; empty if nothing is."""
    if isinstance(schema, bool):
        return ""
    if not isinstance(schema, Mapping):
        return "must be an object"
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if not isinstance(kind, str) or kind not in _KINDS:
            return f"has an unknown type {json.dumps(kind)}"
    for key in ("properties", "$defs", "definitions"):
        group = schema.get(key, {})
        if not isinstance(group, Mapping):
            return f"has `{key}` that is no object"
        for inner in group.values():
            if fault := structure_fault(inner):
                return fault
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        return "has `required` that is no list of names"
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        members = schema.get(key, [])
        if not isinstance(members, list):
            return f"has `{key}` that is no list"
        for inner in members:
            if fault := structure_fault(inner):
                return fault
    for key in ("items", "additionalProperties"):
        if key in schema and (fault := structure_fault(schema[key])):
            return fault
    if "enum" in schema and not isinstance(schema["enum"], list):
        return "has `enum` that is no list"
    return ""
