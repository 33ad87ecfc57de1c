"""Rows of a batch: JSONL in, JSONL out in input order, finished rows on disk as soon as may be."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from sglc.cli.guard import usage
from sglc.programs.target import reason


def read(path: str) -> list[object]:
    """
    Parse a JSONL file (`-` is stdin); blank lines are no rows.

    A line that is not JSON becomes a `BadRow`, so that the other rows still run. Raises UsageError
    when the file cannot be read.
    """
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise usage(f"`{path}` is not UTF-8 text: {error.reason}", code="SGL0606") from None
    except OSError as error:
        raise usage(f"cannot read `{path}`: {reason(error)}", code="SGL0606") from None
    lines = enumerate(text.split("\n"), 1)
    return [_parse(line, number) for number, line in lines if line.strip()]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that is not JSON."""

    message: str


def _parse(line: str, number: int) -> object:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        return BadRow(f"line {number} is not JSON: {error.msg} at column {error.colno}")


@contextmanager
def open_output(path: str) -> Iterator[TextIO]:
    """The file that rows go to, emptied; `-` is stdout. Raises UsageError."""
    if path == "-":
        yield sys.stdout
        return
    try:
        file = open(path, "w", encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise usage(f"cannot write `{path}`: {reason(error)}", code="SGL0606") from None
    with file:
        yield file


@dataclass(slots=True)
class OrderedWriter:
    """
    Writes rows in input order as soon as all before them are there, each flushed at once.

    `close` writes what is left, so that after an interrupt every finished row is in the file.
    """

    file: TextIO
    written: int = 0
    _next: int = 0
    _held: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    def add(self, index: int, row: Mapping[str, Any]) -> None:
        """Take row `index`, counted from 0."""
        self._held[index] = row
        while self._next in self._held:
            self._write(self._held.pop(self._next))
            self._next += 1

    def close(self) -> None:
        """Write the rows that still wait for an earlier one, in order."""
        for index in sorted(self._held):
            self._write(self._held.pop(index))

    def _write(self, row: Mapping[str, Any]) -> None:
        self.file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.file.flush()
        self.written += 1
