"""
Stop patterns followed character by character, in time that no pattern and no text can blow up.

Python's `re` goes back and tries again, which takes exponential time for patterns such as `(a+)+b`.
Here all ways through a pattern are followed at once (Thompson, "Regular expression search
algorithm", 1968), so that a character costs at most as many steps as the pattern has parts.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from re import _compiler as sre_compiler  # type: ignore[attr-defined]  # not in its stubs
from re import _constants as sre
from re import _parser as sre_parser
from typing import Any

LARGEST = 20_000
"""Parts of a pattern, repetitions written out."""


class UnsupportedError(Exception):
    """The pattern looks around or back."""


@dataclass(slots=True, eq=False)
class _Part:
    """One character, a condition, a choice of ways, or the end of the pattern."""

    next: list[int]
    test: _Char | None = None
    condition: Callable[[str, str], bool] | None = None
    """Of the characters before and after a place; empty at the ends."""


@dataclass(slots=True, eq=False)
class _Char:
    """Which characters fit, as `re` sees it; answers are kept."""

    pattern: re.Pattern[str]
    known: dict[str, bool] = field(default_factory=dict)

    def fits(self, char: str) -> bool:
        found = self.known.get(char)
        if found is None:
            if len(self.known) > 4096:
                self.known.clear()
            found = self.known[char] = self.pattern.fullmatch(char) is not None
        return found


class StopPattern:
    """
    A pattern looked for in text that comes piece by piece.

    Raises `re.error` for text that is no pattern or stands for too many parts, and
    `UnsupportedError` for look-around, back-references and atomic groups.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = sre_parser.parse(source)
        self._state: Any = tree.state
        self._parts: list[_Part] = []
        self._end = self._part([])
        self._first = self._sequence(tree, 0, 0, self._end)
        self._ways: dict[int, int] = {}
        """Parts that the next character may fit, and where a match on that way began."""
        self._before = ""
        self._length = 0

    def feed(self, char: str) -> tuple[int, int] | None:
        """Take one character; the longest match that ends with it, none that is empty."""
        self._ways.setdefault(self._first, self._length)
        following: dict[int, int] = {}
        for part, start in self._reached(self._ways, char).items():
            test = self._parts[part].test
            if test is not None and test.fits(char):
                (after,) = self._parts[part].next
                following[after] = min(start, following.get(after, start))
        self._ways, self._before = following, char
        self._length += 1
        began = self._reached(following, "").get(self._end)
        return None if began is None else (began, self._length)

    def _reached(self, ways: dict[int, int], after: str) -> dict[int, int]:
        """Every part reached without a character, with the earliest beginning."""
        found: dict[int, int] = {}
        for first, start in sorted(ways.items(), key=lambda way: way[1]):
            todo = [first]
            while todo:
                number = todo.pop()
                if number in found:
                    continue
                found[number] = start
                part = self._parts[number]
                if part.test is None and (
                    part.condition is None or part.condition(self._before, after)
                ):
                    todo += part.next
        return found

    # ---- from the pattern's tree to parts, built from the end ------------------------------------

    def _part(
        self,
        following: list[int],
        test: _Char | None = None,
        condition: Callable[[str, str], bool] | None = None,
    ) -> int:
        if len(self._parts) >= LARGEST:
            raise re.error(f"the pattern stands for more than {LARGEST} characters")
        self._parts.append(_Part(following, test, condition))
        return len(self._parts) - 1

    def _sequence(self, items: Iterable[Any], add: int, drop: int, after: int) -> int:
        for item in reversed(list(items)):
            after = self._item(item, add, drop, after)
        return after

    def _item(self, item: Any, add: int, drop: int, after: int) -> int:
        op, args = item
        match op:
            case sre.LITERAL | sre.NOT_LITERAL | sre.ANY | sre.IN:
                return self._part([after], _Char(self._single(item, add, drop)))
            case sre.BRANCH:
                return self._part([self._sequence(arm, add, drop, after) for arm in args[1]])
            case sre.SUBPATTERN:
                _, more, less, inner = args
                return self._sequence(inner, (add | more) & ~less, (drop | less) & ~more, after)
            case sre.MAX_REPEAT | sre.MIN_REPEAT:
                low, high, inner = args
                return self._repeat(low, high, inner, add, drop, after)
            case sre.AT:
                flags = (self._state.flags | add) & ~drop
                return self._part([after], condition=_condition(args, flags))
        raise UnsupportedError(str(op))

    def _repeat(self, low: int, high: int, inner: Any, add: int, drop: int, after: int) -> int:
        if high is sre.MAXREPEAT:
            loop = self._part([after])
            self._parts[loop].next.append(self._sequence(inner, add, drop, loop))
            after = loop
        else:
            out = after
            for _ in range(high - low):
                after = self._part([out, self._sequence(inner, add, drop, after)])
        for _ in range(low):
            after = self._sequence(inner, add, drop, after)
        return after

    def _single(self, item: Any, add: int, drop: int) -> re.Pattern[str]:
        inner = sre_parser.SubPattern(self._state, [item])
        group = sre_parser.SubPattern(self._state, [(sre.SUBPATTERN, (None, add, drop, inner))])
        return sre_compiler.compile(group)  # type: ignore[no-any-return]


def _condition(code: Any, flags: int) -> Callable[[str, str], bool]:
    lines = bool(flags & re.MULTILINE)
    match code:
        case sre.AT_BEGINNING if lines:
            return lambda before, after: before in ("", "\n")
        case sre.AT_BEGINNING | sre.AT_BEGINNING_STRING:
            return lambda before, after: before == ""
        case sre.AT_END:
            return lambda before, after: after in ("", "\n")
        case sre.AT_END_STRING:
            return lambda before, after: after == ""
        case sre.AT_BOUNDARY:
            return lambda before, after: _is_word(before, flags) != _is_word(after, flags)
        case sre.AT_NON_BOUNDARY:
            return lambda before, after: _is_word(before, flags) == _is_word(after, flags)
    raise UnsupportedError(str(code))


def _is_word(char: str, flags: int) -> bool:
    if flags & re.ASCII and not char.isascii():
        return False
    return char.isalnum() or char == "_"
