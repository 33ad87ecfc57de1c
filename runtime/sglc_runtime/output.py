"""The text of a running sample: where it must stop, and what of it is certain."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sglc_runtime.text.detokenize import Detokenizer
from sglc_runtime.text.stops import StopMatcher
from sglc_runtime.text.tokenizer import Tokenizer


class Kept(NamedTuple):
    """A finished text, how many ids lie whole in it, and the text after those."""

    text: str
    ids: int | None
    """None where nothing was cut off: all of them."""
    tail: str


class OutputText:
    """Ids of a sample become text, and stops are looked for in it. Raises re.error."""

    __slots__ = ("_detokenizer", "_stops", "certain")

    def __init__(
        self, tokenizer: Tokenizer, stops: tuple[str, ...] = (), patterns: tuple[str, ...] = ()
    ) -> None:
        self._detokenizer = Detokenizer(tokenizer)
        self._stops = StopMatcher(stops, patterns)
        self.certain = ""
        """Text that has become certain and was not taken yet."""

    def feed(self, tokens: Iterable[int]) -> str | None:
        """Take ids; the stop string or pattern that one of them completed."""
        for token in tokens:
            piece = self._detokenizer.feed(token)
            if piece:
                self.certain += self._stops.feed(piece)
                if self._stops.match is not None:
                    return self._stops.match.stop
        return None

    def take(self) -> str:
        """Text that has become certain since the last call."""
        certain, self.certain = self.certain, ""
        return certain

    def finish(self) -> Kept:
        """No more ids come: the whole text, cut at the stop if there was one."""
        match = self._stops.match
        if match is None:
            # An unfinished character shows as U+FFFD; its ids stay, the path may yet complete it.
            rest = self._detokenizer.finish()
            self.certain += self._stops.finish() + rest
            return Kept(self._detokenizer.text, None, "")
        self.certain += self._stops.finish()
        ids, tail = self._detokenizer.keep(match.cut)
        return Kept(self._stops.text[: match.cut], ids, tail)
