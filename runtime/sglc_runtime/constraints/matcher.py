"""Where one sample stands in its grammar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sglc_runtime.errors import RequestError

if TYPE_CHECKING:
    from llguidance import LLMatcher

Mask = NDArray[np.int32]
"""One bit a token, lowest first: [words of 32 tokens]."""


class Constraint:
    """
    A place in a grammar. Copies share the matcher, and its mask, until one of them moves on.

    `mask` are the tokens that can come next, EOS where the text may end; None before it is known.
    """

    __slots__ = ("_shared", "mask", "matcher")

    def __init__(self, matcher: LLMatcher, mask: Mask | None = None, *, shared: bool) -> None:
        self.matcher = matcher
        self.mask = mask
        self._shared = shared

    def accept(self, token: int) -> None:
        """Move on by a token. Raises RequestError where the grammar has become too complex."""
        if self._shared:
            self.matcher, self._shared = self.matcher.deep_copy(), False
        self.mask = None
        self.matcher.consume_token(token)
        self.check()

    def forced(self) -> list[int]:
        """Tokens that must come next, in the tokenizer's own way of cutting them; often none."""
        tokens: list[int] = self.matcher.compute_ff_tokens()
        return tokens

    @property
    def accepting(self) -> bool:
        """The text may end here."""
        return bool(self.matcher.is_accepting())

    @property
    def complete(self) -> bool:
        """The text is a whole sentence of the grammar and nothing can follow."""
        return bool(self.matcher.is_stopped())

    def copy(self) -> Constraint:
        """An independent constraint at the same place."""
        self._shared = True
        return Constraint(self.matcher, self.mask, shared=True)

    def check(self) -> None:
        """Raise RequestError for a grammar that has given up, or that nothing can follow."""
        if self.matcher.is_error():
            # The matcher's whole state may follow, on many lines.
            message = str(self.matcher.get_error()).partition("\n")[0]
            raise RequestError("bad_request", f"constraint failed: {message}")
        if self.mask is not None and not self.mask.any():
            raise RequestError(
                "bad_request", "constraint failed: dead end, no token can follow or end the text"
            )
