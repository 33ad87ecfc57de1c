"""The size of a regular expression, counted before a library unfolds its repetitions."""

from __future__ import annotations

import re
import warnings
from re import _constants as sre
from re import _parser as sre_parser
from typing import Any

from sglc_grammar.constraints.errors import GrammarError

LARGEST = 50_000
"""Characters of a pattern, repetitions written out."""
_FOREIGN = re.compile(r"\\[pP](\{[^{}]*\}|\w)|\[\[:\^?\w+:\]\]|\\[zh]")
"""What stands for one character, or for none, in llguidance's patterns and not in Python's."""


def parse(pattern: str) -> Any:
    """Python's syntax tree of a pattern. Raises re.error, OverflowError or RecursionError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sre_parser.parse(pattern)


def size(tree: Any) -> int:
    """Characters of a parsed pattern with its repetitions written out."""
    total = 0
    for op, args in tree:
        match op:
            case sre.MAX_REPEAT | sre.MIN_REPEAT | sre.POSSESSIVE_REPEAT:
                low, high, inner = args
                times = low if high is sre.MAXREPEAT else high
                total += max(1, int(times)) * size(inner)
            case sre.SUBPATTERN:
                total += size(args[3])
            case sre.ATOMIC_GROUP:
                total += size(args)
            case sre.BRANCH:
                total += sum(size(arm) for arm in args[1])
            case sre.IN:
                total += len(args)
            case _:
                total += 1
    return total


def size_of(pattern: str) -> int:
    """The size of a pattern in llguidance's syntax; its length where Python cannot parse it."""
    for text in (pattern, _FOREIGN.sub("x", pattern)):
        try:
            return size(parse(text))
        except (re.error, OverflowError, RecursionError):
            continue
    return len(pattern)


def too_large(characters: int, limit: int = LARGEST) -> str:
    """What is said of a pattern that is too large."""
    shown = f"{characters} characters" if characters < 10**9 else "more than 10^9 characters"
    return f"the pattern stands for {shown}; {limit} are allowed"


def check_size(pattern: str, where: str = "") -> None:
    """Raise GrammarError for a pattern that is too large; `where` is put before the message."""
    if (characters := size_of(pattern)) > LARGEST:
        raise GrammarError(where + too_large(characters), too_large=True)
