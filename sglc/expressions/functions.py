"""Builtin functions and methods of scripts. All are pure; arguments are forced, not settled."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from sglc.expressions.values import (
    Force,
    TooLargeError,
    ValueFailedError,
    ValueLimits,
    check_size,
    from_host,
    measure,
    settle,
    to_text,
    type_name,
)


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


def _items(value: object, what: str) -> Sequence[object]:
    """The items of something that can be looped over."""
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
    return _items(value, "a loop")


def _string(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise ValueFailedError(f"{what} needs a string, not {type_name(value)}")
    return value


def _bounded(items: Sequence[object], ctx: Context) -> list[object]:
    if len(items) > ctx.limits.items:
        raise TooLargeError(f"a list has more than {ctx.limits.items} items")
    return list(items)


def _len(ctx: Context, value: object, /) -> int:
    if isinstance(value, str | list | tuple | range | Mapping):
        return len(value)
    raise ValueFailedError(f"{type_name(value)} has no length")


def _range(ctx: Context, start: object, stop: object = None, step: object = 1, /) -> range:
    bounds = (start, stop, step) if stop is not None else (0, start, step)
    if not all(isinstance(bound, int) for bound in bounds):
        wrong = next(bound for bound in bounds if not isinstance(bound, int))
        raise ValueFailedError(f"range needs integers, not {type_name(wrong)}")
    if step == 0:
        raise ValueFailedError("the step of a range is 0")
    result = range(*cast("tuple[int, int, int]", bounds))
    if any(abs(cast(int, bound)) > 2**62 for bound in bounds):
        raise TooLargeError("a range is too large")
    return result


def _enumerate(ctx: Context, items: object, start: int = 0) -> list[object]:
    return [[i, item] for i, item in enumerate(_bounded(_items(items, "enumerate"), ctx), start)]


def _zip(ctx: Context, /, *lists: object) -> list[object]:
    columns = [_bounded(_items(each, "zip"), ctx) for each in lists]
    return [list(row) for row in zip(*columns, strict=False)]


def _extreme(ctx: Context, name: str, values: tuple[object, ...], pick: Callable[..., Any]) -> Any:
    items = _items(values[0], name) if len(values) == 1 else values
    settled = cast("list[Any]", ctx.settled(_bounded(items, ctx)))
    if not settled:
        raise ValueFailedError(f"{name} of nothing")
    return pick(settled)


def _min(ctx: Context, first: object, /, *rest: object) -> object:
    return _extreme(ctx, "min", (first, *rest), min)


def _max(ctx: Context, first: object, /, *rest: object) -> object:
    return _extreme(ctx, "max", (first, *rest), max)


def _sum(ctx: Context, items: object, /) -> object:
    total: Any = 0
    for item in cast("list[Any]", ctx.settled(_bounded(_items(items, "sum"), ctx))):
        if not isinstance(item, int | float):
            raise ValueFailedError(f"sum needs numbers, not {type_name(item)}")
        total += item
    return total


def _sorted(ctx: Context, items: object, /, *, reverse: bool = False) -> list[object]:
    return sorted(ctx.settled(_bounded(_items(items, "sorted"), ctx)), reverse=bool(reverse))


def _reversed(ctx: Context, items: object, /) -> object:
    return _bounded(_items(items, "reversed"), ctx)[::-1]


def _list(ctx: Context, items: object, /) -> list[object]:
    return _bounded(_items(items, "list"), ctx)


def _any(ctx: Context, items: object, /) -> bool:
    return any(truth(item, ctx.force) for item in _bounded(_items(items, "any"), ctx))


def _all(ctx: Context, items: object, /) -> bool:
    return all(truth(item, ctx.force) for item in _bounded(_items(items, "all"), ctx))


def truth(value: object, force: Force) -> bool:
    """Whether a condition holds; empty strings, lists and dicts, 0 and none do not."""
    return bool(force(value))


def _str(ctx: Context, value: object, /) -> str:
    return ctx.text(value)


def _int(ctx: Context, value: object, /) -> int:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            raise ValueFailedError(f"{_show(value)} is not an integer") from None
    if isinstance(value, int | float):
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueFailedError(f"{value!r} is not an integer")
        return int(value)
    raise ValueFailedError(f"int needs text or a number, not {type_name(value)}")


def _float(ctx: Context, value: object, /) -> float:
    if isinstance(value, str | int | float):
        try:
            return float(value)
        except (ValueError, OverflowError):
            raise ValueFailedError(f"{_show(value)} is not a number") from None
    raise ValueFailedError(f"float needs text or a number, not {type_name(value)}")


def _bool(ctx: Context, value: object, /) -> bool:
    return bool(value)


def _abs(ctx: Context, value: object, /) -> object:
    return abs(_number(value, "abs"))


def _round(ctx: Context, value: object, digits: object = None, /) -> object:
    number = _number(value, "round")
    if digits is not None and not isinstance(digits, int):
        raise ValueFailedError("round needs a whole number of digits")
    if digits is not None and abs(digits) > 400:
        raise ValueFailedError("round was asked for too many digits")
    try:
        return round(number, digits)
    except (ValueError, OverflowError):
        raise ValueFailedError(f"{number!r} cannot be rounded") from None


def _parse_json(ctx: Context, text: object, /) -> object:
    source = _string(text, "parse_json")
    try:
        return from_host(json.loads(source))
    except json.JSONDecodeError as error:
        raise ValueFailedError(f"not JSON: {error.msg} at character {error.pos + 1}") from None


def _unpack(ctx: Context, value: object, count: int, /) -> list[object]:
    return unpack(value, count)


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


def _number(value: object, what: str) -> int | float:
    if isinstance(value, int | float):
        return value
    raise ValueFailedError(f"{what} needs a number, not {type_name(value)}")


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _error(kind: str) -> Callable[..., object]:
    def make(ctx: Context, message: object, /) -> dict[str, object]:
        return {"kind": kind, "message": ctx.text(message)}

    return make


ERROR_KINDS = ("gen_error", "extern_error", "value_error")
"""Kinds of errors that scripts handle; functions of these names make one."""

FUNCTIONS: Mapping[str, Callable[..., object]] = {
    "len": _len,
    "range": _range,
    "enumerate": _enumerate,
    "zip": _zip,
    "min": _min,
    "max": _max,
    "sum": _sum,
    "sorted": _sorted,
    "reversed": _reversed,
    "list": _list,
    "any": _any,
    "all": _all,
    "str": _str,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "abs": _abs,
    "round": _round,
    "parse_json": _parse_json,
    **{kind: _error(kind) for kind in ERROR_KINDS},
    "_unpack": _unpack,
}
"""Builtin functions by name; each takes the context first. Lowering uses the one with `_`."""


def _join(ctx: Context, self: str, items: object, /) -> str:
    parts = [ctx.text(item) for item in _bounded(_items(items, "join"), ctx)]
    size = sum(map(len, parts)) + len(self) * max(0, len(parts) - 1)
    if size > ctx.limits.characters:
        raise TooLargeError(f"a string has more than {ctx.limits.characters} characters")
    return self.join(parts)


def _replace(ctx: Context, self: str, old: str, new: str, count: int = -1, /) -> str:
    found = self.count(old) if count < 0 else min(count, self.count(old))
    if len(self) + found * (len(new) - len(old)) > ctx.limits.characters:
        raise TooLargeError(f"a string has more than {ctx.limits.characters} characters")
    return self.replace(old, new, count)


def _split(ctx: Context, self: str, sep: str | None = None, maxsplit: int = -1) -> list[str]:
    if sep == "":
        raise ValueFailedError("split by an empty string")
    return self.split(sep, maxsplit)


def _index(ctx: Context, self: Any, item: object, /) -> int:
    whole = self if isinstance(self, str) else ctx.settled(self)
    try:
        return int(whole.index(cast(str, item)))
    except ValueError:
        raise ValueFailedError(f"{_show(item)} is not in the {type_name(self)}") from None


def _count(ctx: Context, self: Any, item: object, /) -> int:
    whole = self if isinstance(self, str) else ctx.settled(self)
    return int(whole.count(cast(str, item)))


def _get(ctx: Context, self: Mapping[str, object], key: str, default: object = None, /) -> object:
    return self.get(key, default)


_STR_METHODS: dict[str, Callable[..., object]] = {
    "upper": lambda ctx, self, /: self.upper(),
    "lower": lambda ctx, self, /: self.lower(),
    "title": lambda ctx, self, /: self.title(),
    "capitalize": lambda ctx, self, /: self.capitalize(),
    "strip": lambda ctx, self, chars=None, /: self.strip(chars),
    "lstrip": lambda ctx, self, chars=None, /: self.lstrip(chars),
    "rstrip": lambda ctx, self, chars=None, /: self.rstrip(chars),
    "split": _split,
    "splitlines": lambda ctx, self, /: self.splitlines(),
    "join": _join,
    "replace": _replace,
    "startswith": lambda ctx, self, prefix, /: self.startswith(prefix),
    "endswith": lambda ctx, self, suffix, /: self.endswith(suffix),
    "removeprefix": lambda ctx, self, prefix, /: self.removeprefix(prefix),
    "removesuffix": lambda ctx, self, suffix, /: self.removesuffix(suffix),
    "find": lambda ctx, self, part, /: self.find(part),
    "index": _index,
    "count": _count,
    "isdigit": lambda ctx, self, /: self.isdigit(),
    "isalpha": lambda ctx, self, /: self.isalpha(),
    "isspace": lambda ctx, self, /: self.isspace(),
}
_LIST_METHODS: dict[str, Callable[..., object]] = {"index": _index, "count": _count}
_DICT_METHODS: dict[str, Callable[..., object]] = {
    "get": _get,
    "keys": lambda ctx, self, /: list(self),
    "values": lambda ctx, self, /: list(self.values()),
    "items": lambda ctx, self, /: [[key, value] for key, value in self.items()],
}
METHODS = frozenset((*_STR_METHODS, *_LIST_METHODS, *_DICT_METHODS))
"""Names of all methods of all types."""
MUTATORS = frozenset(
    {"append", "extend", "insert", "pop", "remove", "sort", "reverse", "clear", "update", "add"}
)
"""Methods that Python has and scripts do not, because values never change."""


def method(value: object, name: str) -> Callable[..., object]:
    """
    The method `name` of a value; takes the context and the value first.

    Raises:
        ValueFailedError: values of this type have no such method.
    """
    table: Mapping[str, Callable[..., object]] = {}
    if isinstance(value, str):
        table = _STR_METHODS
    elif isinstance(value, list | tuple | range):
        table = _LIST_METHODS
    elif isinstance(value, Mapping):
        table = _DICT_METHODS
    if name not in table:
        raise ValueFailedError(f"{type_name(value)} has no method `{name}`")
    return table[name]


@lru_cache(maxsize=256)
def signature(function: Callable[..., object]) -> inspect.Signature:
    """Parameters of a builtin, the context included."""
    return inspect.signature(function)


def method_signatures(name: str) -> list[inspect.Signature]:
    """Signatures of every method called `name`."""
    tables = (_STR_METHODS, _LIST_METHODS, _DICT_METHODS)
    return [signature(table[name]) for table in tables if name in table]


def call_builtin(
    function: Callable[..., object],
    ctx: Context,
    args: Sequence[object],
    keywords: Mapping[str, object],
    name: str,
) -> object:
    """
    Call a builtin function or method with forced arguments.

    Raises:
        ValueFailedError: the arguments do not fit.
        TooLargeError: the result is out of bounds.
    """
    try:
        signature(function).bind(ctx, *args, **keywords)
    except TypeError as error:
        raise ValueFailedError(f"{name}: {error}") from None
    try:
        return check_size(function(ctx, *args, **keywords), ctx.limits)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueFailedError(f"{name}: {error}") from None
