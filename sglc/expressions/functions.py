"""Builtin functions of scripts. All are pure; arguments are forced, not settled."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from sglc.expressions.context import (
    Builtin,
    Context,
    bounded,
    iterate,
    number,
    show,
    truth,
    unpack,
)
from sglc.expressions.meter import TooLargeError
from sglc.expressions.methods import (
    DICT_METHODS,
    LIST_METHODS,
    METHODS,
    MUTATORS,
    STR_METHODS,
    methods_of,
)
from sglc.expressions.values import (
    ValueFailedError,
    check_size,
    from_host,
    measure,
    plain_data,
    type_name,
)

__all__ = ["METHODS", "MUTATORS", "Context", "iterate", "truth", "unpack"]


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
        raise TooLargeError("a range is too large", "bits")
    return result


def _enumerate(ctx: Context, items: object, start: int = 0) -> list[object]:
    return [[i, item] for i, item in enumerate(bounded(items, "enumerate", ctx), start)]


def _zip(ctx: Context, /, *lists: object) -> list[object]:
    columns = [bounded(each, "zip", ctx) for each in lists]
    return [list(row) for row in zip(*columns, strict=False)]


def _key(ctx: Context, key: object) -> Callable[[object], Any] | None:
    """What to order by: a field of records, or the place of an item in lists."""
    if key is None:
        return None
    if not isinstance(key, str | int) or isinstance(key, bool):
        raise ValueFailedError(f"key is the name of a field, or an index, not {type_name(key)}")

    def read(item: object) -> Any:
        try:
            return cast(Any, item)[key]
        except (KeyError, IndexError, TypeError):
            raise ValueFailedError(f"{show(item)} has no `{key}`") from None

    return read


_NOTHING = object()


def _extreme(name: str, pick: Callable[..., Any]) -> Builtin:
    def extreme(
        ctx: Context,
        first: object,
        /,
        *rest: object,
        key: object = None,
        default: object = _NOTHING,
    ) -> object:
        if rest and default is not _NOTHING:
            raise ValueFailedError(f"{name} of several values needs no default")
        items = [first, *rest] if rest else bounded(first, name, ctx)
        settled = ctx.settled(items)
        if settled:
            return pick(settled, key=_key(ctx, key))
        if default is _NOTHING:
            raise ValueFailedError(f"{name} of nothing")
        return default

    return extreme


def _sum(ctx: Context, items: object, /, start: object = 0) -> object:
    total: Any = number(start, "sum")
    for item in ctx.settled(bounded(items, "sum", ctx)):
        total += number(item, "sum")
    return total


def _sorted(
    ctx: Context, items: object, /, *, key: object = None, reverse: object = False
) -> list[object]:
    settled = ctx.settled(bounded(items, "sorted", ctx))
    return sorted(settled, key=_key(ctx, key), reverse=bool(reverse))


def _unique(ctx: Context, items: object, /) -> list[object]:
    seen: set[object] = set()
    found: list[object] = []
    for item in ctx.settled(bounded(items, "unique", ctx)):
        frozen = _frozen(item)
        if frozen not in seen:
            seen.add(frozen)
            found.append(item)
    return found


def _frozen(value: object) -> object:
    """A hashable stand-in; two are equal where the values are."""
    match value:
        case Mapping():
            return "dict", frozenset((key, _frozen(item)) for key, item in value.items())
        case list() | tuple():
            return "list", tuple(_frozen(item) for item in value)
    return value


def _reversed(ctx: Context, items: object, /) -> object:
    return bounded(items, "reversed", ctx)[::-1]


def _list(ctx: Context, items: object, /) -> list[object]:
    return bounded(items, "list", ctx)


def _any(ctx: Context, items: object, /) -> bool:
    return any(truth(item, ctx.force) for item in bounded(items, "any", ctx))


def _all(ctx: Context, items: object, /) -> bool:
    return all(truth(item, ctx.force) for item in bounded(items, "all", ctx))


def _str(ctx: Context, value: object, /) -> str:
    return ctx.text(value)


def _int(ctx: Context, value: object, /) -> int:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            raise ValueFailedError(f"{show(value)} is not an integer") from None
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
            raise ValueFailedError(f"{show(value)} is not a number") from None
    raise ValueFailedError(f"float needs text or a number, not {type_name(value)}")


def _bool(ctx: Context, value: object, /) -> bool:
    return bool(value)


def _abs(ctx: Context, value: object, /) -> object:
    return abs(number(value, "abs"))


def _round(ctx: Context, value: object, digits: object = None, /) -> object:
    given = number(value, "round")
    if digits is not None and not isinstance(digits, int):
        raise ValueFailedError("round needs a whole number of digits")
    if digits is not None and abs(digits) > 400:
        raise ValueFailedError("round was asked for too many digits")
    try:
        return round(given, digits)
    except (ValueError, OverflowError):
        raise ValueFailedError(f"{given!r} cannot be rounded") from None


def _parse_json(ctx: Context, text: object, /) -> object:
    if not isinstance(text, str):
        raise ValueFailedError(f"parse_json needs a string, not {type_name(text)}")
    if ctx.limits.meter is not None:
        # `[[],[],...` makes a list of every third character.
        ctx.limits.meter.make(24 * len(text))
    try:
        value = from_host(json.loads(text, parse_constant=_not_json))
    except json.JSONDecodeError as error:
        raise ValueFailedError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    measure(value, ctx.limits)
    return value


def _not_json(word: str) -> None:
    raise ValueFailedError(f"not JSON: {word}")


def _dict(ctx: Context, pairs: object = None, /, **fields: object) -> dict[str, object]:
    if pairs is None:
        return fields
    if isinstance(pairs, Mapping):
        return {**pairs, **fields}
    made: dict[str, object] = {}
    for pair in bounded(pairs, "dict", ctx):
        key, value = unpack(ctx.force(pair), 2)
        key = ctx.force(key)
        if not isinstance(key, str):
            raise ValueFailedError(f"a dict key is a {type_name(key)}; keys are strings")
        made[key] = value
    return {**made, **fields}


def _type(ctx: Context, value: object, /) -> str:
    return type_name(value)


def _json(ctx: Context, value: object, /, *, indent: object = None) -> str:
    settled = ctx.settled(value)
    if indent is None:
        separators, level = (",", ":"), None
    elif isinstance(indent, int) and not isinstance(indent, bool) and 0 <= indent <= 16:
        separators, level = (",", ": "), indent
    else:
        raise ValueFailedError("indent is a number of spaces up to 16, or none")
    try:
        return json.dumps(
            plain_data(settled),
            ensure_ascii=False,
            allow_nan=False,
            separators=separators,
            indent=level,
        )
    except ValueError:
        raise ValueFailedError("JSON has no infinite numbers and no `nan`") from None


def _unpack(ctx: Context, value: object, count: int, /) -> list[object]:
    return unpack(value, count)


def _error(kind: str) -> Builtin:
    def make(ctx: Context, message: object, /) -> dict[str, object]:
        return {"kind": kind, "message": ctx.text(message)}

    return make


ERROR_KINDS = ("gen_error", "extern_error", "value_error")
"""Kinds of errors that scripts handle; functions of these names make one."""

FUNCTIONS: Mapping[str, Builtin] = {
    "len": _len,
    "range": _range,
    "enumerate": _enumerate,
    "zip": _zip,
    "min": _extreme("min", min),
    "max": _extreme("max", max),
    "sum": _sum,
    "sorted": _sorted,
    "reversed": _reversed,
    "unique": _unique,
    "list": _list,
    "dict": _dict,
    "any": _any,
    "all": _all,
    "str": _str,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "abs": _abs,
    "round": _round,
    "type": _type,
    "json": _json,
    "parse_json": _parse_json,
    **{kind: _error(kind) for kind in ERROR_KINDS},
    "_unpack": _unpack,
}
"""Builtin functions by name; each takes the context first. Lowering uses the one with `_`."""


def method(value: object, name: str) -> Builtin:
    """
    The method `name` of a value; takes the context and the value first.

    Raises:
        ValueFailedError: values of this type have no such method.
    """
    found = methods_of(value).get(name)
    if found is None:
        raise ValueFailedError(f"{type_name(value)} has no method `{name}`")
    return found


@lru_cache(maxsize=256)
def signature(function: Builtin) -> inspect.Signature:
    """Parameters of a builtin, the context included."""
    return inspect.signature(function)


def method_signatures(name: str) -> list[inspect.Signature]:
    """Signatures of every method called `name`."""
    tables = (STR_METHODS, LIST_METHODS, DICT_METHODS)
    return [signature(table[name]) for table in tables if name in table]


def call_builtin(
    function: Builtin,
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
    meter = ctx.limits.meter
    if meter is not None:
        for arg in args:
            meter.look(arg)
    try:
        result = check_size(function(ctx, *args, **keywords), ctx.limits)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueFailedError(f"{name}: {error}") from None
    if meter is not None and isinstance(result, list | dict):
        meter.add_items(result)
    return result
