"""A script's syntax tree as indented text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

HIDDEN = {"loc", "file"}


def show(node: object) -> str:
    """One line a node, children indented; empty fields and positions are left out."""
    return "\n".join(_lines(node, "", ""))


def _lines(node: object, name: str, indent: str) -> Iterator[str]:
    label = f"{name}: " if name else ""
    if is_dataclass(node) and not isinstance(node, type):
        values = {f.name: getattr(node, f.name) for f in fields(node) if f.name not in HIDDEN}
        plain = {k: v for k, v in values.items() if not _nested(v)}
        text = " ".join(f"{k}={v!r}" for k, v in plain.items() if v not in (None, (), ""))
        yield f"{indent}{label}{type(node).__name__} {text}".rstrip()
        for key, value in values.items():
            if _nested(value):
                yield from _lines(value, key, indent + "  ")
    elif isinstance(node, tuple):
        yield f"{indent}{name}:"
        for item in node:
            yield from _lines(item, "", indent + "  ")
    else:
        yield f"{indent}{label}{node!r}"


def _nested(value: object) -> bool:
    if isinstance(value, tuple):
        return any(_nested(item) for item in value)
    return is_dataclass(value)
