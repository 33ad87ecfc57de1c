"""Diagnostics as GitHub Actions workflow commands, which become annotations of a change."""

from __future__ import annotations

from sglc.diagnostics.core import Diagnostic, Span

_COMMANDS = {"error": "error", "warning": "warning", "remark": "notice"}
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = _DATA | {":": "%3A", ",": "%2C"}


def github_command(diagnostic: Diagnostic) -> str:
    """One line `::error file=...,line=...::message`; notes and helps follow in the message."""
    properties = _place(diagnostic.span) | {"title": f"sglc {diagnostic.code}"}
    shown = ",".join(f"{key}={escape(value, _PROPERTY)}" for key, value in properties.items())
    message = diagnostic.message + (f": {diagnostic.label}" if diagnostic.label else "")
    lines = [message, *(f"note: {n}" for n in diagnostic.notes)]
    lines += [f"help: {h}" for h in diagnostic.helps]
    return f"::{_COMMANDS[diagnostic.severity]} {shown}::{escape(chr(10).join(lines), _DATA)}"


def _place(span: Span | None) -> dict[str, str]:
    if span is None:
        return {}
    place = {"file": span.file, "line": str(span.line), "endLine": str(span.end_line)}
    if span.line == span.end_line:  # GitHub refuses columns of a place with several lines
        place |= {"col": str(span.column), "endColumn": str(span.end_column)}
    return place


def escape(text: str, table: dict[str, str]) -> str:
    """The text with what workflow commands reserve replaced, `%` included."""
    return "".join(table.get(char, char) for char in text)
