"""What can be seen of a call: result or exception, where it was raised, and what it printed."""

from __future__ import annotations

import contextlib
import io
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Seen:
    """Everything a caller can tell."""

    result: str = ""
    exception: str = ""
    message: str = ""
    frames: tuple[tuple[str, str, int | None, str | None], ...] = ()
    """File, function, line and source line of each frame in the user's file."""
    columns: tuple[tuple[int | None, int | None], ...] = ()
    context: str = ""
    cause: str = ""
    printed: str = ""


def observe(function: Callable[..., Any], *args: Any, file: str = "") -> Seen:
    """Call a function and note what is seen, with frames of `file` only."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            result = repr(function(*args))
        except Exception as error:
            frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
            return Seen(
                exception=type(error).__name__,
                message=str(error),
                frames=tuple((f.filename, f.name, f.lineno, f.line) for f in frames),
                columns=tuple((f.colno, f.end_colno) for f in frames),
                context=type(error.__context__).__name__,
                cause=type(error.__cause__).__name__,
                printed=out.getvalue(),
            )
    return Seen(result=result, printed=out.getvalue())
