"""Following a state's text while it is produced."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from contextvars import copy_context
from typing import Any, TypeVar

from sglc.execution.handle import Handle
from sglc.execution.pending import LOOK_UP
from sglc.execution.requests import prompt_text
from sglc.execution.session import inside_run
from sglc.execution.versions import StepVersion, Version, text_of

T = TypeVar("T")


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
        with session.progress_lock:
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
                session.progress.wait(LOOK_UP)
                continue
        if pending:
            yield pending
            pending = ""
        elif finished:
            return


async def from_thread(pieces: Iterator[T]) -> AsyncIterator[T]:
    """
    What a blocking iterator gives, for a coroutine; it runs on a daemon thread of its own.

    `asyncio.to_thread` has few threads, so that some followers would wait for others, and a loop
    that ends waits for them: Ctrl-C would wait for the model.
    """
    import asyncio  # takes longer to import than all of this package

    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[tuple[T] | BaseException | None] = asyncio.Queue()

    def put(item: tuple[T] | BaseException | None) -> None:
        loop.call_soon_threadsafe(arrived.put_nowait, item)

    def work() -> None:
        # A RuntimeError of `put` says that the loop is closed: nobody follows any more.
        with suppress(RuntimeError):
            try:
                for piece in pieces:
                    put((piece,))
            except BaseException as error:
                put(error)
            else:
                put(None)

    threading.Thread(
        target=copy_context().run, args=(work,), name="sglc-follow", daemon=True
    ).start()
    while (item := await arrived.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item[0]


def follow_variable(handle: Handle, name: str) -> Iterator[tuple[str, Any]]:
    """
    The text of one variable and its meta information, in pieces.

    A program that ends without making the variable gives one empty piece, as in SGLang.
    """
    session = handle.session
    inside = inside_run(session)
    with session.progress_lock:
        while name not in handle.vars and not (handle.finished or inside):
            session.progress.wait(LOOK_UP)
    if name not in handle.vars:
        yield "", None
        return
    version = handle.meta.get(name)
    if version is None or version.value is not handle.vars[name]:
        yield str(handle.read(name)), None
        return
    follower = Follower(version)
    while True:
        with session.progress_lock:
            new, ended = follower.take()
            if not new and not ended:
                session.progress.wait(LOOK_UP)
                continue
        if new or ended:
            yield new, version.meta
        if ended:
            return
