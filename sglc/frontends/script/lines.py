"""
A definition's text as a tree of logical lines, for finding every mistake in it.

A logical line is a statement or the header of one: brackets and triple quotes hold several lines
together, and so does a backslash at the end. What is damaged is kept apart with its problem.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sglc.expressions.problem import Problem
from sglc.expressions.words import ROLES
from sglc.frontends.script.scan import PAIRS, SINGLE, TRIPLE, unclosed_string, unmatched
from sglc.ir.core import Loc

_WORD = re.compile(r"[ \t]*([^\W\d]\w*)?")
_STARTS = re.compile(
    r"[ \t]*(?:(?:return|break|continue|pass|while|try|except|finally|raise|elif|def|fork)\b"
    rf"|(?:{'|'.join(ROLES)})[ \t]*(?::|\"|'))"
)
"""What begins a statement and cannot stand at the start of a line inside brackets."""


@dataclass(slots=True)
class Line:
    """A logical line."""

    first: int
    """Its number in the chunk, from 0."""
    text: list[str]
    """The lines of the file that it consists of."""
    problem: Problem | None = None

    @property
    def indent(self) -> int:
        """Width of its indentation; a tab counts four, as whoever wrote it may have seen it."""
        return len(self.margin.expandtabs(4))

    @property
    def margin(self) -> str:
        """Its indentation itself."""
        start = self.text[0]
        return start[: len(start) - len(start.lstrip(" \t"))]

    @property
    def closes(self) -> bool:
        """Whether it starts with a closing bracket, as only a part of a statement does."""
        return self.text[0].lstrip(" \t")[:1] in PAIRS

    @property
    def word(self) -> str:
        """Its first word."""
        match = _WORD.match(self.text[0])
        assert match is not None
        return match.group(1) or ""


def logical_lines(text: str, *, brackets_match: bool) -> list[Line]:
    """
    The logical lines of a chunk, flat.

    Where brackets do not match, one that is open at a line which looks like a new statement is
    taken to be the one that was never closed.
    """
    reader = _Reader(text.split("\n"), brackets_match)
    return list(reader.run())


class _Reader:
    def __init__(self, lines: list[str], brackets_match: bool) -> None:
        self.lines = lines
        self.brackets_match = brackets_match
        self.open: list[tuple[str, Loc]] = []
        self.quote: str | None = None

    def run(self) -> Iterator[Line]:
        current: Line | None = None
        for number, text in enumerate(self.lines):
            if current is not None and self._ends_before(current, text):
                yield current
                current = None
            if current is None:
                if not text.strip() or text.lstrip(" \t").startswith("#"):
                    continue
                self.open = []
                current = Line(number, [])
            current.text.append(text)
            if not self._read(current, number, text):
                yield current
                current = None
        if current is not None:
            self._blame_open(current)
            yield current

    def _ends_before(self, current: Line, text: str) -> bool:
        """Whether an open bracket was meant to be closed before this line."""
        if self.brackets_match or not self.open or self.quote or not text.strip():
            return False
        body = text.lstrip(" \t")
        width = len(text[: len(text) - len(body)].expandtabs(4))
        new = width <= current.indent and body[0] not in ")]}#"
        if not new and not _STARTS.match(text):
            return False
        self._blame_open(current)
        return True

    def _blame_open(self, line: Line) -> None:
        if self.open and line.problem is None:
            bracket, loc = self.open[0]
            line.problem = Problem("SGL0106", f"`{bracket}` is never closed", loc, "opened here")
        self.open = []

    def _read(self, line: Line, number: int, text: str) -> bool:
        """Read one line of the file; whether the logical line goes on after it."""
        i = 0
        while i < len(text):
            if self.quote is not None:
                i = self._inside_triple(text, i)
                continue
            char = text[i]
            if char == "#":
                break
            if char in "\"'":
                i = self._string(line, number, text, i)
                continue
            self._bracket(line, char, Loc(number + 1, i + 1, number + 1, i + 2))
            i += 1
        goes_on = self.quote is not None or bool(self.open)
        return goes_on or text.rstrip(" \t").endswith("\\")

    def _inside_triple(self, text: str, i: int) -> int:
        quote = self.quote
        while i < len(text):
            if text[i] == "\\":
                i += 2
            elif quote is not None and text.startswith(quote, i):
                self.quote = None
                return i + 3
            else:
                i += 1
        return len(text)

    def _string(self, line: Line, number: int, text: str, i: int) -> int:
        if text[i : i + 3] in TRIPLE:
            self.quote = text[i : i + 3]
            return i + 3
        match = SINGLE[text[i]].match(text, i + 1)
        if match is not None:
            return match.end()
        if line.problem is None:
            end = len(text.rstrip())
            line.problem = unclosed_string(Loc(number + 1, i + 1, number + 1, end + 1))
        return len(text)

    def _bracket(self, line: Line, char: str, loc: Loc) -> None:
        if char in "([{":
            self.open.append((char, loc))
        elif char in PAIRS:
            if self.open and self.open[-1][0] == PAIRS[char]:
                self.open.pop()
                return
            line.problem = line.problem or unmatched(char, loc, self.open)
