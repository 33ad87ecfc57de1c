"""Builtin functions, methods and operators against CPython's own: the same value, or both fail."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from sglc.expressions.context import Context
from sglc.expressions.evaluate import evaluate, identity
from sglc.expressions.functions import FUNCTIONS, call_builtin
from sglc.expressions.methods import DICT_METHODS, LIST_METHODS, STR_METHODS
from sglc.expressions.values import TooLargeError, ValueFailedError, ValueLimits

LIMITS = ValueLimits(items=2000, characters=5000, bits=2000)
CONTEXT = Context(identity, LIMITS)
FAILED = object()

words = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "a",
            "b",
            "ab",
            "A b",
            "aXbX",
            "X",
            "12",
            "-7",
            "+0042",
            "3.5",
            "1e3",
            "nan",
            "1_0",
        ]
    ),
    st.sampled_from(
        ["é", "ß", "İ", "ǆ", "日本", "²", "٣", "\t", "a\tb", "a\nb\r\nc", "\x1c", "don't"]
    ),
    st.text("aAbB xX1.,\n\t\\é", max_size=8),
)
numbers = st.one_of(
    st.integers(-12, 12),
    st.booleans(),
    st.sampled_from([0.0, -0.0, 0.5, 2.5, -1.25, 1e300, 10**40]),
)
scalars = st.one_of(words, numbers, st.none())
values = st.one_of(
    scalars,
    st.lists(numbers, max_size=5),
    st.lists(words, max_size=5),
    st.lists(st.lists(scalars, min_size=2, max_size=2), max_size=3),
    st.dictionaries(words, scalars, max_size=3),
    st.builds(range, st.integers(-3, 6), st.integers(-3, 6), st.sampled_from([1, 2, -1])),
)


def shown(value: Any) -> str:
    """A value as both sides show it; a string is one that compares by its characters."""
    return repr(as_ours(value))


def as_ours(value: Any) -> Any:
    """Python's result as a value of scripts."""
    match value:
        case tuple() | list():
            return [as_ours(item) for item in value]
        case dict():
            return {key: as_ours(item) for key, item in value.items()}
        case enumerate() | zip() | reversed():
            return as_ours(list(value))
    kind = type(value).__name__
    return as_ours(list(value)) if kind.startswith(("dict_", "list_", "str_", "range_")) else value


def ours(function: Callable[..., Any], args: list[Any], named: Mapping[str, Any]) -> Any:
    try:
        return shown(call_builtin(function, CONTEXT, args, named, "it"))
    except ValueFailedError:
        return FAILED
    except TooLargeError:
        return reject()  # Python has no such bounds


def theirs(function: Callable[..., Any], args: list[Any], named: Mapping[str, Any]) -> Any:
    try:
        return shown(function(*args, **named))
    except (TypeError, ValueError, KeyError, OverflowError, ZeroDivisionError, AttributeError):
        return FAILED


SAME_METHODS: tuple[tuple[type, str], ...] = (
    *((str, name) for name in STR_METHODS if name != "join"),
    *((list, name) for name in LIST_METHODS),
    *((dict, name) for name in DICT_METHODS),
)
"""All but `join`, which takes any values: it shows them as `${}` does."""
RECEIVERS: dict[type, st.SearchStrategy[Any]] = {
    str: words,
    list: st.lists(scalars, max_size=5),
    dict: st.dictionaries(words, scalars, max_size=3),
}
TABLES: dict[type, Mapping[str, Callable[..., Any]]] = {
    str: STR_METHODS,
    list: LIST_METHODS,
    dict: DICT_METHODS,
}
KEYWORDS = {"sep": words, "maxsplit": st.integers(-1, 3), "tabsize": st.integers(-1, 9),
            "keepends": st.booleans(), "wrong": scalars}  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), SAME_METHODS)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_methods(kind: type, name: str, data: st.DataObject) -> None:
    receiver = data.draw(RECEIVERS[kind])
    args = data.draw(st.lists(st.one_of(words, st.integers(-3, 20), scalars), max_size=3))
    key = data.draw(st.none() | st.sampled_from(sorted(KEYWORDS)))
    named = {} if key is None else {key: data.draw(KEYWORDS[key])}
    if name in ("index", "count") and kind is list:
        args = args[:1]  # Python's start and stop are not offered
    if name in ("startswith", "endswith"):
        args = args[:1]
    expected = theirs(getattr(kind, name), [receiver, *args], named)
    assert ours(TABLES[kind][name], [receiver, *args], named) == expected


SAME_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "len": len,
    "range": range,
    "enumerate": enumerate,
    "zip": zip,
    "min": min,
    "max": max,
    "sum": sum,
    "sorted": sorted,
    "reversed": reversed,
    "list": list,
    "dict": dict,
    "any": any,
    "all": all,
    "int": int,
    "float": float,
    "bool": bool,
    "abs": abs,
    "round": round,
}
OWN = {"str", "type", "json", "parse_json", "unique", "_unpack", "gen_error", "extern_error",
       "value_error"}  # fmt: skip
NAMED = {"reverse": st.booleans(), "start": numbers, "default": scalars, "wrong": scalars}


def test_every_function_is_compared_or_our_own() -> None:
    assert set(FUNCTIONS) == {*SAME_FUNCTIONS, *OWN}


@pytest.mark.parametrize("name", SAME_FUNCTIONS)
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_functions(name: str, data: st.DataObject) -> None:
    args = data.draw(st.lists(values, max_size=3))
    key = data.draw(st.none() | st.sampled_from(sorted(NAMED)))
    named = {} if key is None else {key: data.draw(NAMED[key])}
    if excepted(name, args, named):
        return
    expected = theirs(SAME_FUNCTIONS[name], args, named)
    assert ours(FUNCTIONS[name], args, named) == expected


def excepted(name: str, args: list[Any], named: Mapping[str, Any]) -> bool:
    """Where scripts mean something else on purpose, or do not offer what Python does."""
    none_last = bool(args) and args[-1] is None
    match name:
        case "range":
            return none_last  # a bound that is none is one that is left out
        case "int":
            return len(args) != 1  # no base
        case "sum":
            # Python joins what `+` joins; scripts add numbers.
            return any(not isinstance(x, int | float) for a in args for x in flat(a)) or (
                len(args) > 1
            )
        case "dict":
            # Python takes pairs of any kind; keys of scripts are strings.
            return any(
                not isinstance(pair, list) or not isinstance(pair[0], str)
                for a in args
                if not isinstance(a, dict)
                for pair in (a if isinstance(a, list | range | str) else [a])
            )
        case "list":
            return not args  # `[]`
        case "bool" | "float":
            return not args
        case "reversed":
            return any(isinstance(a, dict) for a in args)
    return not args and name in ("zip",)


def flat(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | range | dict | str) else [value]


OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
             "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "|": operator.or_,
             "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
             ">": operator.gt, ">=": operator.ge, "in": lambda a, b: a in b}  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(values, st.sampled_from(sorted(OPERATORS)), values)
def test_operators(left: Any, op: str, right: Any) -> None:
    if op == "%" and isinstance(left, str):
        return  # no formatting with `%`
    if op == "|" and not (isinstance(left, dict) and isinstance(right, dict)):
        return  # dicts alone
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found: Any = shown(evaluate(f"a {op} b", {"a": left, "b": right}, limits=LIMITS))
    except ValueFailedError:
        found = FAILED
    except TooLargeError:
        return
    expected = theirs(OPERATORS[op], [left, right], {})
    if expected is not FAILED and "j" in expected:
        expected = FAILED  # no complex numbers
    assert found == expected


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(words, st.lists(scalars, max_size=6), st.builds(range, st.integers(0, 6))),
    *[st.none() | st.integers(-7, 7)] * 3,
)
def test_slices(value: Any, start: int | None, stop: int | None, step: int | None) -> None:
    variables = {"v": value, "a": start, "b": stop, "c": step}
    bounds = [f"{n}" if variables[n] is not None else "" for n in "abc"]
    text = f"v[{bounds[0]}:{bounds[1]}:{bounds[2]}]"
    try:
        found: Any = shown(evaluate(text, variables))
    except ValueFailedError:
        found = FAILED
    assert found == theirs(lambda: value[start:stop:step], [], {})
