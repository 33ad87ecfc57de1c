"""Failures of generations."""

from __future__ import annotations

from contextlib import suppress

from sglc.execution.requests import GenStep, SelectStep
from sglc.language.exprs import Place


class GenerationError(RuntimeError):
    """The model backend could not run a `gen` or `select`."""

    def __init__(self, message: str, *, kind: str = "internal") -> None:
        super().__init__(message)
        self.kind = kind
        """
        `cancelled`, `context_length`, `bad_request`, `out_of_memory`, `deadline`, `overloaded` or
        `internal`.
        """


_MARK = "__sglc_generation__"


def is_generation_error(error: BaseException) -> bool:
    """Whether this exception is a failed generation's, and not the program's own."""
    return isinstance(error, GenerationError) or getattr(error, _MARK, False)


def note_place(error: BaseException, step: GenStep | SelectStep, place: Place | None) -> None:
    """
    Add a note to `error` that names the `gen` and where it stands in the program.

    An exception of the backend's own class may refuse to be changed; it goes without the note.
    """
    # Not `setattr`: a class of the backend's may guard its attributes.
    with suppress(AttributeError):
        error.__dict__[_MARK] = True
    what = "gen" if isinstance(step, GenStep) else "select"
    note = f"in {what}({step.name!r})" if step.name is not None else f"in {what}()"
    if place is not None:
        note += f" at {place[0]}:{place[1]}"
    with suppress(Exception):
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)
