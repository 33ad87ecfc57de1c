"""`-p name=value` and rows of a batch, as what a program converts to its arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sglc.cli.guard import usage
from sglc.diagnostics.core import SglcError, UsageError

if TYPE_CHECKING:
    from sglc.programs.program import Program


def from_options(options: Sequence[str], program: Program) -> dict[str, Any]:
    """Arguments from `-p name=value` options; raises UsageError for what does not fit."""
    try:
        return program.convert(split(options), text=True)
    except SglcError as error:
        raise UsageError(error.diagnostics) from None


def split(options: Sequence[str]) -> dict[str, str]:
    """Names and texts of `-p` options; raises UsageError for no `=` and for a repeated name."""
    values: dict[str, str] = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals:
            raise usage(f"`-p {option}` has no value", "write `-p name=value`", code="SGL0602")
        if name in values:
            raise usage(f"`-p {name}` is given twice", code="SGL0602")
        values[name] = text
    return values


def from_row(row: object, program: Program) -> dict[str, Any]:
    """Arguments from one row of a batch; raises SglcError saying what is wrong with the row."""
    if not isinstance(row, Mapping):
        shown = json.dumps(row, ensure_ascii=False)
        raise usage(f"a row must be a JSON object, found `{shown[:60]}`", code="SGL0610")
    return program.convert(row, text=False)
