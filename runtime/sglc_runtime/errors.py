"""Errors of the engine's interface."""

from __future__ import annotations

from typing import Literal

FailureKind = Literal[
    "cancelled",
    "context_length",
    "bad_request",
    "out_of_memory",
    "deadline",
    "overloaded",
    "internal",
]


class RequestError(Exception):
    """A step cannot be carried out; becomes its request's `Failed` event."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.kind: FailureKind = kind
        self.message = message


class EngineError(Exception):
    """The engine could not start, or has died. `kind` is that of the `Fatal` event."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
