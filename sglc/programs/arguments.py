"""Arguments of Python programs: names checked, values converted by annotation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from sglc.diagnostics.core import Diagnostic, UsageError
from sglc.programs import annotations as types
from sglc.programs.target import Param


def convert(given: Mapping[str, object], params: Sequence[Param], *, text: bool) -> dict[str, Any]:
    """
    Arguments from what was given: strings to convert (`text`), or JSON values to check.

    Raises UsageError for an unknown name, a value that does not fit, a missing one.
    """
    known = {param.name: param for param in params}
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise _unknown(name, known)
        kind = types.parse(known[name].type)
        try:
            if text and isinstance(value, str):
                values[name] = types.convert(value, kind)
            else:
                types.check(value, kind)
                values[name] = value
        except ValueError as error:
            found = f", found `{value}`" if text and "found" not in str(error) else ""
            message = f"bad value for parameter `{name}`: {error}{found}"
            raise UsageError(Diagnostic(code="SGL0610", message=message)) from None
    _require(values, params, "-p {}=VALUE" if text else '"{}": ...')
    return values


def _require(given: Iterable[str], params: Sequence[Param], form: str) -> None:
    missing = [param for param in params if param.required and param.name not in set(given)]
    if not missing:
        return
    names = ", ".join(f"`{param.name}`" for param in missing)
    plural = "s" if len(missing) > 1 else ""
    message = f"missing value for parameter{plural} {names}"
    help_ = "add " + " ".join(f"`{form.format(param.name)}`" for param in missing)
    raise UsageError(Diagnostic(code="SGL0603", message=message, helps=(help_,)))


def _unknown(name: str, known: Mapping[str, Param]) -> UsageError:
    close = get_close_matches(name, known, 1)
    if close:
        help_ = f"did you mean `{close[0]}`?"
    elif known:
        help_ = "parameters are " + ", ".join(f"`{n}`" for n in known)
    else:
        help_ = "the function takes no parameters"
    message = f"unknown parameter `{name}`"
    return UsageError(Diagnostic(code="SGL0605", message=message, helps=(help_,)))
