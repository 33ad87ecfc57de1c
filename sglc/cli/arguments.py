"""`-p name=value` and rows of a batch: from text to a program's arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from sglc.cli import types
from sglc.cli.guard import usage
from sglc.target import Param


def from_options(options: Sequence[str], params: Sequence[Param]) -> dict[str, Any]:
    """
    Arguments from `-p name=value` options, converted by annotation.

    Raises UsageError for a missing `=`, an unknown or repeated name, a value that does not
    convert, a required parameter without value.
    """
    known = {param.name: param for param in params}
    values: dict[str, Any] = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals:
            raise usage(f"`-p {option}` has no value", "write `-p name=value`", code="SGL0602")
        if name in values:
            raise usage(f"`-p {name}` is given twice", code="SGL0602")
        if name not in known:
            raise _unknown(name, known)
        kind = types.parse(known[name].type)
        try:
            values[name] = types.convert(text, kind)
        except ValueError as error:
            raise usage(
                f"bad value for parameter `{name}`: {error}, found `{text}`", code="SGL0610"
            ) from None
    _require(values, params, "-p {}=VALUE")
    return values


def from_row(row: object, params: Sequence[Param]) -> dict[str, Any]:
    """Arguments from one row of a batch; raises UsageError saying what is wrong with the row."""
    if not isinstance(row, Mapping):
        raise usage(f"a row must be a JSON object, found {types.describe(row)}", code="SGL0610")
    known = {param.name: param for param in params}
    for name, value in row.items():
        if name not in known:
            raise _unknown(name, known)
        try:
            types.check(value, types.parse(known[name].type))
        except ValueError as error:
            raise usage(f"bad value for parameter `{name}`: {error}", code="SGL0610") from None
    _require(row, params, '"{}": ...')
    return dict(row)


def _require(given: Iterable[str], params: Sequence[Param], form: str) -> None:
    missing = [param for param in params if param.required and param.name not in set(given)]
    if not missing:
        return
    names = ", ".join(f"`{param.name}`" for param in missing)
    plural = "s" if len(missing) > 1 else ""
    raise usage(
        f"missing value for parameter{plural} {names}",
        "add " + " ".join(f"`{form.format(param.name)}`" for param in missing),
        code="SGL0603",
    )


def _unknown(name: str, known: Mapping[str, Param]) -> Exception:
    close = get_close_matches(name, known, 1)
    if close:
        help_ = f"did you mean `{close[0]}`?"
    elif known:
        help_ = "parameters are " + ", ".join(f"`{n}`" for n in known)
    else:
        help_ = "the function takes no parameters"
    return usage(f"unknown parameter `{name}`", help_, code="SGL0605")
