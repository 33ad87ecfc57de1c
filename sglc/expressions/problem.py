"""A mistake in a script's text, before it is known which file the text is from."""

from __future__ import annotations

from dataclasses import dataclass

from sglc.diagnostics.core import Diagnostic, Label, Severity, Span
from sglc.ir.core import Loc


@dataclass(frozen=True, slots=True)
class Mark:
    """A secondary place of a problem."""

    loc: Loc
    text: str


class Problem(Exception):
    """One finding; `diagnostic` makes it one of a file."""

    def __init__(
        self,
        code: str,
        message: str,
        loc: Loc,
        label: str = "",
        *,
        marks: tuple[Mark, ...] = (),
        notes: tuple[str, ...] = (),
        helps: tuple[str, ...] = (),
        severity: Severity = "error",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.loc = loc
        self.label = label
        self.marks = marks
        self.notes = notes
        self.helps = helps
        self.severity: Severity = severity

    def diagnostic(self, file: str) -> Diagnostic:
        """This finding in `file`."""
        return Diagnostic(
            code=self.code,
            message=self.message,
            severity=self.severity,
            span=to_span(file, self.loc),
            label=self.label,
            labels=tuple(Label(to_span(file, mark.loc), mark.text) for mark in self.marks),
            notes=self.notes,
            helps=self.helps,
        )


def to_span(file: str, loc: Loc) -> Span:
    """A location as a place in a file."""
    return Span(file, loc.line, loc.column, loc.end_line, loc.end_column)


def join_locs(first: Loc, last: Loc) -> Loc:
    """From the start of one to the end of the other."""
    return Loc(first.line, first.column, last.end_line, last.end_column)
