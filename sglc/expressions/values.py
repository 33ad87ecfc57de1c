"""
Values of scripts: none, booleans, numbers, strings, lists, dicts with string keys, ranges.

They are Python's own objects and are never changed once made. A value that is not there yet is
whatever the caller's `force` understands; lists and dicts may hold such values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sglc.expressions.meter import Meter, TooLargeError

PLAIN = (str, bool, int, float, type(None))
Force = Callable[[object], object]
"""Turns a value that may not be there yet into one that is; may raise to ask the caller to wait."""


class ValueFailedError(Exception):
    """An expression has no value; the script's `value_error`."""


@dataclass(frozen=True, slots=True)
class ValueLimits:
    """Bounds on single values."""

    characters: int = 10_000_000
    """Of a string."""
    items: int = 1_000_000
    """Of a list or dict, and of everything inside where an operation looks inside."""
    bits: int = 10_000
    """Of an integer."""
    meter: Meter | None = field(default=None, compare=False, repr=False)
    """Counts what evaluation costs, where that is bounded."""


@dataclass(frozen=True, slots=True)
class Unset:
    """What a variable holds that was never assigned."""

    name: str


def type_name(value: object) -> str:
    """What messages call the type of a value."""
    match value:
        case None:
            return "none"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case str():
            return "str"
        case list() | tuple():
            return "list"
        case Mapping():
            return "dict"
        case range():
            return "range"
    return type(value).__name__


DEEPEST = 200
"""Lists and dicts inside one another that operations look through."""
_TOO_DEEP = "a value is too deeply nested"


def settle(value: object, force: Force) -> object:
    """The value with nothing pending inside; containers are copied only where needed."""
    if isinstance(value, PLAIN):
        return value
    try:
        return _settle(value, force, {})
    except RecursionError:
        raise ValueFailedError(_TOO_DEEP) from None


def _settle(value: object, force: Force, seen: dict[int, tuple[object, object]]) -> object:
    if isinstance(value, (*PLAIN, range)):
        return value
    known = seen.get(id(value))
    if known is not None:
        return known[1]
    original = value
    if not isinstance(value, list | tuple | Mapping):
        value = force(value)
    result: object = value
    if isinstance(value, list | tuple):
        items = [_settle(item, force, seen) for item in value]
        if isinstance(value, tuple) or any(a is not b for a, b in zip(items, value, strict=True)):
            result = items
    elif isinstance(value, Mapping):
        fields = {key: _settle(item, force, seen) for key, item in value.items()}
        if any(fields[key] is not value[key] for key in fields):
            result = fields
    elif isinstance(value, Unset):
        raise ValueFailedError(f"`{value.name}` is not set")
    # The original is kept too, so that its id cannot be taken by another object meanwhile.
    seen[id(original)] = (original, result)
    return result


def measure(value: object, limits: ValueLimits) -> None:
    """
    Check that a settled value, with everything inside counted as often as it occurs, is small.

    Raises:
        TooLargeError: it has more items, or more characters, than the limits allow.
        ValueFailedError: it is nested too deeply.
    """
    items = characters = 0
    stack = [(value, 0)]
    while stack:
        part, depth = stack.pop()
        items += 1
        inner: Sequence[object] = ()
        if isinstance(part, str):
            characters += len(part)
        elif isinstance(part, list | tuple | range):
            if items + len(part) > limits.items:
                raise TooLargeError(f"a list has more than {limits.items} items", "items")
            if isinstance(part, range):
                items += len(part)
            else:
                inner = part
        elif isinstance(part, Mapping):
            characters += sum(len(key) for key in part)
            inner = list(part.values())
        if inner:
            if depth == DEEPEST:
                raise ValueFailedError(_TOO_DEEP)
            stack.extend([(item, depth + 1) for item in inner])
        if items + len(stack) > limits.items:
            raise TooLargeError(f"a value has more than {limits.items} parts", "items")
        if characters > limits.characters:
            message = f"a value has more than {limits.characters} characters"
            raise TooLargeError(message, "characters")
    if limits.meter is not None:
        limits.meter.work(items // 8 + characters // 1000)


def to_text(value: object, force: Force, limits: ValueLimits) -> str:
    """
    What `${value}` shows.

    Strings as they are, numbers as Python shows them, `true`, `false`, `none`, containers as
    compact JSON.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, int | float):
        return repr(value)
    settled = settle(value, force)
    if isinstance(settled, PLAIN):
        return to_text(settled, force, limits)
    measure(settled, limits)
    return json.dumps(plain_data(settled), ensure_ascii=False, separators=(",", ":"))


def plain_data(value: object) -> object:
    """Ranges as lists; the rest JSON knows."""
    match value:
        case range():
            return list(value)
        case list() | tuple():
            return [plain_data(item) for item in value]
        case Mapping():
            return {str(key): plain_data(item) for key, item in value.items()}
    return value


def check_size(value: object, limits: ValueLimits) -> object:
    """
    The value, if it is within bounds itself; what it contains is not looked at.

    Raises:
        TooLargeError: it is not.
    """
    if isinstance(value, str):
        if len(value) > limits.characters:
            raise TooLargeError(
                f"a string has more than {limits.characters} characters", "characters"
            )
    elif isinstance(value, list | tuple | Mapping):
        if len(value) > limits.items:
            message = f"a {type_name(value)} has more than {limits.items} items"
            raise TooLargeError(message, "items")
    elif isinstance(value, int) and value.bit_length() > limits.bits:
        raise TooLargeError(f"an integer has more than {limits.bits} bits", "bits")
    if limits.meter is not None:
        limits.meter.add(value)
    return value


def from_host(value: object) -> object:
    """
    A value that came from Python as a script's value: tuples become lists, keys strings.

    Raises:
        ValueFailedError: something in it is no value of scripts.
    """
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, list | tuple):
        return [from_host(item) for item in value]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ValueFailedError(f"a dict key is a {type_name(key)}; keys are strings")
        return {str(key): from_host(item) for key, item in value.items()}
    if isinstance(value, range):
        return value
    raise ValueFailedError(f"a {type(value).__name__} is not a value of scripts")
