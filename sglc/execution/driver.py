"""
The driver: one thread that runs the whole process's graph.

States only append versions. The driver finds out which versions are ready (`readiness`), joins
contiguous steps of one state into chains, hands all chains of one turn to the backend together,
and takes in the results (`dispatch`). It never waits for anything but its own queue
(`event_loop`), and nothing recurses through callbacks.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from contextvars import Context, copy_context
from functools import partial
from typing import Any, TypeVar

from sglc.execution.dispatch import Dispatch
from sglc.execution.event_loop import EventLoop
from sglc.execution.pending import Pending, driver_threads, woken_by_waiting
from sglc.execution.readiness import Readiness
from sglc.execution.requests import GenResult, SelectResult
from sglc.execution.session import Session
from sglc.execution.versions import Version

T = TypeVar("T")


class Driver:
    """Runs versions and strands; use `Driver.get()`, one serves the whole process."""

    _instance: Driver | None = None
    _instance_lock = threading.Lock()

    def __init__(self) -> None:
        # The parts call each other through the loop, which is made last.
        self._readiness = Readiness(self.post)
        self._dispatch = Dispatch(self._readiness, self, self.post)
        self._loop = EventLoop(self._readiness.fire, self._dispatch.flush)
        self.append = self._readiness.append
        self.when_done = self._readiness.when_done

    @classmethod
    def get(cls) -> Driver:
        """The process's driver."""
        with cls._instance_lock:
            if cls._instance is None:
                cls._instance = Driver()
            return cls._instance

    # Called from any thread.

    def post(self, call: Callable[..., None], *args: Any) -> None:
        """Run `call(*args)` on the driver's thread, soon."""
        self._loop.post(call, *args)

    def watch(self, version: Version, session: Session) -> Pending[Version]:
        """A Pending of the version itself; fails as the version does."""
        pending: Pending[Version] = Pending(session)
        self.when_done(version, partial(_arrive, pending))
        return pending

    def warm(self, session: Session, version: Version, common: str, uses: int) -> None:
        """Compute the prompt of `version` plus `common` early, for `uses` later requests."""

        def later(done: Version) -> None:
            self.post(self._dispatch.warm, session, done, common, uses)

        self.when_done(version, later)

    def spawn(self, strand: Generator[Pending[Any], Any, T]) -> Pending[T]:
        """
        Run a strand on the driver's thread.

        The strand yields a Pending, gets its value (or has its failure thrown in) when it is
        there, and never blocks. The result is the strand's return value.
        """
        result: Pending[T] = Pending()
        self.post(self._advance, strand, result, copy_context(), None)
        return result

    def cancel(self, *sessions: Session) -> None:
        """Stop the requests of sessions; their unfinished steps fail as cancelled."""
        self.post(self._dispatch.cancel, sessions)

    # What backends call, from any thread (`requests.Sink`).

    def finished(self, chain: int, step: int, result: GenResult | SelectResult) -> None:
        """A step is done."""
        self.post(self._dispatch.finished, chain, step, result)

    def delta(self, chain: int, step: int, text: str) -> None:
        """A step has produced text."""
        self.post(self._dispatch.delta, chain, step, text)

    def failed(self, chain: int, step: int, error: BaseException) -> None:
        """A step failed."""
        self.post(self._dispatch.failed, chain, step, error)

    # On the driver's thread.

    def _advance(
        self,
        strand: Generator[Pending[Any], Any, T],
        result: Pending[T],
        context: Context,
        arrived: Pending[Any] | None,
    ) -> None:
        """Run a strand up to the next value that is not there."""
        try:
            while True:
                error = arrived.exception() if arrived is not None else None
                if error is not None:
                    waiting = context.run(strand.throw, error)
                else:
                    value = arrived.value() if arrived is not None else None
                    waiting = context.run(strand.send, value)
                if not waiting.done():
                    break
                arrived = waiting
        except StopIteration as stop:
            result.set_result(stop.value)
        except BaseException as raised:
            result.set_exception(raised)
        else:
            waiting.add_done_callback(partial(self.post, self._advance, strand, result, context))

    def _wake(self) -> None:
        self.post(_nothing)

    def forked(self) -> None:
        """In a forked child, where the driver's thread stayed behind: go on with a new one."""
        self._readiness.lock = threading.Lock()
        self._loop.forked()
        self._dispatch.forked(self._loop.later)
        woken_by_waiting.append(self._wake)


def _nothing() -> None:
    """Posted to have the loop run."""


def _arrive(pending: Pending[Version], done: Version) -> None:
    if done.error is not None:
        pending.set_exception(done.error)
    else:
        pending.set_result(done)


def _forked() -> None:
    Driver._instance_lock = threading.Lock()
    driver_threads.clear()
    if Driver._instance is not None:
        Driver._instance.forked()


os.register_at_fork(after_in_child=_forked)
