"""The one error of this package."""

from __future__ import annotations


class GrammarError(ValueError):
    """
    A pattern, schema or grammar that cannot be followed.

    The message is one line and completes "the grammar ..."; it names the place in the grammar.
    """

    def __init__(self, message: str, *, too_large: bool = False, unsupported: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.too_large = too_large
        """It is refused for its size alone."""
        self.unsupported = unsupported
        """It is well formed, and asks for what no generation here can be held to."""


def unsupported(why: str) -> GrammarError:
    """The error of a grammar that is well formed and cannot be followed, because of `why`."""
    return GrammarError(f"cannot constrain a generation: {why}", unsupported=True)
