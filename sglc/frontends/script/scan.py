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
_INDENT = re.compile(r"[ \t]*")
_TRIPLE = {
    '"""': re.compile(r'(?:\\.|(?!""")[^\\])*"""', re.DOTALL),
    "'''": re.compile(r"(?:\\.|(?!''')[^\\])*'''", re.DOTALL),
}
_SINGLE = {'"': re.compile(r'(?:\\.|[^"\\\n])*"'), "'": re.compile(r"(?:\\.|[^'\\\n])*'")}
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(slots=True)
class Chunk:
    """A stretch of whole lines that is parsed on its own."""

    first_line: int
    start: int
    """Index of its first character."""
    end: int = 0
    problems: list[Problem] = field(default_factory=list)


def scan(text: str) -> list[Chunk]:
    """The chunks of a text with normalised newlines, each with the problems found in it."""
    return _Scanner(text).run()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
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
        if end == i and (not self.brackets or _DEFINITION.match(self.text, i)):
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
        if triple in _TRIPLE:
            match = _TRIPLE[triple].match(self.text, i + 3)
            if match is None:
                self._unclosed(i, 3, f"`{triple}` is never closed")
                return len(self.text)
            newlines = self.text.count("\n", i, match.end())
            if newlines:
                self.line += newlines
                self.line_start = self.text.rindex("\n", i, match.end()) + 1
            return match.end()
        match = _SINGLE[self.text[i]].match(self.text, i + 1)
        if match is None:
            end = self._line_end(i)
            self._unclosed(i, len(self.text[i:end].rstrip()), "string is never closed")
            return end
        return match.end()

    def _unclosed(self, i: int, size: int, message: str) -> None:
        self.brackets = []
        self.chunks[-1].problems.append(
            Problem(
                "SGL0107",
                message,
                self._loc(i, size),
                "begins here",
                helps=('text of several lines stands between `"""`',) if size != 3 else (),
            )
        )

    def _bracket(self, char: str, i: int) -> None:
        if char in "([{":
            self.brackets.append((char, self._loc(i)))
        elif char in _PAIRS:
            if self.brackets and self.brackets[-1][0] == _PAIRS[char]:
                self.brackets.pop()
                return
            marks: tuple[Mark, ...] = ()
            message = f"`{char}` closes nothing"
            if self.brackets:
                opened, loc = self.brackets[-1]
                message = f"`{char}` does not close `{opened}`"
                marks = (Mark(loc, "opened here"),)
                self.brackets = []
            self.chunks[-1].problems.append(
                Problem("SGL0106", message, self._loc(i), "does not match", marks=marks)
            )
