"""Where commands write: results to stdout, everything else to stderr; colour only on terminals."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

from sglc.diagnostics.core import Diagnostic


def colored(stream: TextIO) -> bool:
    """Whether to colour: a terminal, and neither `NO_COLOR` nor `TERM=dumb` is set."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def show(diagnostics: Iterable[Diagnostic], sources: Mapping[str, str] | None = None) -> None:
    """Render diagnostics to stderr; `sources` is text that is in no file."""
    from sglc.diagnostics.render import render

    text = render(list(diagnostics), color=colored(sys.stderr), sources=sources)
    message(text.rstrip("\n"))


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
