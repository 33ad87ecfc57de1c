"""
Making a program small while something stays true of it.

Works on lines and indentation alone, so it serves Python and scripts: a line is removed with the
block under it, a block takes the place of the line that opens it, an expression gives way to a part
of it. What does not compile any more simply does not have the property.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

_TERM = re.compile(r' \+ (?:"[^"]*"|f"[^"]*"|[\w.\[\]"]+(?:\([^()]*\))?)')
_OPTION = re.compile(r', \w+=(?:"[^"]*"|\[[^\]]*\]|[\w.]+)(?=[,)])')


def shrink(source: str, holds: Callable[[str], bool], *, seconds: float = 60.0) -> str:
    """A smaller program of which `holds` is true too; a local minimum, if there is time."""
    end = time.monotonic() + seconds

    def will_do(candidate: str) -> bool:
        return time.monotonic() < end and holds(candidate)

    before = ""
    while source != before:
        before = source
        for candidates in (_without_chunks, _without_blocks, _unwrapped, _with_less):
            source = _descend(source, candidates, will_do)
    return source


def _descend(
    source: str, candidates: Callable[[str], Iterator[str]], holds: Callable[[str], bool]
) -> str:
    """Take the first smaller program that will do, again and again."""
    found = True
    while found:
        found = False
        for candidate in candidates(source):
            if candidate != source and holds(candidate):
                source, found = candidate, True
                break
    return source


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _end(lines: list[str], start: int) -> int:
    """The line after a line and the block under it."""
    end = start + 1
    while end < len(lines) and (
        not lines[end].strip() or _indent(lines[end]) > _indent(lines[start])
    ):
        end += 1
    return end


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _without_chunks(source: str) -> Iterator[str]:
    """Without a longer run of lines."""
    lines = source.splitlines()
    size = len(lines) // 2
    while size > 2:
        for start in range(len(lines) - size, -1, -max(1, size // 2)):
            yield _joined(lines[:start] + lines[start + size :])
        size //= 2


def _without_blocks(source: str) -> Iterator[str]:
    """Without a line and its block; or with `pass` in its place."""
    lines = source.splitlines()
    for start in range(len(lines) - 1, -1, -1):
        end = _end(lines, start)
        yield _joined(lines[:start] + lines[end:])
        if lines[start].strip() not in ("", "pass"):
            yield _joined([*lines[:start], " " * _indent(lines[start]) + "pass", *lines[end:]])
        if start and end - start > 1 and lines[start].rstrip().endswith(":"):
            # A clause with the one before it, such as `try` with its only handler.
            for first in range(start - 1, -1, -1):
                if _indent(lines[first]) == _indent(lines[start]):
                    yield _joined(lines[:first] + lines[end:])
                    break


def _unwrapped(source: str) -> Iterator[str]:
    """With a block in place of the line that opens it, other clauses left out."""
    lines = source.splitlines()
    for start, line in enumerate(lines):
        end = _end(lines, start)
        if end - start < 2 or not line.rstrip().endswith(":"):
            continue
        first = next((text for text in lines[start + 1 : end] if text.strip()), line)
        shift = max(0, _indent(first) - _indent(line))
        inner = [text[min(shift, _indent(text)) :] for text in lines[start + 1 : end]]
        after = end
        while after < len(lines) and re.match(
            r"\s*(else|elif|except|finally|case)\b", lines[after]
        ):
            if _indent(lines[after]) != _indent(line):
                break
            after = _end(lines, after)
            yield _joined(lines[:start] + inner + lines[after:])
        yield _joined(lines[:start] + inner + lines[end:])


def _with_less(source: str) -> Iterator[str]:
    """With a smaller expression on one line."""
    lines = source.splitlines()
    for number, line in enumerate(lines):
        for pattern in (_TERM, _OPTION):
            for match in pattern.finditer(line):
                less = line[: match.start()] + line[match.end() :]
                yield _joined([*lines[:number], less, *lines[number + 1 :]])
        first = re.match(r'(\s*[\w.\[\]"]+ \+= )("[^"]*"|f"[^"]*"|[\w.\[\]"]+) \+ (.*)', line)
        if first:
            yield _joined([*lines[:number], first[1] + first[3], *lines[number + 1 :]])
        for old, new in re.findall(r'((f"[^"{]*\{[^"]*\}[^"{]*"))', line):
            del new
            yield _joined([*lines[:number], line.replace(old, '"x"', 1), *lines[number + 1 :]])
