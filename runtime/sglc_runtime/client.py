"""The engine as its users see it, and the process it usually runs in. Never imports torch."""

from __future__ import annotations

import atexit
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import Protocol

from sglc_runtime.config import EngineConfig
from sglc_runtime.errors import EngineError
from sglc_runtime.interrupts import DeferredInterrupt
from sglc_runtime.protocol import Command, EngineInfo, Event, Fatal, Shutdown
from sglc_runtime.wire import checked, encode_frame, event_reader

CLOSE_SECONDS = 5.0
"""How long a worker may take to end before it is killed: it finishes the pass it is in."""


class EngineClient(Protocol):
    """Sends commands to an engine and receives its events, wherever it runs."""

    @property
    def info(self) -> EngineInfo:
        """What was started; waits for it. Raises EngineError if the engine could not start."""
        ...

    def submit(self, commands: Sequence[Command]) -> None:
        """Send commands. Raises EngineError when the engine is gone."""
        ...

    def poll(self, timeout: float | None = None) -> list[Event]:
        """
        Events that have arrived, waiting for the first at most `timeout` seconds.

        Returns [] on timeout. `EngineInfo` and `Fatal` are not among them: the one is `info`, the
        other is raised as EngineError, as is an engine that is gone.
        """
        ...

    def close(self) -> None:
        """End the engine; what was not finished is dropped. Can be called again."""
        ...


class EngineProcess:
    """
    An engine in a child process, connected by a socket pair.

    The constructor returns at once; `info` or the first event waits for the model. `submit` may be
    called from any thread, `poll` from one at a time. Raises EngineError for options that cannot
    be sent.
    """

    def __init__(self, config: EngineConfig | None = None) -> None:
        try:
            options = encode_frame(config or EngineConfig())
        except (TypeError, ValueError, OverflowError) as error:
            raise EngineError("internal", f"invalid engine option: {error}") from None
        self._ready: deque[Event] = deque()
        self._reader = event_reader()
        self._info: EngineInfo | None = None
        self._gone: EngineError | None = None
        self._owner = os.getpid()
        self._send_lock = threading.Lock()
        self._poll_lock = threading.Lock()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        self._connection, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "sglc_runtime.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._stderr,
                stderr=self._stderr,
                env=child_environment(),
                process_group=0,
            )
        atexit.register(self.close)
        self._connection.sendall(options)

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._process.pid

    @property
    def info(self) -> EngineInfo:
        while self._info is None:
            # A reader thread may hold the lock for as long as it waits for events.
            if not self._poll_lock.acquire(timeout=0.05):
                continue
            try:
                if self._info is None:
                    self._check()
                    self._receive(None)
            finally:
                self._poll_lock.release()
        return self._info

    def submit(self, commands: Sequence[Command]) -> None:
        self._check()
        frame = encode_frame(checked(commands))
        try:
            with self._send_lock, DeferredInterrupt():
                self._connection.sendall(frame)
        except OSError as error:
            raise self._died() from error

    def poll(self, timeout: float | None = None) -> list[Event]:
        with self._poll_lock:
            end = None if timeout is None else monotonic() + timeout
            while not self._ready:
                self._check()
                left = None if end is None else max(0.0, end - monotonic())
                self._receive(left)
                if left == 0.0:
                    break
            events = list(self._ready)
            self._ready.clear()
            return events

    def close(self) -> None:
        atexit.unregister(self.close)
        if os.getpid() != self._owner:
            # A forked copy of the owner has the socket, but the worker is not its to end.
            self._connection.close()
            return
        if self._gone is None:
            self._gone = EngineError("internal", "the engine is closed")
            try:
                with self._send_lock:
                    self._connection.settimeout(CLOSE_SECONDS)
                    self._connection.sendall(encode_frame([Shutdown()]))
            except OSError:
                pass
        # A worker that still loads reads no commands; there is nothing in it to lose.
        patience = CLOSE_SECONDS if self._info is not None else 0.0
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)  # wakes a thread that polls
        self._connection.close()
        self._stderr.close()

    def _receive(self, timeout: float | None) -> None:
        """Read what is there; EngineInfo is kept for `info` and Fatal makes later calls raise."""
        try:
            # Not `select`, which takes no descriptor above 1023.
            waiting = select.poll()
            waiting.register(self._connection, select.POLLIN)
            if not waiting.poll(None if timeout is None else timeout * 1000):
                return
            with DeferredInterrupt():
                data = self._connection.recv(1 << 18)
                for event in chain.from_iterable(self._reader.feed(data)):
                    self._take(event)
        except (OSError, ValueError) as error:  # ValueError: closed meanwhile
            raise self._died() from error
        if not data:
            raise self._died()

    def _take(self, event: Event) -> None:
        if isinstance(event, EngineInfo):
            self._info = event
        elif isinstance(event, Fatal):
            self._gone = EngineError(event.kind, event.message)
        else:
            self._ready.append(event)

    def _check(self) -> None:
        if self._gone is not None:
            raise self._gone

    def _died(self) -> EngineError:
        """The worker went away without a word; say what it last wrote to stderr."""
        if self._gone is None:
            try:
                code: int | None = self._process.wait(CLOSE_SECONDS)
            except subprocess.TimeoutExpired:
                code = None
            self._stderr.seek(0)
            said = self._stderr.read().decode("utf-8", "replace").strip()[-2000:]
            detail = f":\n{said}" if said else ""
            self._gone = EngineError("internal", f"the engine died (exit status {code}){detail}")
        return self._gone


def child_environment() -> dict[str, str]:
    """Ours, with this package importable; the user's folder stays off the module path (-P)."""
    here = str(Path(__file__).parent.parent)
    known = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join([here, known]) if known else here}
