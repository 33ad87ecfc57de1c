"""Following a state's text while it is produced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sglc.execution.handle import Handle
from sglc.execution.requests import prompt_text
from sglc.execution.session import inside_run
from sglc.execution.versions import StepVersion, Version, text_of


class Follower:
    """Reads one version's text as it becomes certain."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self._taken = 0
        self._text = ""

    def take(self) -> tuple[str, bool]:
        """New text, and whether the version has ended; raises its failure."""
        version = self.version
        ended = version.done
        if ended and version.error is None:
            whole = prompt_text(version.pieces)
            new, self._text = whole[len(self._text) :], whole
            return new, True
        deltas = version.deltas[self._taken :] if isinstance(version, StepVersion) else []
        self._taken += len(deltas)
        new = "".join(deltas)
        self._text += new
        if ended and not new:
            assert version.error is not None
            raise version.error
        return new, False


def follow_text(handle: Handle) -> Iterator[str]:
    """
    All text of a state, in pieces as it becomes certain, until nothing more is appended.

    The program itself, which appends no more while it reads, gets what it has appended so far.
    """
    session, log = handle.session, handle.log
    assert log is not None
    inside = inside_run(session)
    index, follower = 0, None
    pending = ""
    if handle.fork_version is not None:
        session.driver.watch(handle.fork_version, session).result()
        pending = text_of(handle.fork_version)
    while True:
        # Everything that is there now goes out as one piece.
        with session.progress:
            while True:
                if follower is None:
                    if index == len(log):
                        finished = handle.finished or inside
                        break
                    follower = Follower(log[index])
                    index += 1
                try:
                    new, ended = follower.take()
                except BaseException:
                    if pending:
                        break
                    raise
                pending += new
                if not ended:
                    finished = False
                    break
                follower = None
            if not pending and not finished:
                session.progress.wait()
                continue
        if pending:
            yield pending
            pending = ""
        elif finished:
            return


def follow_variable(handle: Handle, name: str) -> Iterator[tuple[str, Any]]:
    """
    The text of one variable and its meta information, in pieces.

    A program that ends without making the variable gives one empty piece, as in SGLang.
    """
    session = handle.session
    inside = inside_run(session)
    with session.progress:
        while name not in handle.vars and not (handle.finished or inside):
            session.progress.wait()
    if name not in handle.vars:
        yield "", None
        return
    version = handle.meta.get(name)
    if version is None or version.value is not handle.vars[name]:
        yield str(handle.read(name)), None
        return
    follower = Follower(version)
    while True:
        with session.progress:
            new, ended = follower.take()
            if not new and not ended:
                session.progress.wait()
                continue
        if new or ended:
            yield new, version.meta
        if ended:
            return
