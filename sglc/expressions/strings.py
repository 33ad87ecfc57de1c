"""String literals: dedenting, escapes, and the `${}` parts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sglc.expressions.nodes import Expr
from sglc.expressions.problem import Problem
from sglc.ir.core import Loc

Part = str | Expr
ParseExpression = Callable[[str, int, int], Expr]
"""Parses an expression that starts at a line and column."""

_SIMPLE = {
    "n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\", '"': '"', "'": "'",
}  # fmt: skip
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}
_QUOTED = re.compile(
    r'"""(?:\\.|(?!""")[^\\])*"""|\'\'\'(?:\\.|(?!\'\'\')[^\\])*\'\'\''
    r'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
    re.DOTALL,
)
_CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a string's body: its text and where that begins."""

    text: str
    line: int
    column: int


def parse_string(token: str, line: int, column: int, parse: ParseExpression) -> list[Part]:
    """
    Parts of the string literal `token`, which starts at `line:column`.

    Raises:
        Problem: a malformed escape or `${}`.
    """
    raw = token[0] == "r"
    start = 1 if raw else 0
    quote = token[start : start + 3] if token[start : start + 3] in ('"""', "'''") else token[start]
    body = token[start + len(quote) : -len(quote)]
    lines = _lines(body, line, column + start + len(quote))
    if len(quote) == 3:
        lines = _dedent(lines)
    parts: list[Part] = []
    for number, each in enumerate(lines):
        last = number == len(lines) - 1
        if raw:
            parts.append(each.text)
        else:
            joined = _read_line(each, parts, parse, last)
            if joined:
                continue
        if not last:
            parts.append("\n")
    return merge(parts)


def merge(parts: list[Part]) -> list[Part]:
    """The parts with adjacent constants joined and empty ones dropped."""
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str):
            if not part:
                continue
            if merged and isinstance(merged[-1], str):
                merged[-1] += part
                continue
        merged.append(part)
    return merged


def _lines(body: str, line: int, column: int) -> list[_Line]:
    return [
        _Line(text, line + i, column if i == 0 else 1) for i, text in enumerate(body.split("\n"))
    ]


def _dedent(lines: list[_Line]) -> list[_Line]:
    """
    Drop an empty first line, a blank last one, and the indentation common to the others.

    Text on the line of the opening quotes keeps its spaces. A closing `\"\"\"` on a line of its
    own counts as indented text, so it can keep indentation in the string, and adds no newline.
    """
    if len(lines) == 1:
        return lines
    first, rest = lines[0], lines[1:]
    counted = [each for each in rest if each.text.strip()]
    closing = rest[-1]
    if not closing.text.strip():
        counted.append(closing)
    margin = min(len(each.text) - len(each.text.lstrip(" \t")) for each in counted)
    if not closing.text.strip():
        margin = min(margin, len(closing.text))
        rest = rest[:-1]
    cut = [_Line(each.text[margin:], each.line, each.column + margin) for each in rest]
    cut = [each if each.text.strip() else _Line("", each.line, each.column) for each in cut]
    return cut if not first.text else [first, *cut]


def _read_line(source: _Line, parts: list[Part], parse: ParseExpression, last: bool) -> bool:
    """Append the parts of one line; whether its end is escaped, joining it to the next."""
    text, i = source.text, 0
    while i < len(text):
        char = text[i]
        if char == "\\":
            if i + 1 == len(text) and not last:
                return True
            value, size = _escape(text, i, source)
            parts.append(value)
            i += size
        elif text.startswith("$$", i):
            parts.append("$")
            i += 2
        elif text.startswith("${", i):
            end = _closing_brace(text, i + 2, source)
            inner = text[i + 2 : end]
            if not inner.strip():
                raise Problem(
                    "SGL0111",
                    "`${}` is empty",
                    _at(source, i, end + 1),
                    "an expression belongs here",
                    helps=("write `$$` for a literal dollar",),
                )
            parts.append(parse(inner, source.line, source.column + i + 2))
            i = end + 1
        else:
            parts.append(char)
            i += 1
    return False


def _escape(text: str, i: int, source: _Line) -> tuple[str, int]:
    """Value and length of the escape at `i`."""
    kind = text[i + 1 : i + 2]
    if kind in _SIMPLE:
        return _SIMPLE[kind], 2
    digits = _HEX_DIGITS.get(kind)
    if digits is not None:
        code = text[i + 2 : i + 2 + digits]
        if re.fullmatch(rf"[0-9a-fA-F]{{{digits}}}", code):
            point = int(code, 16)
            if point <= 0x10FFFF and not 0xD800 <= point <= 0xDFFF:
                return chr(point), 2 + digits
        raise Problem(
            "SGL0109",
            f"`\\{kind}` needs {digits} hexadecimal digits of a character",
            _at(source, i, i + 2 + len(code)),
            "not a character",
        )
    raise Problem(
        "SGL0109",
        f"unknown escape `\\{kind}`",
        _at(source, i, i + 2),
        "not an escape",
        helps=(f'write `\\\\{kind}` for a backslash, or use a raw string r"..."',),
    )


def _closing_brace(text: str, i: int, source: _Line) -> int:
    """Where the `}` is that matches the `${` before `i`."""
    begin = i - 2
    stack = ["}"]
    while i < len(text):
        char = text[i]
        if char in "\"'":
            quoted = _QUOTED.match(text, i)
            if quoted is None:
                break
            i = quoted.end()
            continue
        if char in _CLOSERS:
            stack.append(_CLOSERS[char])
        elif char == stack[-1]:
            stack.pop()
            if not stack:
                return i
        i += 1
    raise Problem(
        "SGL0111",
        "`${` is never closed",
        _at(source, begin, begin + 2),
        "no matching `}` on this line",
        helps=("write `$$` for a literal dollar",),
    )


def _at(source: _Line, start: int, end: int) -> Loc:
    return Loc(source.line, source.column + start, source.line, source.column + end)
