"""Follow a running state: hand its pieces to the printer as they become known."""

from __future__ import annotations

from collections.abc import Iterator

from sglc.cli.conversation import Printer
from sglc.execution.handle import Handle
from sglc.execution.requests import prompt_text
from sglc.execution.versions import DeferredVersion, StepVersion, Version

PAUSE = 0.05
"""Seconds after which a follower looks again, whether or not it was woken."""


def follow(handle: Handle, printer: Printer, *, tokens: bool) -> None:
    """
    Print everything that the state appends until it is finished or fails.

    `tokens` prints what a generation has produced so far, otherwise whole pieces. The state's
    session must have been made with `stream=True`.
    """
    for version in _versions(handle):
        shown = 0
        while not version.done:
            if tokens and isinstance(version, StepVersion):
                shown += _new_text(version, shown, printer)
            _wait(handle)
        if version.error is not None:
            return
        _show(version, shown, printer)


def _versions(handle: Handle) -> Iterator[Version]:
    log = handle.log
    assert log is not None, "the session was made with stream=True"
    index = 0
    while True:
        finished = handle.finished
        while index < len(log):
            yield log[index]
            index += 1
        if finished:
            return
        _wait(handle)


def _new_text(version: StepVersion, shown: int, printer: Printer) -> int:
    text = "".join(version.deltas)[shown:]
    printer.text(text, answer=True)
    return len(text)


def _show(version: Version, shown: int, printer: Printer) -> None:
    if version.mark is None:
        rest = prompt_text(version.pieces)[shown:]
        printer.text(rest, answer=isinstance(version, StepVersion | DeferredVersion))
    elif version.mark.begin:
        printer.begin(version.mark.role)
    else:
        printer.end()


def _wait(handle: Handle) -> None:
    progress = handle.session.progress
    with progress:
        progress.wait(PAUSE)
