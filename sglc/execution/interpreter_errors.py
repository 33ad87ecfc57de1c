"""Failures of a running script, with the place in the script where they happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, cast

from sglc.diagnostics.core import Diagnostic, ExecutionError, Label, Span
from sglc.expressions.functions import ERROR_KINDS
from sglc.expressions.values import ValueFailedError, type_name
from sglc.ir.core import Func, Loc, Module

Kind = Literal["gen_error", "extern_error", "value_error", "limit"]
CODES: dict[Kind, str] = {
    "gen_error": "SGL0501",
    "extern_error": "SGL0502",
    "value_error": "SGL0503",
    "limit": "SGL0504",
}
_SHOWN_CALLS = 8
"""Callers that a message names; a recursion can have hundreds."""


class ScriptError(ExecutionError):
    """A script failed. `kind` is what its `except` clauses name; `limit` is handled by none."""

    def __init__(self, kind: Kind, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic)
        self.kind = kind
        self.calls = 0

    @property
    def message(self) -> str:
        """What went wrong, without the place."""
        return self.diagnostics[0].message

    def called_from(self, name: str, span: Span | None) -> None:
        """Note a call that the failure leaves on its way out."""
        self.calls += 1
        if self.calls > _SHOWN_CALLS:
            return
        note = f"in `{name}`, called at {span}" if span is not None else f"in `{name}`"
        first = self.diagnostics[0]
        self.diagnostics = (replace(first, notes=(*first.notes, note)), *self.diagnostics[1:])


class Caught(dict[str, object]):
    """An error as its handler sees it: `kind` and `message`, and where it came from."""

    def __init__(self, error: ScriptError) -> None:
        super().__init__(kind=error.kind, message=error.message)
        self.error = error


def raised_error(value: object, span: Span | None) -> ScriptError:
    """
    What `raise value` raises: a caught error as it was, another one from here.

    Raises:
        ValueFailedError: the value is no error.
    """
    if isinstance(value, Caught):
        return value.error
    if isinstance(value, Mapping):
        kind, message = value.get("kind"), value.get("message")
        if kind in ERROR_KINDS and isinstance(message, str):
            return script_error(cast(Kind, kind), message, span, "raised here")
    raise ValueFailedError(f"only errors can be raised, not {type_name(value)}")


def script_error(
    kind: Kind,
    message: str,
    span: Span | None,
    label: str = "",
    *,
    code: str | None = None,
    labels: Sequence[Label] = (),
    notes: Sequence[str] = (),
    helps: Sequence[str] = (),
) -> ScriptError:
    """A failure at a place."""
    return ScriptError(
        kind,
        Diagnostic(
            code=code or CODES[kind],
            message=message,
            span=span,
            label=label,
            labels=tuple(labels),
            notes=tuple(notes),
            helps=tuple(helps),
        ),
    )


def file_of(module: Module, func: Func) -> str:
    """The file that a function's locations refer to."""
    return str(func.attrs.get("file", module.file))


def span_of(file: str, loc: Loc | None) -> Span | None:
    """A location as a place in a file; None for what a pass made up."""
    if loc is None or loc.line == 0:
        return None
    return Span(file, loc.line, loc.column, loc.end_line, loc.end_column)
