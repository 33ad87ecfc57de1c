"""Reading tables that are written as plain text."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """Return what stands between white space."""
    return tuple(text.split())


def phrases(text: str) -> tuple[str, ...]:
    """Return what stands between commas."""
    return tuple(" ".join(part.split()) for part in text.split(","))
