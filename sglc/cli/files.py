"""The files that `sglc check PATH...` is about."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from sglc.cli.guard import usage
from sglc.programs.target import SUFFIXES, Target, from_stdin, parse_target

STDIN = "-"
_LANGUAGE = re.compile(rb"\b(sglc|sglang)\b")


def find(paths: Sequence[str]) -> Iterator[str]:
    """Each path once: files as they are named, and the programs in folders, sorted."""
    yield from dict.fromkeys(name for path in paths for name in _below(path))


def _below(name: str) -> Iterator[str]:
    path = Path(name)
    if name == STDIN or not path.is_dir():
        yield name
        return
    for found in sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES):
        if not _hidden(found.relative_to(path)) and found.is_file() and _may_be_program(found):
            yield str(found)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def _may_be_program(path: Path) -> bool:
    """Whether a file in a folder is worth reading: Python files that name neither language not."""
    if path.suffix != ".py":
        return True
    try:
        return _LANGUAGE.search(path.read_bytes()) is not None
    except OSError:
        return True  # reading it again says what is wrong


def read(name: str, stdin_name: str) -> Target:
    """The program of a path; `-` is stdin. Raises UsageError."""
    if name != STDIN:
        return parse_target(name)
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise usage(f"stdin is not UTF-8 text: {error.reason}", code="SGL0606") from None
    return from_stdin(text, stdin_name)
