"""Did-you-mean."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like `word`, or None when none is alike."""
    names = [name for name in dict.fromkeys(candidates) if name != word]
    found = get_close_matches(word, names, 1, 0.6 if len(word) > 3 else 0.5)
    if found:
        return found[0]
    return next((name for name in names if name.lower() == word.lower()), None)


def did_you_mean(word: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """A help line naming the closest candidate, or nothing."""
    found = closest(word, candidates)
    return (f"did you mean `{found}`?",) if found else ()
