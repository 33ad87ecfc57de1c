"""Ids to text as they come, released at character boundaries."""

from __future__ import annotations

import codecs

from sglc_runtime.text.tokenizer import Tokenizer

_decoder = codecs.getincrementaldecoder("utf-8")


class Detokenizer:
    """
    Decodes the ids of one continuation, one at a time.

    Special tokens give no text. `text` is what has been released so far.
    """

    __slots__ = ("_decoder", "_ends", "_inside", "_tokenizer", "text")

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = _decoder("replace")
        self._inside = False
        """The ids so far end inside a character."""
        self._ends: list[int] = []
        """Per id: length of `text` after it, or -1 where it ends inside a character."""
        self.text = ""

    def feed(self, token: int) -> str:
        """Take the next id; returns the characters that it completes, often none or several."""
        data = b"" if token in self._tokenizer.special_ids else self._tokenizer.token_bytes(token)
        if not self._inside and data.isascii():  # most tokens, and the decoder is Python
            piece = data.decode("ascii")
            self.text += piece
            self._ends.append(len(self.text))
            return piece
        piece = self._decoder.decode(data)
        self.text += piece
        self._inside = bool(self._decoder.getstate()[0])
        self._ends.append(-1 if self._inside else len(self.text))
        return piece

    def finish(self) -> str:
        """End the continuation: an unfinished character becomes U+FFFD."""
        piece = self._decoder.decode(b"", True)
        self.text += piece
        return piece

    def keep(self, cut: int) -> tuple[int, str]:
        """
        How many leading ids lie wholly within `text[:cut]`, and the text after the last of them.

        The ids kept end at a character boundary, so that they and the tail spell `text[:cut]`.
        """
        for count in range(len(self._ends), 0, -1):
            end = self._ends[count - 1]
            if 0 <= end <= cut:
                return count, self.text[end:cut]
        return 0, self.text[:cut]
