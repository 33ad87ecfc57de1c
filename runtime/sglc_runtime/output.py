"""Watches the text of a running sample: where it must stop, and what of it is certain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sglc_runtime.text.tokenizer import Tokenizer


class Hit(NamedTuple):
    """A stop was found; the text ends before byte `cut`."""

    cut: int
    matched: str


class OutputText:
    """Bytes of a sample so far, searched for stops at every token."""

    def __init__(
        self, tokenizer: Tokenizer, stops: tuple[str, ...], patterns: tuple[re.Pattern[str], ...]
    ) -> None:
        self._tokenizer = tokenizer
        self._data = bytearray()
        self._stops = [(stop.encode(), stop) for stop in stops]
        self._longest = max((len(stop) for stop, _ in self._stops), default=0)
        self._patterns = patterns
        self._released = 0

    def feed(self, token: int) -> Hit | None:
        """Take a token; the earliest stop it completes, the longer listed first among equals."""
        start = max(0, len(self._data) - self._longest + 1)
        self._data += self._tokenizer.token_bytes(token)
        hits: list[tuple[int, int, str]] = []
        for number, (stop, text) in enumerate(self._stops):
            at = self._data.find(stop, start)
            if at >= 0:
                hits.append((at, number, text))
        if self._patterns:
            text = self._data.decode("utf-8", "ignore")
            for number, pattern in enumerate(self._patterns, len(self._stops)):
                if found := pattern.search(text):
                    at = len(text[: found.start()].encode())
                    hits.append((at, number, pattern.pattern))
        if not hits:
            return None
        cut, _, matched = min(hits)
        return Hit(cut, matched)

    def release(self) -> str:
        """Text that no stop and no later byte can change any more, since the last call."""
        if self._patterns:
            return ""
        end = len(self._data)
        for stop, _ in self._stops:
            for size in range(min(len(stop) - 1, len(self._data) - self._released), 0, -1):
                if self._data.endswith(stop[:size]):
                    end = min(end, len(self._data) - size)
                    break
        end = _whole_characters(self._data, self._released, end)
        text = self._data[self._released : end].decode("utf-8", "replace")
        self._released = end
        return text


def _whole_characters(data: bytearray, start: int, end: int) -> int:
    """The last place at or before `end` that does not cut a character that may still be whole."""
    for back in range(1, min(4, end - start + 1)):
        byte = data[end - back]
        if byte & 0xC0 == 0x80:
            continue
        size = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return end - back if size > back else end
    return end
