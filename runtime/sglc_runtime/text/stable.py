"""Where a text may be cut so that nothing appended later changes the ids before the cut."""

from __future__ import annotations

import re
from collections.abc import Iterable

import tokenizers

from sglc_runtime.text.layout import METASPACE

_WORD = re.compile(r"[A-Za-z0-9.,;:!?)\]}\"'](?= [A-Za-z])")
_SAMPLES = (
    "foo bar",
    "x9 Zed",
    "End. Next",
    "a, b",
    "is: so",
    'say "q" z',
    "(x) yes [y] no",
    "I' m",
)


class StablePrefix:
    """
    Finds such a cut, at most as late as it can prove.

    Two kinds of places are known to be safe. Before a space followed by a letter: pre-tokenizers of
    today's models start a new piece there and look no further (checked on samples); one without
    pieces is safe where no vocabulary entry spans such a place. And after a special token, which
    splits the text before anything else looks at it. Neither is safe within a possible beginning of
    a special token.
    """

    def __init__(self, tokenizer: tokenizers.Tokenizer, added: Iterable[str]) -> None:
        self._added = sorted(set(added), key=len, reverse=True)
        self._prefixes = {token[:n] for token in self._added for n in range(1, len(token))}
        self._longest = max(map(len, self._added), default=0)
        self._words = _splits_words(tokenizer) or _never_spans(tokenizer)
        self._special = re.compile("|".join(map(re.escape, self._added))) if self._added else None

    def cut(self, text: str) -> int:
        """Length of the longest prefix of `text` known to be safe; 0 where none is."""
        limit = len(text)
        for size in range(1, min(self._longest, len(text)) + 1):
            if text[-size:] in self._prefixes:
                limit = len(text) - size
        best = 0
        if self._words:
            for match in _WORD.finditer(text, 0, limit + 2):
                if match.end() <= limit:
                    best = match.end()
        if self._special is not None:
            for match in self._special.finditer(text):
                if best < match.end() <= limit:
                    best = match.end()
        return best


def _splits_words(tokenizer: tokenizers.Tokenizer) -> bool:
    if tokenizer.pre_tokenizer is None:
        return False
    for sample in _SAMPLES:
        pieces = tokenizer.pre_tokenizer.pre_tokenize_str(sample)
        edges = {edge for _, span in pieces for edge in span}
        if not all(match.end() in edges for match in _WORD.finditer(sample)):
            return False
    return True


def _never_spans(tokenizer: tokenizers.Tokenizer) -> bool:
    spans = re.compile(f"[^{METASPACE} ][{METASPACE} ]")
    return not any(spans.search(token) for token in tokenizer.get_vocab(with_added_tokens=False))
