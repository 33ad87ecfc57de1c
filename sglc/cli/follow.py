"""Follow a running state: hand its pieces to the printer as they become known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

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
        if tokens and isinstance(version, StepVersion):
            for text in _deltas(version, handle):
                printer.text(text, answer=True)
                shown += len(text)
        _wait_until_done(handle, version)
        if version.error is not None:
            return
        _show(version, shown, printer)


def _versions(handle: Handle) -> Iterator[Version]:
    log = handle.log
    assert log is not None, "the session was made with stream=True"
    index = 0
    while True:
        _wait_for_more(handle, log, index, lambda: handle.finished)
        if index == len(log):
            return
        yield log[index]
        index += 1


def _deltas(version: StepVersion, handle: Handle) -> Iterator[str]:
    """What a generation produces, piece by piece, until it is done or has failed."""
    taken = 0
    while True:
        _wait_for_more(handle, version.deltas, taken, lambda: version.done)
        new = version.deltas[taken:]
        if not new:
            return
        taken += len(new)
        yield "".join(new)


def _show(version: Version, shown: int, printer: Printer) -> None:
    if version.mark is None:
        rest = prompt_text(version.pieces)[shown:]
        printer.text(rest, answer=isinstance(version, StepVersion | DeferredVersion))
    elif version.mark.begin:
        printer.begin(version.mark.role)
    else:
        printer.end()


def _wait_until_done(handle: Handle, version: Version) -> None:
    _wait_for_more(handle, (), 0, lambda: version.done)


def _wait_for_more(
    handle: Handle, items: Sequence[object], count: int, ended: Callable[[], bool]
) -> None:
    """Return once there are more than `count` items or no more will come."""
    progress = handle.session.progress
    with handle.session.progress_lock:
        while len(items) <= count and not ended():
            progress.wait(PAUSE)
