"""Where commands write: results to stdout, everything else to stderr; colour only on terminals."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TextIO

from sglc.diagnostics.core import Diagnostic

if TYPE_CHECKING:
    from sglc.diagnostics.output import OutputFormat

FORM: ContextVar[OutputFormat | None] = ContextVar("form", default=None)
"""How this command writes diagnostics; None: as text for people."""


def colored(stream: TextIO) -> bool:
    """Whether to colour: a terminal, and neither `NO_COLOR` nor `TERM=dumb` is set."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def show(diagnostics: Iterable[Diagnostic], sources: Mapping[str, str] | None = None) -> None:
    """Write diagnostics to stderr, in the form chosen; `sources` is text that is in no file."""
    text = findings_text(list(diagnostics), sys.stderr, sources)
    message(text.rstrip("\n"))


def findings_text(
    diagnostics: Sequence[Diagnostic], stream: TextIO, sources: Mapping[str, str] | None = None
) -> str:
    """Diagnostics as they are to be written to a stream, in the form chosen."""
    form = FORM.get()
    if form is None:
        from sglc.diagnostics.render import render

        return render(diagnostics, color=colored(stream), sources=sources)
    from sglc.cli.version import installed_version
    from sglc.diagnostics.output import formatted

    return formatted(
        diagnostics, form, version=installed_version(), color=colored(stream), sources=sources
    )


def message(text: str) -> None:
    """One message to stderr, after what stdout already has."""
    sys.stdout.flush()
    print(text, file=sys.stderr, flush=True)


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr, where that is a terminal; the value advances it by one."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    screen = Console(stderr=True, no_color=not colored(sys.stderr))
    with Progress(*columns, TimeElapsedColumn(), console=screen, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
