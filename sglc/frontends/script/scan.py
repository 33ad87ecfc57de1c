"""
A first look at a script's text: what goes wrong below the grammar, and where definitions begin.

Finds strings and brackets that are never closed and tabs in indentation, which a parser reports
far from the mistake, and cuts the text at the definitions so that each is parsed on its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sglc.expressions.problem import Mark, Problem
from sglc.expressions.words import TOP_LEVEL
from sglc.ir.core import Loc

_DEFINITION = re.compile(rf"(?:{'|'.join(TOP_LEVEL)})\b(?![ \t]*[=.(\[])")
_HEADER = re.compile(rf"\n(?:(?:{'|'.join(TOP_LEVEL)})[ \t]+[^\W\d\"'])")
_INDENT = re.compile(r"[ \t]*")
TRIPLE = {
    '"""': re.compile(r'(?:\\.|(?!""")[^\\])*"""', re.DOTALL),
    "'''": re.compile(r"(?:\\.|(?!''')[^\\])*'''", re.DOTALL),
}
SINGLE = {'"': re.compile(r'(?:\\.|[^"\\\n])*"'), "'": re.compile(r"(?:\\.|[^'\\\n])*'")}
PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(slots=True)
class Chunk:
    """A stretch of whole lines that is parsed on its own."""

    first_line: int
    start: int
    """Index of its first character."""
    end: int = 0
    problems: list[Problem] = field(default_factory=list)
    unclosed_text: bool = False
    """Whether three quotes are never closed, so that what is text and what is not is unknown."""


def scan(text: str, *, wary: bool = False) -> list[Chunk]:
    """
    The chunks of a text with normalised newlines, each with the problems found in it.

    With `wary`, text between three quotes ends before a line that looks like a definition, which
    finds the string that was never closed where a later one would close it.
    """
    return _Scanner(text, wary).run()


class _Scanner:
    def __init__(self, text: str, wary: bool) -> None:
        self.text = text
        self.wary = wary
        self.chunks = [Chunk(1, 0)]
        self.brackets: list[tuple[str, Loc]] = []
        self.line = 1
        self.line_start = 0
        self.tabs_reported = False

    def run(self) -> list[Chunk]:
        i = self._begin_line(0)
        while i < len(self.text):
            char = self.text[i]
            if char == "\n":
                self.line += 1
                self.line_start = i + 1
                i = self._begin_line(i + 1)
            elif char == "#":
                i = self._line_end(i)
            elif char in "\"'":
                i = self._string(i)
            else:
                self._bracket(char, i)
                i += 1
        self._close_chunk(len(self.text))
        return [chunk for chunk in self.chunks if self.text[chunk.start : chunk.end].strip()]

    def _loc(self, i: int, size: int = 1) -> Loc:
        column = i - self.line_start + 1
        return Loc(self.line, column, self.line, column + size)

    def _line_end(self, i: int) -> int:
        end = self.text.find("\n", i)
        return len(self.text) if end < 0 else end

    def _begin_line(self, i: int) -> int:
        """Look at a line's start; returns where its text begins."""
        match = _INDENT.match(self.text, i)
        assert match is not None
        end = match.end()
        rest = self.text[end : end + 1]
        if not rest or rest in "\n#":
            return end
        if end == i and self._begins_chunk(i):
            self._close_chunk(i)
            self.chunks.append(Chunk(self.line, i))
        elif "\t" in match.group() and not self.brackets and not self.tabs_reported:
            self.tabs_reported = True
            self.chunks[-1].problems.append(
                Problem(
                    "SGL0103",
                    "tab in the indentation",
                    self._loc(i + match.group().index("\t")),
                    "a tab",
                    helps=("indent with spaces",),
                )
            )
        return end

    def _begins_chunk(self, i: int) -> bool:
        if self.brackets:
            return _DEFINITION.match(self.text, i) is not None
        # A closing bracket belongs to what is above, whether or not that is damaged.
        return self.text[i] not in PAIRS

    def _close_chunk(self, end: int) -> None:
        chunk = self.chunks[-1]
        chunk.end = end
        self.tabs_reported = False
        if self.brackets:
            bracket, loc = self.brackets[0]
            chunk.problems.append(
                Problem("SGL0106", f"`{bracket}` is never closed", loc, "opened here")
            )
            self.brackets = []

    def _string(self, i: int) -> int:
        """Skip a string; returns the index after it."""
        triple = self.text[i : i + 3]
        if triple in TRIPLE:
            match = TRIPLE[triple].match(self.text, i + 3)
            stop = self._suspicious(i, match.end() if match is not None else len(self.text))
            if match is None or stop is not None:
                self.brackets = []
                self.chunks[-1].problems.append(self._unclosed_triple(i, triple))
                self.chunks[-1].unclosed_text = True
                return len(self.text) if stop is None else self._skip_to(i, stop)
            newlines = self.text.count("\n", i, match.end())
            if newlines:
                self.line += newlines
                self.line_start = self.text.rindex("\n", i, match.end()) + 1
            return match.end()
        match = SINGLE[self.text[i]].match(self.text, i + 1)
        if match is None:
            end = self._line_end(i)
            place = self._loc(i, len(self.text[i:end].rstrip()))
            self.chunks[-1].problems.append(unclosed_string(place))
            return end
        return match.end()

    def _suspicious(self, start: int, end: int) -> int | None:
        """Where a line in a string looks like the start of a definition."""
        found = _HEADER.search(self.text, start, end) if self.wary else None
        return None if found is None else found.start() + 1

    def _skip_to(self, i: int, stop: int) -> int:
        """Go on at the start of a later line; returns the end of the line before it."""
        self.line += self.text.count("\n", i, stop - 1)
        self.line_start = self.text.rfind("\n", 0, stop - 1) + 1
        return stop - 1

    def _unclosed_triple(self, i: int, quotes: str) -> Problem:
        return Problem("SGL0107", f"`{quotes}` is never closed", self._loc(i, 3), "begins here")

    def _bracket(self, char: str, i: int) -> None:
        if char in "([{":
            self.brackets.append((char, self._loc(i)))
        elif char in PAIRS:
            if self.brackets and self.brackets[-1][0] == PAIRS[char]:
                self.brackets.pop()
                return
            self.chunks[-1].problems.append(unmatched(char, self._loc(i), self.brackets))


def unclosed_string(loc: Loc) -> Problem:
    """A string that its line does not end."""
    return Problem(
        "SGL0107",
        "string is never closed",
        loc,
        "begins here",
        helps=('text of several lines stands between `"""`',),
    )


def unmatched(char: str, loc: Loc, opened: list[tuple[str, Loc]]) -> Problem:
    """A closing bracket that closes nothing, or another kind."""
    marks: tuple[Mark, ...] = ()
    message = f"`{char}` closes nothing"
    if opened:
        bracket, place = opened[-1]
        message = f"`{char}` does not close `{bracket}`"
        marks = (Mark(place, "opened here"),)
    return Problem("SGL0106", message, loc, "does not match", marks=marks)
