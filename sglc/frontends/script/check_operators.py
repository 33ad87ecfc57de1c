"""What operators and builtin functions take and give, by kind. Pure tables and functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product

from sglc.expressions.functions import ERROR_KINDS, method
from sglc.expressions.values import ValueFailedError
from sglc.frontends.script.check_kinds import (
    BOOL,
    DICT,
    FLOAT,
    INT,
    LIST,
    NUMBER,
    RANGE,
    STR,
    Kind,
    Types,
    names_of,
    one,
    record,
    union,
)

_NUMBERS = frozenset({"int", "float", "bool"})
_WHOLE = frozenset({"int", "bool"})
LOOPED = frozenset({"list", "range", "str", "dict"})
"""Kinds that a loop goes over."""
UNPACKED = frozenset({"list", "range", "str"})


def binary(op: str, left: Types, right: Types) -> tuple[bool, Types]:
    """Whether the operands can go together, and the type of the result."""
    if not left or not right:
        return True, _partial(op, left or right)
    results = [_pair(op, a, b) for a, b in product(left, right)]
    fitting = [types for fits, types in results if fits]
    return bool(fitting), union(*fitting) if fitting else None


def _partial(op: str, known: Types) -> Types:
    """The result where one operand is unknown: text and lists only go with their like."""
    if op == "+" and names_of(known) == {"str"}:
        return STR
    return LIST if op == "+" and names_of(known) == {"list"} else None


def _pair(op: str, a: Kind, b: Kind) -> tuple[bool, Types]:
    if op == "|":
        return a.name == b.name == "dict", _merged(a, b)
    if a.name in _NUMBERS and b.name in _NUMBERS:
        whole = a.name in _WHOLE and b.name in _WHOLE
        if op == "**":
            return True, NUMBER
        return True, INT if whole and op != "/" else FLOAT
    if op == "+" and a.name == b.name and a.name in ("str", "list"):
        return True, STR if a.name == "str" else one("list", union(a.item, b.item))
    if op == "*":
        for value, times in ((a, b), (b, a)):
            if value.name in ("str", "list") and times.name in _WHOLE:
                return True, STR if value.name == "str" else frozenset({value})
    return False, None


def _merged(a: Kind, b: Kind) -> Types:
    if a.fields is None or b.fields is None:
        return DICT
    return frozenset({Kind("dict", fields=tuple({**dict(a.fields), **dict(b.fields)}.items()))})


def ordered(left: Types, right: Types) -> bool:
    """Whether `<` and its like may compare these."""
    if not left or not right:
        return True
    return any(
        a.name == b.name or (a.name in _NUMBERS and b.name in _NUMBERS)
        for a, b in product(left, right)
    )


def never_equal(left: Types, right: Types) -> bool:
    """Whether `==` of these is certainly false; comparisons with none are never doubted."""
    if not left or not right or "none" in names_of(left) | names_of(right):
        return False
    return not any(_may_equal(a, b) for a, b in product(left, right))


def _may_equal(a: Kind, b: Kind) -> bool:
    if a.name == b.name == "str" and a.values is not None and b.values is not None:
        return not a.values.isdisjoint(b.values)
    groups = (_NUMBERS, {"list", "range"})
    return a.name == b.name or any(a.name in group and b.name in group for group in groups)


def item_of(types: Types) -> Types:
    """What a loop over the type sees."""
    found: list[Types] = []
    for kind in types or (Kind("unknown"),):
        inner = {"str": STR, "dict": STR, "range": INT}.get(kind.name)
        found.append(inner or kind.item)
    return union(*found)


# ---- builtin functions ---------------------------------------------------------------------------

_TEXT_OR_NUMBER = _NUMBERS | {"str"}
_OPTIONAL_WHOLE = _WHOLE | {"none"}
ARGUMENTS: Mapping[str, tuple[frozenset[str], ...]] = {
    "len": (LOOPED,),
    "range": (_WHOLE, _OPTIONAL_WHOLE, _WHOLE),
    "enumerate": (LOOPED, _WHOLE),
    "zip": (LOOPED,) * 8,
    "sum": (LOOPED,),
    "sorted": (LOOPED,),
    "unique": (LOOPED,),
    "reversed": (LOOPED,),
    "list": (LOOPED,),
    "any": (LOOPED,),
    "all": (LOOPED,),
    "int": (_TEXT_OR_NUMBER,),
    "float": (_TEXT_OR_NUMBER,),
    "abs": (_NUMBERS,),
    "round": (_NUMBERS, _OPTIONAL_WHOLE),
    "parse_json": (frozenset({"str"}),),
}
"""What arguments by position must be, where anything would not do."""
METHOD_ARGUMENTS: Mapping[str, tuple[frozenset[str], ...]] = {
    "join": (LOOPED,),
    "split": (frozenset({"str", "none"}), _WHOLE),
    "replace": (frozenset({"str"}), frozenset({"str"}), _WHOLE),
    "removeprefix": (frozenset({"str"}),),
    "removesuffix": (frozenset({"str"}),),
}


def needs(allowed: frozenset[str]) -> str:
    """What an argument must be, in words."""
    names = {"list": "a list", "dict": "a dict", "str": "a string", "none": "none"}
    if allowed >= _NUMBERS:
        names["float"] = "a number"
    elif allowed >= _WHOLE:
        names["int"] = "an integer"
    shown = [text for name, text in names.items() if name in allowed]
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _same_items(args: Sequence[Types]) -> Types:
    return one("list", item_of(args[0]))


def _extreme(args: Sequence[Types]) -> Types:
    return item_of(args[0]) if len(args) == 1 else union(*args)


RESULTS: Mapping[str, Callable[[Sequence[Types]], Types]] = {
    "len": lambda args: INT,
    "range": lambda args: RANGE,
    "enumerate": lambda args: one("list", LIST),
    "zip": lambda args: one("list", LIST),
    "min": _extreme,
    "max": _extreme,
    "sum": lambda args: NUMBER,
    "sorted": _same_items,
    "reversed": _same_items,
    "list": _same_items,
    "any": lambda args: BOOL,
    "all": lambda args: BOOL,
    "str": lambda args: STR,
    "int": lambda args: INT,
    "float": lambda args: FLOAT,
    "bool": lambda args: BOOL,
    "abs": lambda args: NUMBER,
    "round": lambda args: NUMBER,
    "unique": _same_items,
    "type": lambda args: STR,
    "json": lambda args: STR,
    **{kind: lambda args: record({"kind": STR, "message": STR}) for kind in ERROR_KINDS},
}
"""The type of a builtin's result, given those of at least one argument."""

# ---- methods -------------------------------------------------------------------------------------

_STRINGS = one("list", STR)
_METHOD_RESULTS: Mapping[tuple[str, str], Types] = {
    **{
        ("str", name): STR
        for name in (
            *("upper", "lower", "title", "capitalize", "strip", "lstrip", "rstrip"),
            *("join", "replace", "removeprefix", "removesuffix", "swapcase", "casefold"),
            *("ljust", "rjust", "center", "zfill", "expandtabs"),
        )
    },
    **{
        ("str", name): _STRINGS
        for name in ("split", "rsplit", "splitlines", "partition", "rpartition")
    },
    **{(kind, name): INT for kind in ("str", "list") for name in ("index", "count")},
    **{("str", name): INT for name in ("find", "rfind", "rindex")},
    **{("str", name): BOOL for name in ("startswith", "endswith", "isdigit", "isalpha", "isspace")},
    ("dict", "keys"): _STRINGS,
    ("dict", "items"): one("list", LIST),
}
_SAMPLES: Mapping[str, object] = {
    "none": None,
    "bool": True,
    "int": 0,
    "float": 0.0,
    "str": "",
    "list": [],
    "range": range(0),
    "dict": {},
}


def has_method(kind: Kind, name: str) -> bool:
    """Whether values of this kind have the method."""
    try:
        method(_SAMPLES[kind.name], name)
    except ValueFailedError:
        return False
    return True


def method_result(receiver: Types, name: str) -> Types:
    """The type of a method's result."""
    if not receiver:
        return None
    return union(*(_METHOD_RESULTS.get((kind.name, name)) for kind in receiver))
