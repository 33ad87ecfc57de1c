"""Source lines as a terminal shows them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path

from sglc.diagnostics.core import Span

TAB_WIDTH = 4
_LONGEST = 400
"""Characters of a line that are shown; longer lines are cut."""


def normalize_newlines(text: str) -> str:
    """The text without a byte order mark and with `\\n` as its only line end."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


class SourceLines:
    """Lines of a file, counted from 1."""

    def __init__(self, text: str) -> None:
        self.lines = normalize_newlines(text).split("\n")

    def __len__(self) -> int:
        return len(self.lines)

    def raw(self, number: int) -> str:
        """The line as it is in the file."""
        return self.lines[number - 1]

    def shown(self, number: int) -> str:
        """The line as it is printed: tabs widened, control characters visible, cut when long."""
        line = self.raw(number)
        cut = line[:_LONGEST] + ("…" if len(line) > _LONGEST else "")
        return "".join(_shown(char) for char in cut)


def load_lines(file: str, sources: Mapping[str, str]) -> SourceLines | None:
    """Lines of `file` from `sources`, else from disk; None when there are none."""
    text = sources.get(file)
    if text is None:
        try:
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError, ValueError):
            return None
    return SourceLines(text)


class SourceFiles:
    """Files that diagnostics refer to, each read once."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = sources
        """Text by name of what is not, or no longer, on disk."""
        self._read: dict[str, SourceLines | None] = {}

    def lines(self, file: str) -> SourceLines | None:
        """The lines of a file; None when it cannot be read."""
        if file not in self._read:
            self._read[file] = load_lines(file, self.sources)
        return self._read[file]

    def of(self, span: Span | None) -> SourceLines | None:
        """The lines of the file that a span is in."""
        return None if span is None else self.lines(span.file)


def display_width(text: str) -> int:
    """Terminal cells that `SourceLines.shown` needs for `text`."""
    return sum(_cells(char) for char in text)


def _shown(char: str) -> str:
    if char == "\t":
        return " " * TAB_WIDTH
    if unicodedata.category(char) in ("Cc", "Cf"):
        return "�"
    return char


def _cells(char: str) -> int:
    if char == "\t":
        return TAB_WIDTH
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
