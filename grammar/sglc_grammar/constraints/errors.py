"""The one error of this package."""

from __future__ import annotations


class GrammarError(ValueError):
    """
    A pattern, schema or grammar that cannot be followed.

    The message is one line and completes "the grammar ..."; it names the place in the grammar.
    """

    def __init__(self, message: str, *, too_large: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.too_large = too_large
        """It is refused for its size alone."""
