"""One thread that runs what others post to it, in order."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from sglc.execution.pending import driver_threads

MOST_ITEMS = 10_000
"""Posted items run between two turns of `flush` at most, so that no flood of them holds it up."""

Item = tuple[Callable[..., None], tuple[Any, ...]]


class EventLoop:
    """
    Runs posted calls on a thread of its own, which starts with the first.

    `fire` runs after each call, `flush` when nothing more is posted. What any of them raises is
    reported and stops nothing.
    """

    def __init__(self, fire: Callable[[], None], flush: Callable[[], None]) -> None:
        self._fire = fire
        self._flush = flush
        # No Condition: an interrupt may leave its lock taken, and this thread would stand still.
        self._queue: SimpleQueue[Item] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def post(self, call: Callable[..., None], *args: Any) -> None:
        """Have `call(*args)` run soon; from any thread."""
        self._queue.put((call, args))
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    thread = threading.Thread(target=self._run, name="sglc-driver", daemon=True)
                    thread.start()
                    # Only now: an interrupt above leaves no thread behind that never started.
                    self._thread = thread

    def forked(self) -> None:
        """
        In a forked child, where the thread is gone: what was posted runs on a new one.

        It starts with the next `post`; while a process forks no thread can be started.
        """
        posted, self._queue = self._queue, SimpleQueue()
        self._starting = threading.Lock()
        self._thread = None
        with suppress(Empty):
            while True:
                self._queue.put(posted.get_nowait())

    def later(self, call: Callable[..., None], *args: Any) -> None:
        """Post without starting a thread: the next `post` does."""
        self._queue.put((call, args))

    def _run(self) -> None:
        driver_threads.add(threading.get_ident())
        while True:
            self._work()
            self._guarded(self._flush)
            self._guarded(self._fire)

    def _work(self) -> None:
        """Wait for a call, then run all that are posted, up to a bound."""
        queue, fire = self._queue, self._fire
        call, args = queue.get()
        for left in range(MOST_ITEMS, 0, -1):
            try:
                call(*args)
                fire()
            except BaseException:
                _report()
            if left > 1:
                try:
                    call, args = queue.get_nowait()
                except Empty:
                    return

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException:
            _report()


class reported:  # used as a function
    """Reports what is raised inside, as a thread's end would, and goes on."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> bool:
        if error is not None:
            _report()
        return True


def _report() -> None:
    threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
