"""Diagnostics as data: what is wrong, where, and what to do. Rendering lives in `render`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "remark"]
Applicability = Literal["machine-applicable", "maybe-incorrect", "has-placeholders"]
"""rustc's: certainly what was meant; probably; has parts that a person must fill in."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of source. Lines and columns count from 1 in characters; the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    @staticmethod
    def point(file: str, line: int, column: int) -> Span:
        """A span of one character."""
        return Span(file, line, column, line, column + 1)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Label:
    """A secondary place and what it has to do with the problem."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Text to write instead of a stretch of source, as an editor can apply it."""

    span: Span
    replacement: str
    message: str
    """What applying it does, worded as a help."""
    applicability: Applicability = "maybe-incorrect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding. Messages are lower case, without a final period, code in backticks."""

    code: str
    """`SGLxxyy`: 01 syntax, 02 names and types, 03 lowering, 04 verifier, 05 execution."""
    message: str
    severity: Severity = "error"
    span: Span | None = None
    label: str = ""
    """Text after the caret; makes sense alone."""
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    """Replacements that the helps speak of, where they are known exactly."""


class SglcError(Exception):
    """What a user can cause. The command line renders its diagnostics and exits with 1."""

    def __init__(
        self,
        diagnostics: Sequence[Diagnostic] | Diagnostic,
        sources: Mapping[str, str] | None = None,
    ) -> None:
        self.sources: Mapping[str, str] = sources or {}
        """Text by name of what spans refer to and no file holds, such as a pipeline."""
        self.diagnostics: tuple[Diagnostic, ...] = (
            (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        )
        super().__init__("; ".join(d.message for d in self.diagnostics))

    def __str__(self) -> str:
        return "\n".join(
            f"{d.span}: {d.severity}[{d.code}]: {d.message}"
            if d.span
            else f"{d.severity}[{d.code}]: {d.message}"
            for d in self.diagnostics
        )


class ParseError(SglcError):
    """The text of a script or of an IR file cannot be read."""


class LowerError(SglcError):
    """A program was read but has no meaning: names, types, arity, roles."""


class VerifyError(SglcError):
    """The IR is malformed; no source program can cause this."""


class PassError(SglcError):
    """A pipeline names an unknown pass or option."""


class ExecutionError(SglcError):
    """A program failed while it ran."""


class UsageError(SglcError):
    """A command was given wrong arguments; the command line exits with 2."""
