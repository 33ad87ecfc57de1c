"""
What keeps an engine going for those who wait: a reader of its process, or the waiting thread.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic

from sglc_runtime.client import EngineClient
from sglc_runtime.errors import EngineError
from sglc_runtime.protocol import Command, Event

Take = Callable[[Sequence[Event]], None]
Lost = Callable[[EngineError], None]


class ProcessDriving:
    """A thread that reads the events of an engine's process until it is gone."""

    def __init__(self, client: EngineClient, take: Take, lost: Lost) -> None:
        self._client = client
        self._take = take
        self._lost = lost
        threading.Thread(target=self._read, name="sglc-engine", daemon=True).start()

    def submit(self, commands: Sequence[Command]) -> None:
        """Send commands. Raises EngineError."""
        self._client.submit(commands)

    def wait(
        self, changed: threading.Condition, ready: Callable[[], bool], timeout: float | None
    ) -> bool:
        """Wait until `ready()`; False when `timeout` seconds have passed."""
        with changed:
            return changed.wait_for(ready, timeout)

    def assist(self) -> None:
        """Nothing: the process runs by itself."""

    def _read(self) -> None:
        try:
            while True:
                self._take(self._client.poll(None))
        except EngineError as error:
            self._lost(error)
        except (OSError, ValueError):  # closed under the reader
            self._lost(EngineError("internal", "the engine is closed"))


class InlineDriving:
    """Whoever waits runs the model: one thread at a time, the others look on."""

    def __init__(self, client: EngineClient, take: Take, live: Callable[[], bool]) -> None:
        self._client = client
        self._take = take
        self._live = live
        self._turn = threading.Condition()
        self._driving = False
        self._helping = False
        self._queue: deque[Sequence[Command]] = deque()
        self._closed = False

    def submit(self, commands: Sequence[Command]) -> None:
        """Queue commands for the next pass. Raises EngineError."""
        if self._closed:
            raise EngineError("internal", "the engine is closed")
        self._queue.append(commands)
        with self._turn:
            self._turn.notify_all()

    def wait(
        self, changed: threading.Condition, ready: Callable[[], bool], timeout: float | None
    ) -> bool:
        """Run passes until `ready()`; False when `timeout` seconds have passed."""
        end = None if timeout is None else monotonic() + timeout
        while True:
            with self._turn:
                if ready():
                    return True
                left = None if end is None else end - monotonic()
                if left is not None and left <= 0:
                    return False
                if self._driving or not self._live():
                    # Nothing to run: what is waited for is another thread's to submit or to end.
                    self._turn.wait(left)
                    continue
                self._driving = True
            try:
                self._pass()
            finally:
                with self._turn:
                    self._driving = False
                    self._turn.notify_all()

    def assist(self) -> None:
        """Run the model on a thread of its own until it has nothing left to do."""
        with self._turn:
            if self._helping or self._closed:
                return
            self._helping = True
        threading.Thread(target=self._help, name="sglc-engine", daemon=True).start()

    def close(self) -> None:
        """Wait for the pass that runs; no other begins."""
        with self._turn:
            self._closed = True
            self._turn.wait_for(lambda: not self._driving)
            self._turn.notify_all()

    def _help(self) -> None:
        def over() -> bool:
            if self._closed or not self._live():
                self._helping = False  # under the lock: `assist` after this starts another
                return True
            return False

        with suppress(EngineError):
            self.wait(self._turn, over, None)

    def _pass(self) -> None:
        """Submit what is queued and run one pass."""
        if self._closed:
            raise EngineError("internal", "the engine is closed")
        while self._queue:
            self._client.submit(self._queue.popleft())
        self._take(self._client.poll(0.0))
