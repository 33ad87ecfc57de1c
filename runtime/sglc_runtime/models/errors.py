"""Why a model could not be loaded."""

from __future__ import annotations

from typing import Literal

LoadErrorKind = Literal["model_not_found", "bad_checkpoint", "unsupported_model"]


class LoadError(Exception):
    """The folder holds no model that can be run; `kind` is one of `protocol.Fatal`'s."""

    def __init__(self, kind: LoadErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind: LoadErrorKind = kind
        self.message = message


class NotNative(Exception):
    """The native decoder does not implement this model; the message says what is missing."""
