"""A finished run as one JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sglc.cli.conversation import plain
from sglc.diagnostics.core import Diagnostic

if TYPE_CHECKING:
    from sglc.programs.running import Running


def to_object(running: Running) -> dict[str, Any]:
    """Text, messages, variables, return value, usage and seed of a finished run."""
    state = running.state
    return {
        "text": state.text(),
        "messages": plain(state.messages()),
        "variables": plain(running.variables()),
        "return_value": plain(running.value()),
        "usage": running.usage(),
        "seed": running.seed,
    }


def error_object(diagnostic: Diagnostic) -> dict[str, Any]:
    """An error as a row of a batch carries it."""
    span = diagnostic.span
    where = {} if span is None else {"file": span.file, "line": span.line, "column": span.column}
    notes = {"notes": list(diagnostic.notes)} if diagnostic.notes else {}
    return {"code": diagnostic.code, "message": diagnostic.message} | where | notes
