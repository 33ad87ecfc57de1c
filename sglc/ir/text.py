"""Strings and numbers in IR text: JSON's escapes, exact floats, symbols that need quotes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from sglc.ir.core import Attr, Symbol

_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_SYMBOL = re.compile(r"[A-Za-z_][\w.]*\Z")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_SIMPLE = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def quote(text: str) -> str:
    """A string literal on one line that can be written as UTF-8, lone surrogates included."""
    literal = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda m: f"\\u{ord(m[0]):04x}", literal)


def unquote(literal: str) -> str:
    r"""
    The string that a literal stands for. Raises `ValueError` for an unknown escape.

    Each `\uXXXX` is one code point: unlike JSON, two surrogates are not joined, because `quote`
    writes every character beyond the first plane as itself.
    """

    def one(match: re.Match[str]) -> str:
        escape = match[1]
        if len(escape) == 5:
            return chr(int(escape[1:], 16))
        if escape not in _SIMPLE:
            raise ValueError(f"unknown escape `\\{escape}`")
        return _SIMPLE[escape]

    return _ESCAPE.sub(one, literal[1:-1])


def symbol(name: str) -> str:
    """A function or schema name as printed: `@name`, or `@"any text"`."""
    return f"@{name}" if _SYMBOL.match(name) else f"@{quote(name)}"


def attr(value: Attr) -> str:
    """An attribute value as printed."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value) if math.isfinite(value) else _not_finite(value)
        case str():
            return quote(value)
        case Symbol():
            return symbol(value.name)
        case tuple():
            return f"[{', '.join(attr(v) for v in value)}]"
        case Mapping():
            return "{" + ", ".join(f"{quote(k)}: {attr(v)}" for k, v in value.items()) + "}"


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "nan"
    return "inf" if value > 0 else "-inf"


def entries(attrs: Mapping[str, Attr]) -> list[str]:
    """`key = value` for each attribute; keys that are no names are quoted."""
    return [f"{k if _NAME.match(k) else quote(k)} = {attr(v)}" for k, v in attrs.items()]
