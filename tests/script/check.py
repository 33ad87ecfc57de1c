"""Helpers for tests of the script front end."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.diagnostics.core import Diagnostic
from sglc.frontends.script import check_script


def found(text: str) -> list[tuple[str, int, int]]:
    """Code, line and column of everything wrong with a script."""
    return [place(d) for d in check_script(text, file="x.sgl")]


def place(diagnostic: Diagnostic) -> tuple[str, int, int]:
    """Code, line and column."""
    assert diagnostic.span is not None
    return diagnostic.code, diagnostic.span.line, diagnostic.span.column


def check_error(text: str, code: str, line: int, column: int, message: str) -> Diagnostic:
    """Check that a script has exactly one mistake: this one, at this place."""
    diagnostics: Sequence[Diagnostic] = check_script(text, file="x.sgl")
    assert [(*place(d), d.message) for d in diagnostics] == [(code, line, column, message)]
    return diagnostics[0]


def body(lines: str) -> str:
    """Lines as the body of a function."""
    return "".join(f"    {each}\n" for each in lines.split("\n"))


def check_body_error(
    head: str, lines: str, code: str, line: int, column: int, message: str
) -> Diagnostic:
    """As `check_error`, for a body after `head`: its first line is line 1, its first column 1."""
    return check_error(head + body(lines), code, head.count("\n") + line, column + 4, message)
