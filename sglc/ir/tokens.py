"""
Tokens of IR text: the terminals of `sglir.lark`, found in one pass by one regular expression.

Written by hand, like the parser, because dumps of large programs are read on every run of a
`.sglir` file: it is eight times as fast as tables, and starts at once.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from sglc.diagnostics.core import Span

_TOKEN = re.compile(
    r"""
    [ \t\r\n]+ | //[^\n]*
    | (?P<value>%[\w.]+)
    | (?P<op>[a-z]+\.[a-z_]+)
    | (?P<float>-?[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+) | -inf\b)
    | (?P<int>-?[0-9]+(?![\d.eE]))
    | (?P<word>[A-Za-z_]\w*)
    | (?P<string>"(?:\\.|[^"\\\n])*")
    | (?P<symbol>@(?:[A-Za-z_][\w.]*|"(?:\\.|[^"\\\n])*"))
    | (?P<loc>![0-9]+:[0-9]+(?:-[0-9]+:[0-9]+)?)
    | (?P<mark>[(){}\[\],:=^])
    | (?P<bad>.)
    """,
    re.VERBOSE,
)


@dataclass(slots=True)
class Tokens:
    """The tokens of a text, as parallel lists that end in an `end` token."""

    kinds: list[str]
    """A mark is its own kind; the others are `value`, `op`, `float`, `int`, `word`, `string`,
    `symbol`, `loc`, `bad` (a character that begins no token) and `end`."""
    texts: list[str]
    starts: list[int]
    lines: list[int]
    """Where each line begins."""
    file: str

    def span(self, index: int) -> Span:
        """Where a token stands; the end of the text is one character wide."""
        start = self.starts[index]
        line = bisect_right(self.lines, start)
        column = start - self.lines[line - 1] + 1
        return Span(self.file, line, column, line, column + (len(self.texts[index]) or 1))

    def line(self, index: int) -> int:
        """The line of a token."""
        return bisect_right(self.lines, self.starts[index])

    def begins_line(self, index: int) -> bool:
        """Whether a token stands at the very beginning of a line."""
        return self.starts[index] == self.lines[self.line(index) - 1]


def tokens(text: str, file: str) -> Tokens:
    """Every token of a text; white space and comments are left out."""
    kinds: list[str] = []
    texts: list[str] = []
    starts: list[int] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind is None:
            continue
        found = match.group()
        kinds.append(found if kind == "mark" else kind)
        texts.append(found)
        starts.append(match.start())
    lines = [0, *(m.end() for m in re.finditer("\n", text))]
    return Tokens([*kinds, "end"], [*texts, ""], [*starts, len(text)], lines, file)
