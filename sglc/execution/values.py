"""
Values of a running program: those of `sglc.expressions`, any of which may be a `Pending`.

The invariant that keeps waiting simple: what a Pending results in has nothing pending inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sglc.execution.pending import Pending, gather
from sglc.expressions.evaluate import evaluate
from sglc.expressions.values import (
    PLAIN,
    Unset,
    ValueFailedError,
    ValueLimits,
    settle,
    to_text,
)

__all__ = ["NeedsValueError", "PendingFailedError", "evaluate", "force", "pendings", "text_part"]


class NeedsValueError(Exception):
    """The value of `pending` is needed and not there; wait for it and try again."""

    def __init__(self, pending: Pending[Any]) -> None:
        super().__init__("a value is not there yet")
        self.pending = pending


class PendingFailedError(Exception):
    """The value of `pending` is needed, and `error` is why there will never be one."""

    def __init__(self, pending: Pending[Any], error: BaseException) -> None:
        super().__init__(str(error))
        self.pending = pending
        self.error = error


def force(value: object) -> Any:
    """
    The value itself.

    Raises:
        NeedsValueError: it is pending.
        PendingFailedError: it was, and failed.
    """
    if not isinstance(value, Pending):
        return value
    if not value.done():
        raise NeedsValueError(value)
    error = value.exception()
    if error is not None:
        raise PendingFailedError(value, error)
    return value.value()


def pendings(value: object) -> Iterator[Pending[Any]]:
    """Every Pending in a value that is not there yet, each once."""
    seen: set[int] = set()
    todo = [value]
    while todo:
        part = todo.pop()
        if isinstance(part, PLAIN) or id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, Pending):
            if not part.done():
                yield part
        elif isinstance(part, Mapping):
            todo.extend(reversed(list(part.values())))
        elif isinstance(part, list | tuple):
            todo.extend(reversed(part))


def settled(value: object) -> object:
    """The value with nothing pending inside; raises as `force` does."""
    return settle(value, force)


def text_part(
    value: object, limits: ValueLimits, fail: Callable[[Exception], BaseException]
) -> str | Pending[str]:
    """
    What `${value}` appends, without waiting.

    `fail` makes the failure of a text that turns out too large.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Unset):
        raise ValueFailedError(f"`{value.name}` is not set")
    waiting = list(pendings(value))
    if not waiting:
        try:
            return to_text(value, force, limits)
        except PendingFailedError as failed:
            # As if the failure were not known yet: it poisons the prompt, and nothing else.
            return Pending.failed(failed.error)

    def finish(_: object) -> str:
        try:
            return to_text(value, force, limits)
        except PendingFailedError as failed:
            raise failed.error from None
        except Exception as error:
            raise fail(error) from error

    return gather(waiting).map(finish)
