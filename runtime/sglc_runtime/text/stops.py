"""Stop strings and stop patterns over text that arrives in pieces."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sglc_runtime.text.patterns import StopPattern, UnsupportedError

PATTERN_TAIL = 1024
"""Characters over which a pattern that looks around or back is searched for."""


@dataclass(frozen=True, slots=True)
class StopMatch:
    """A stop found in the text; positions count characters from its start."""

    stop: str
    """The stop string, or the pattern's source."""
    start: int
    end: int
    cut: int
    """Where the text ends: before a stop string, after the match of a pattern."""


class _Searched:
    """A pattern that looks around or back: searched for again with each character."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._pattern = re.compile(source)
        self._text = ""

    def feed(self, char: str) -> tuple[int, int] | None:
        """As `StopPattern.feed`; what looks ahead ends before the last character."""
        self._text += char
        hit = self._pattern.search(self._text, max(0, len(self._text) - PATTERN_TAIL))
        return hit.span() if hit is not None and hit.end() > hit.start() else None


def _follower(source: str) -> StopPattern | _Searched:
    try:
        return StopPattern(source)
    except UnsupportedError:
        return _Searched(source)


class StopMatcher:
    """
    Finds the stop that is completed first, whatever pieces the text comes in.

    Of stops completed by the same character the longest match counts, then the first listed; stop
    strings come before patterns. A pattern counts as soon as a non-empty match of it exists. Text
    that may be the beginning of a stop string is held back. Raises `re.error` for a bad pattern.
    """

    def __init__(self, stops: Sequence[str] = (), patterns: Sequence[str] = ()) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._patterns = tuple(map(_follower, patterns))
        beginnings = {stop[:size] for stop in self._stops for size in range(1, len(stop))}
        self._beginnings = tuple(sorted(beginnings, key=len, reverse=True))
        self._released = 0
        self.text = ""
        """Everything fed so far, held-back text included."""
        self.match: StopMatch | None = None

    def feed(self, piece: str) -> str:
        """Take more text; returns what has become certain. After a match nothing is taken."""
        if self.match is not None:
            return ""
        seen = len(self.text)
        self.text += piece
        if not self._stops and not self._patterns:
            self._released = len(self.text)
            return piece
        self.match = self._find(seen)
        if self.match is not None:
            return self._release(self.match.cut)
        return self._release(len(self.text) - self._held())

    def finish(self) -> str:
        """No more text comes: release what was held back."""
        return self._release(len(self.text) if self.match is None else self.match.cut)

    def _release(self, end: int) -> str:
        piece = self.text[self._released : end]
        self._released = max(self._released, end)
        return piece

    def _find(self, seen: int) -> StopMatch | None:
        found: tuple[int, int, StopMatch] | None = None
        for stop in self._stops:
            start = self.text.find(stop, max(0, seen - len(stop) + 1))
            if start < 0:
                continue
            end = start + len(stop)
            if found is None or (end, start) < found[:2]:
                found = (end, start, StopMatch(stop, start, end, start))
        last = len(self.text) if found is None else found[0] - 1
        for end in range(seen + 1, last + 1) if self._patterns else ():
            best: StopMatch | None = None
            for pattern in self._patterns:
                hit = pattern.feed(self.text[end - 1])
                if hit is not None and (best is None or hit[0] < best.start):
                    best = StopMatch(pattern.source, hit[0], hit[1], hit[1])
            if best is not None:
                return best
        return None if found is None else found[2]

    def _held(self) -> int:
        """Length of the longest end of the text that a stop string begins with."""
        if not self.text.endswith(self._beginnings):
            return 0
        return len(next(start for start in self._beginnings if self.text.endswith(start)))
