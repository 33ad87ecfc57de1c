"""Grammars of scripts and of IR text, as package data."""

from importlib.resources import files

__all__ = ["read"]


def read(name: str) -> str:
    """The text of a grammar file, such as `sglir.lark`. Raises `FileNotFoundError`."""
    return (files(__name__) / name).read_text(encoding="utf-8")
