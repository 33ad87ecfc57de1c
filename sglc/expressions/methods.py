"""Methods of strings, lists and dicts. All are pure; the receiver and the arguments are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sglc.expressions.context import Builtin, Context, bounded, show
from sglc.expressions.meter import TooLargeError
from sglc.expressions.values import ValueFailedError, type_name


def _check_length(ctx: Context, size: int) -> None:
    """Refuse text of that many characters before it is made."""
    if not isinstance(size, int):
        raise ValueFailedError(f"a width is an integer, not {type_name(size)}")
    if size > ctx.limits.characters:
        raise TooLargeError(
            f"a string has more than {ctx.limits.characters} characters", "characters"
        )


def _join(ctx: Context, self: str, items: object, /) -> str:
    parts = [ctx.text(item) for item in bounded(items, "join", ctx)]
    _check_length(ctx, sum(map(len, parts)) + len(self) * max(0, len(parts) - 1))
    return self.join(parts)


def _replace(ctx: Context, self: str, old: str, new: str, count: int = -1, /) -> str:
    found = self.count(old) if count < 0 else min(count, self.count(old))
    _check_length(ctx, len(self) + found * (len(new) - len(old)))
    return self.replace(old, new, count)


def _split(ctx: Context, self: str, sep: str | None = None, maxsplit: int = -1) -> list[str]:
    _check_separator(sep)
    return self.split(sep, maxsplit)


def _rsplit(ctx: Context, self: str, sep: str | None = None, maxsplit: int = -1) -> list[str]:
    _check_separator(sep)
    return self.rsplit(sep, maxsplit)


def _check_separator(sep: object) -> None:
    if sep == "":
        raise ValueFailedError("split by an empty string")


def _splitlines(ctx: Context, self: str, keepends: bool = False) -> list[str]:
    return self.splitlines(keepends)


def _partition(ctx: Context, self: str, sep: str, /) -> list[str]:
    return list(self.partition(sep))


def _rpartition(ctx: Context, self: str, sep: str, /) -> list[str]:
    return list(self.rpartition(sep))


def _padding(name: str) -> Builtin:
    def pad(ctx: Context, self: str, width: int, fill: str = " ", /) -> str:
        _check_length(ctx, width)
        return str(getattr(self, name)(width, fill))

    return pad


def _zfill(ctx: Context, self: str, width: int, /) -> str:
    _check_length(ctx, width)
    return self.zfill(width)


def _expandtabs(ctx: Context, self: str, tabsize: int = 8) -> str:
    _check_length(ctx, tabsize)
    _check_length(ctx, len(self) + self.count("\t") * max(0, tabsize))
    return self.expandtabs(tabsize)


def _plain(name: str) -> Builtin:
    """A method that takes nothing."""

    def call(ctx: Context, self: str, /) -> object:
        return getattr(self, name)()

    return call


def _trimming(name: str) -> Builtin:
    def trim(ctx: Context, self: str, chars: str | None = None, /) -> object:
        return getattr(self, name)(chars)

    return trim


def _affix(name: str) -> Builtin:
    """`startswith` and its like: one string, and nothing that Python allows besides."""

    def call(ctx: Context, self: str, part: object, /) -> object:
        if not isinstance(part, str):
            raise ValueFailedError(f"{name} needs a string, not {type_name(part)}")
        return getattr(self, name)(part)

    return call


def _searching(name: str) -> Builtin:
    """`find` and its like; `index` and `rindex` fail where nothing is found."""

    def search(
        ctx: Context, self: str, part: str, start: int | None = None, end: int | None = None, /
    ) -> int:
        try:
            return int(getattr(self, name)(part, start, end))
        except ValueError:
            raise ValueFailedError(f"{show(part)} is not in the str") from None

    return search


def _list_index(ctx: Context, self: Any, item: object, /) -> int:
    try:
        return int(ctx.settled(self).index(ctx.settled(item)))
    except ValueError:
        raise ValueFailedError(f"{show(item)} is not in the {type_name(self)}") from None


def _list_count(ctx: Context, self: Any, item: object, /) -> int:
    return int(ctx.settled(self).count(ctx.settled(item)))


def _get(ctx: Context, self: Mapping[str, object], key: str, default: object = None, /) -> object:
    return self.get(key, default)


def _keys(ctx: Context, self: Mapping[str, object], /) -> list[str]:
    return list(self)


def _values(ctx: Context, self: Mapping[str, object], /) -> list[object]:
    return list(self.values())


def _items(ctx: Context, self: Mapping[str, object], /) -> list[object]:
    return [[key, value] for key, value in self.items()]


_PLAIN = (
    "upper", "lower", "title", "capitalize", "swapcase", "casefold",
    "isdigit", "isdecimal", "isnumeric", "isalpha", "isalnum", "isspace", "isupper", "islower",
    "istitle", "isidentifier", "isascii",
)  # fmt: skip
STR_METHODS: Mapping[str, Builtin] = {
    **{name: _plain(name) for name in _PLAIN},
    **{name: _trimming(name) for name in ("strip", "lstrip", "rstrip")},
    **{name: _affix(name) for name in ("startswith", "endswith", "removeprefix", "removesuffix")},
    **{name: _searching(name) for name in ("find", "rfind", "index", "rindex", "count")},
    **{name: _padding(name) for name in ("ljust", "rjust", "center")},
    "zfill": _zfill,
    "expandtabs": _expandtabs,
    "split": _split,
    "rsplit": _rsplit,
    "splitlines": _splitlines,
    "partition": _partition,
    "rpartition": _rpartition,
    "join": _join,
    "replace": _replace,
}
LIST_METHODS: Mapping[str, Builtin] = {"index": _list_index, "count": _list_count}
DICT_METHODS: Mapping[str, Builtin] = {
    "get": _get,
    "keys": _keys,
    "values": _values,
    "items": _items,
}
METHODS = frozenset((*STR_METHODS, *LIST_METHODS, *DICT_METHODS))
"""Names of all methods of all types."""
MUTATORS = frozenset(
    {"append", "extend", "insert", "pop", "remove", "sort", "reverse", "clear", "update", "add"}
)
"""Methods that Python has and scripts do not, because values never change."""


def methods_of(value: object) -> Mapping[str, Callable[..., object]]:
    """The methods of a value's type by name; each takes the context and the value first."""
    if isinstance(value, str):
        return STR_METHODS
    if isinstance(value, list | tuple | range):
        return LIST_METHODS
    return DICT_METHODS if isinstance(value, Mapping) else {}
