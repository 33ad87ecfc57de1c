"""What builtin functions and methods share: the context they get, and looking at arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sglc.expressions.meter import TooLargeError
from sglc.expressions.values import (
    Force,
    ValueFailedError,
    ValueLimits,
    measure,
    settle,
    to_text,
    type_name,
)

Builtin = Callable[..., object]


@dataclass(frozen=True, slots=True)
class Context:
    """What a builtin may need besides its arguments."""

    force: Force
    limits: ValueLimits

    def settled(self, value: object) -> Any:
        """The value with nothing pending inside, checked to be small enough to look through."""
        result = settle(value, self.force)
        measure(result, self.limits)
        return result

    def text(self, value: object) -> str:
        """What `${value}` shows."""
        return to_text(value, self.force, self.limits)


def items_of(value: object, what: str) -> Sequence[object]:
    """
    The items of something that can be looped over; ranges stay lazy.

    Raises:
        ValueFailedError: it cannot; the message names `what` needs it.
    """
    if isinstance(value, list | tuple | range | str):
        return cast(Sequence[object], value)
    if isinstance(value, Mapping):
        return list(value)
    raise ValueFailedError(f"{what} needs a list, not {type_name(value)}")


def iterate(value: object) -> Sequence[object]:
    """
    What a `for` loop goes over; ranges stay lazy.

    Raises:
        ValueFailedError: the value cannot be looped over.
    """
    return items_of(value, "a loop")


def bounded(value: object, what: str, ctx: Context) -> list[object]:
    """
    The items as a list.

    Raises:
        ValueFailedError: the value cannot be looped over.
        TooLargeError: there are more than a list may have.
    """
    items = items_of(value, what)
    if len(items) > ctx.limits.items:
        raise TooLargeError(f"a list has more than {ctx.limits.items} items", "items")
    return list(items)


def show(value: object) -> str:
    """A value in a message."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def truth(value: object, force: Force) -> bool:
    """Whether a condition holds; empty strings, lists and dicts, 0 and none do not."""
    return bool(force(value))


def number(value: object, what: str) -> int | float:
    """The value, if it is a number."""
    if isinstance(value, int | float):
        return value
    raise ValueFailedError(f"{what} needs a number, not {type_name(value)}")


def unpack(value: object, count: int) -> list[object]:
    """
    The `count` parts of a list, for assignments and loops with several names.

    Raises:
        ValueFailedError: the value is no list, or has another number of parts.
    """
    if not isinstance(value, list | tuple | range | str):
        raise ValueFailedError(f"{type_name(value)} cannot be unpacked")
    if len(value) != count:
        raise ValueFailedError(f"{count} names for {len(value)} values")
    return list(value)
