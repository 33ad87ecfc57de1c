"""
Patterns that a generation can follow, decided before a model sees them.

What constrains a generation goes to llguidance (github.com/guidance-ai/llguidance), which runs in
the engine; the same library is asked here, without a tokenizer, so that the answer is the same.
`stop_regex` has Python's syntax. Sizes are bounded: a pattern counts as many characters as it has
with its repetitions written out.
"""

from __future__ import annotations

import re
from functools import lru_cache
from re import _constants as sre
from re import _parser as sre_parser
from typing import Any

from sglc.expressions.constraints import Fault, ebnf_fault, schema_fault
from sglc_grammar.constraints.errors import GrammarError
from sglc_grammar.constraints.regexes import LARGEST, parse, size, size_of, too_large

LARGEST_STOP = 5_000
"""The same of a `stop_regex`, which is matched at every token."""


_STEPS = ("the model is followed token by token, without going back",)


@lru_cache(maxsize=1024)
def regex_fault(pattern: str) -> Fault | None:
    """What is wrong with a pattern that a generation is to follow; None if nothing is."""
    tree, fault = _parse(pattern)
    characters = size_of(pattern) if tree is None else size(tree)
    if characters > LARGEST:
        return _too_large(characters, LARGEST)
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
    return _too_large(size(tree), LARGEST_STOP)


def _parse(pattern: str) -> tuple[Any, Fault | None]:
    try:
        return parse(pattern), None
    except (re.error, OverflowError, RecursionError) as error:
        at = getattr(error, "pos", None)
        where = f" at character {at + 1}" if isinstance(at, int) else ""
        text = getattr(error, "msg", None) or "it is too deeply nested"
        return None, Fault(f"not a regular expression: {text}{where}", "invalid")


def _too_large(characters: int, limit: int) -> Fault | None:
    if characters <= limit:
        return None
    return Fault(too_large(characters, limit), "too large", too_large=True)


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
    from sglc_grammar.constraints.placing import check

    try:
        check("regex", pattern)
    except GrammarError as error:
        return error.message
    return None


def fault_of(name: str, value: object) -> Fault | None:
    """What is wrong with the value of a parameter of `gen`, if it holds patterns or a schema."""
    check = {
        "regex": regex_fault,
        "stop_regex": stop_regex_fault,
        "json_schema": schema_fault,
        "ebnf": ebnf_fault,
    }
    texts = value if isinstance(value, list | tuple) else [value]
    if name not in check:
        return None
    faults = (check[name](text) for text in texts if isinstance(text, str))
    return next((fault for fault in faults if fault is not None), None)
