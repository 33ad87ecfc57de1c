"""What a program raised, as a diagnostic at the program's own line."""

from __future__ import annotations

import os
import re
import sys
import traceback
from pathlib import Path

from sglc.diagnostics.core import Diagnostic, ExecutionError, SglcError, Span

OURS = tuple(
    str(Path(__file__).parent.parent.parent / name) + os.sep
    for name in ("sglc", "runtime", "sglc_runtime")
)
LIBRARIES = tuple(
    str(Path(path)) + os.sep for path in {sys.prefix, sys.base_prefix, os.path.dirname(os.__file__)}
)
PLACE = re.compile(r"(?:^| )at (?P<file>.+):(?P<line>\d+)$")


NOT_LOADED = "SGL0609"
LOADING = {"model_not_found", "bad_checkpoint", "unsupported_model"}
"""Kinds of failed generations that mean there is no engine."""


def diagnose(error: BaseException) -> SglcError | None:
    """
    The error as diagnostics, or None when it is none of the program's: then it is our bug.

    A failed generation is placed at its `gen`, an exception of Python code at the innermost line
    of the user's own files.
    """
    from sglc.execution.errors import is_generation_error

    refused = _not_loaded(error)
    if refused is not None:
        message = f"cannot load the model: {refused}"
        return ExecutionError(Diagnostic(code=NOT_LOADED, message=message))
    if isinstance(error, SglcError):
        return error
    notes = tuple(getattr(error, "__notes__", ()))
    place = _noted_place(notes)
    if is_generation_error(error):
        return ExecutionError(_generation(error, notes, place))
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_users(f.filename)]
    if frames:
        last = frames[-1]
        end = last.end_colno if last.end_lineno == last.lineno else None
        span = line_span(last.filename, last.lineno or 1, last.colno, end)
    elif place is not None:
        span = place
        notes = tuple(note for note in notes if not PLACE.search(note))
    else:
        return None
    called = tuple(
        f"called from {_shown(f.filename)}:{f.lineno} in `{f.name}`" for f in reversed(frames[:-1])
    )
    return ExecutionError(
        Diagnostic(
            code="SGL0507",
            message=f"{type(error).__name__}: {error}".rstrip(": "),
            span=span,
            notes=notes + called,
        )
    )


def diagnose_any(error: BaseException) -> SglcError:
    """As `diagnose`; our own bugs become a diagnostic too, for a batch that goes on."""
    found = diagnose(error)
    if found is not None:
        return found
    message = f"internal error, a bug in sglc: {type(error).__name__}: {error}"
    return ExecutionError(Diagnostic(code="SGL0599", message=message))


def _not_loaded(error: BaseException) -> BaseException | None:
    """The failure to load a model that this error is, or comes from."""
    found: BaseException | None = error
    while found is not None and getattr(found, "kind", None) not in LOADING:
        found = found.__cause__
    return found


def _generation(error: BaseException, notes: tuple[str, ...], place: Span | None) -> Diagnostic:
    kind = getattr(error, "kind", None)
    name = "" if kind is not None else f"{type(error).__name__}: "
    helps = {
        "context_length": ("shorten the prompt, or lower `max_tokens`",),
        "out_of_memory": ("run fewer rows or branches at the same time",),
        "overloaded": ("run fewer rows at the same time, or raise the engine's `max_waiting`",),
        "deadline": ("allow more time, or run fewer rows or branches at the same time",),
    }.get(str(kind), ())
    return Diagnostic(
        code="SGL0501",
        message=f"generation failed: {name}{error}",
        span=place,
        notes=tuple(note for note in notes if not PLACE.search(note)),
        helps=helps,
    )


def line_span(file: str, number: int, start: int | None = None, end: int | None = None) -> Span:
    """A span in a line: the columns given (from 0), else all that is not white space."""
    try:
        line = Path(file).read_text(encoding="utf-8").split("\n")[number - 1]
    except (OSError, UnicodeDecodeError, IndexError):
        return Span.point(_shown(file), number, 1)
    if start is None or end is None:
        start, end = len(line) - len(line.lstrip()), len(line.rstrip())
    return Span(_shown(file), number, start + 1, number, max(end, start + 1) + 1)


def _noted_place(notes: tuple[str, ...]) -> Span | None:
    for note in notes:
        match = PLACE.search(note)
        if match is not None:
            return line_span(match["file"], int(match["line"]))
    return None


def _is_users(file: str) -> bool:
    return not file.startswith(("<", *OURS, *LIBRARIES)) and Path(file).exists()


def _shown(file: str) -> str:
    """The path relative to the current folder where it lies below it."""
    try:
        return str(Path(file).resolve().relative_to(Path.cwd()))
    except ValueError:
        return file
