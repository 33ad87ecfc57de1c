"""
The driver: one thread that runs the whole process's graph.

States only append versions. The driver finds out which versions are ready, joins contiguous steps
of one state into chains, hands all chains of one turn to the backend together, and takes in the
results. It never waits for anything but its own queue, and nothing recurses through callbacks.
"""

from __future__ import annotations

import copy
import os
import sys
import threading
from collections.abc import Callable, Generator
from contextvars import Context, copy_context
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeVar

from sglc.execution.chains import fill, make_chain, warm_prefix
from sglc.execution.errors import GenerationError, note_place
from sglc.execution.pending import Pending, driver_threads
from sglc.execution.requests import (
    Chain,
    GenResult,
    ModelBackend,
    Produced,
    SelectResult,
    Warmup,
)
from sglc.execution.session import Session
from sglc.execution.versions import (
    DeferredVersion,
    StepVersion,
    Turnstile,
    Version,
)

T = TypeVar("T")


@dataclass(slots=True)
class _Running:
    """A chain that a backend works on; `steps[i]` is the version of its step i."""

    session: Session
    steps: list[StepVersion | None]
    turn: Turnstile | None


class Driver:
    """Runs versions and strands; use `Driver.get()`, one serves the whole process."""

    _instance: Driver | None = None
    _instance_lock = threading.Lock()

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._ready: list[StepVersion] = []
        self._warm: list[tuple[Session, Version, str, int]] = []
        self._settled: list[tuple[Pending[Any], Any, BaseException | None]] = []
        self._callbacks: list[tuple[Callable[[Version], None], Version]] = []
        self._running: dict[int, _Running] = {}
        self._next_id = 0
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    @classmethod
    def get(cls) -> Driver:
        """The process's driver."""
        with cls._instance_lock:
            if cls._instance is None:
                cls._instance = Driver()
            return cls._instance

    # Called from any thread.

    def post(self, item: Callable[[], None]) -> None:
        """Run `item` on the driver's thread, soon."""
        # No Condition: an interrupt may leave its lock taken, and this thread would stand still.
        self._queue.put(item)
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    thread = threading.Thread(target=self._loop, name="sglc-driver", daemon=True)
                    self._thread = thread
                    thread.start()

    def append(self, version: Version, parent: Version, continues: bool) -> None:
        """Put `version` after `parent`; `continues` unless it is the first of a fork's child."""
        with self._lock:
            version.parent = parent
            if not parent.done:
                if continues:
                    parent.next = version
                if parent.waiters is None:
                    parent.waiters = []
                parent.waiters.append(version)
                return
            if parent.error is None and type(version) is Version:
                version.done = True
                return
        self.post(lambda: self._begin(version))

    def when_done(self, version: Version, callback: Callable[[Version], None]) -> None:
        """Call `callback(version)` once it is done or failed: at once, or on the driver."""
        with self._lock:
            if not version.done:
                if version.waiters is None:
                    version.waiters = []
                version.waiters.append(callback)
                return
        callback(version)

    def watch(self, version: Version, session: Session) -> Pending[Version]:
        """A Pending of the version itself; fails as the version does."""
        pending: Pending[Version] = Pending(session)

        def finish(done: Version) -> None:
            if done.error is not None:
                pending.set_exception(done.error)
            else:
                pending.set_result(done)

        self.when_done(version, finish)
        return pending

    def warm(self, session: Session, version: Version, common: str, uses: int) -> None:
        """Compute the prompt of `version` plus `common` early, for `uses` later requests."""
        entry = (session, version, common, uses)
        self.when_done(version, lambda _: self.post(lambda: self._warm.append(entry)))

    def spawn(self, strand: Generator[Pending[Any], Any, T]) -> Pending[T]:
        """
        Run a strand on the driver's thread.

        The strand yields a Pending, gets its value (or has its failure thrown in) when it is
        there, and never blocks. The result is the strand's return value.
        """
        result: Pending[T] = Pending()
        context = copy_context()
        self.post(lambda: self._advance(strand, result, context, None))
        return result

    def cancel(self, session: Session) -> None:
        """Stop the requests of a session; its unfinished steps fail as cancelled."""
        self.post(lambda: self._cancel(session))

    # What backends call, from any thread (`requests.Sink`).

    def finished(self, chain: int, step: int, result: GenResult | SelectResult) -> None:
        """A step is done."""
        self.post(lambda: self._finished(chain, step, result))

    def delta(self, chain: int, step: int, text: str) -> None:
        """A step has produced text."""
        self.post(lambda: self._delta(chain, step, text))

    def failed(self, chain: int, step: int, error: BaseException) -> None:
        """A step failed."""
        self.post(lambda: self._failed(chain, step, error))

    # On the driver's thread.

    def _loop(self) -> None:
        driver_threads.add(threading.get_ident())
        while True:
            self._guarded(self._queue.get())
            self._guarded(self._fire)
            while not self._queue.empty():
                self._guarded(self._queue.get())
                self._guarded(self._fire)
            self._guarded(self._flush)
            self._guarded(self._fire)

    def _guarded(self, item: Callable[[], None]) -> None:
        """Run `item`; what it raises is reported and must not stop the others."""
        try:
            item()
        except BaseException:
            threading.excepthook(
                threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
            )

    def _fire(self) -> None:
        """Run what became due, outside the lock; callbacks may append and post."""
        while self._settled or self._callbacks:
            settled, self._settled = self._settled, []
            callbacks, self._callbacks = self._callbacks, []
            for pending, value, error in settled:
                if pending.done():
                    continue
                if error is not None:
                    pending.set_exception(error)
                else:
                    pending.set_result(value)
            for callback, version in callbacks:
                callback(version)

    def _begin(self, version: Version) -> None:
        """The parent is done: find out what `version` needs."""
        with self._lock:
            assert version.parent is not None
            if version.parent.error is not None:
                version.error = version.parent.error
                self._complete(version)
            else:
                done: list[Version] = []
                self._enter(version, done)
                for each in done:
                    self._complete(each)

    def _complete(self, version: Version) -> None:
        """`version` is known or failed: mark it and all that follows from it."""
        stack = [version]
        while stack:
            node = stack.pop()
            node.done = True
            node.next = None
            if isinstance(node, StepVersion):
                node.surroundings = None
                if node.error is not None:
                    self._settled.append((node.value, None, node.error))
            waiters, node.waiters = node.waiters, None
            for waiter in waiters or ():
                if not isinstance(waiter, Version):
                    self._callbacks.append((waiter, node))
                elif node.error is not None:
                    waiter.error = node.error
                    stack.append(waiter)
                else:
                    self._enter(waiter, stack)

    def _enter(self, version: Version, done: list[Version]) -> None:
        """The parent is there. Adds `version` to `done` when its own segment is known too."""
        if isinstance(version, StepVersion):
            if not version.submitted:
                self._ready.append(version)
        elif isinstance(version, DeferredVersion):
            needs = version.needs
            if needs.done():
                fill(version)
                done.append(version)
            else:
                self._callbacks.append((lambda v: self._await(v), version))
        else:
            done.append(version)

    def _await(self, version: Version) -> None:
        assert isinstance(version, DeferredVersion)
        version.needs.add_done_callback(lambda _: self.post(lambda: self._arrived(version)))

    def _arrived(self, version: DeferredVersion) -> None:
        with self._lock:
            fill(version)
            self._complete(version)

    def _flush(self) -> None:
        """Hand everything that is ready to the backends, one `submit` each."""
        work: dict[int, tuple[ModelBackend, list[Chain | Warmup]]] = {}
        with self._lock:
            for session, version, common, uses in self._warm:
                if version.error is None and not session.cancelled:
                    self._add(work, session, self._warmup(version, common, uses))
            self._warm.clear()
            for version in self._take_ready():
                if version.session.cancelled:
                    version.error = _cancelled()
                    self._complete(version)
                    self._release(version.turn)
                    continue
                self._add(work, version.session, self._chain(version))
        for backend, batch in work.values():
            try:
                backend.submit(batch, self)
            except Exception as error:
                for chain in batch:
                    if isinstance(chain, Chain):
                        self.failed(chain.id, 0, _own_copy(error))

    def _add(
        self,
        work: dict[int, tuple[ModelBackend, list[Chain | Warmup]]],
        session: Session,
        item: Chain | Warmup | None,
    ) -> None:
        if item is not None:
            work.setdefault(id(session.backend), (session.backend, []))[1].append(item)

    def _take_ready(self) -> list[StepVersion]:
        """Ready steps that may run now; of siblings that take turns, the first."""
        ready, self._ready = self._ready, []
        now = [v for v in ready if v.turn is None]
        turns: dict[int, Turnstile] = {}
        for version in ready:
            if version.turn is not None:
                version.turn.waiting.append(version)
                turns[id(version.turn)] = version.turn
        for turn in turns.values():
            if not turn.busy and turn.waiting:
                first = min(turn.waiting, key=lambda v: v.path)
                turn.waiting.remove(first)
                turn.busy = True
                now.append(first)
        # Arrival order must not decide the order in which a backend sees siblings.
        now.sort(key=lambda v: (v.session.id, v.path))
        return now

    def _chain(self, first: StepVersion) -> Chain:
        self._next_id += 1
        chain, versions = make_chain(first, self._next_id)
        self._running[chain.id] = _Running(first.session, versions, first.turn)
        first.session.live.add(chain.id)
        return chain

    def _warmup(self, version: Version, common: str, uses: int) -> Warmup | None:
        prefix = warm_prefix(version, common)
        if not prefix:
            return None
        self._next_id += 1
        return Warmup(self._next_id, prefix, uses)

    def _finished(self, chain: int, step: int, result: GenResult | SelectResult) -> None:
        running = self._running.get(chain)
        if running is None:
            return
        version = running.steps[step]
        assert version is not None
        last = step == len(running.steps) - 1
        if last:
            self._end(chain, running)
        with self._lock:
            if version.done:
                return
            if isinstance(result, SelectResult):
                version.pieces = (Produced(result.text, result.ids),)
                value: Any = result.text
            else:
                text = result.texts[0]
                kept = text[: len(text) - len(result.tail)] if result.tail else text
                version.pieces = (Produced(kept, result.ids), result.tail)
                value = list(result.texts) if result.many else text
            version.meta = result.meta
            running.session.count(result.meta)
            self._settled.append((version.value, value, None))
            self._complete(version)
        running.session.notify()

    def _delta(self, chain: int, step: int, text: str) -> None:
        running = self._running.get(chain)
        version = running.steps[step] if running is not None else None
        if running is not None and version is not None:
            version.deltas.append(text)
            running.session.notify()

    def _failed(self, chain: int, step: int, error: BaseException) -> None:
        running = self._running.get(chain)
        if running is None:
            return
        self._end(chain, running)
        versions = [v for v in running.steps[step:] if v is not None and not v.done]
        if not versions:
            return
        note_place(error, versions[0].step, versions[0].place)
        with self._lock:
            # The first failed step poisons the later ones, which wait for it.
            versions[0].error = error
            self._complete(versions[0])
        running.session.notify()

    def _end(self, chain: int, running: _Running) -> None:
        del self._running[chain]
        running.session.live.discard(chain)
        self._release(running.turn)

    def _release(self, turn: Turnstile | None) -> None:
        """The next sibling's turn; it is looked for in the next `_flush`."""
        if turn is not None:
            turn.busy = False
            if turn.waiting:
                self._ready += turn.waiting
                turn.waiting = []
                self.post(_nothing)

    def _cancel(self, session: Session) -> None:
        chains = list(session.live)
        if chains:
            session.backend.cancel(chains)
        for chain in chains:
            self._failed(chain, 0, _cancelled())

    def _advance(
        self,
        strand: Generator[Pending[Any], Any, T],
        result: Pending[T],
        context: Context,
        arrived: Pending[Any] | None,
    ) -> None:
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
            waiting.add_done_callback(
                lambda p: self.post(lambda: self._advance(strand, result, context, p))
            )


def _own_copy(error: Exception) -> Exception:
    """One failure of several chains: each needs its own, for the note that names the place."""
    try:
        return copy.copy(error).with_traceback(error.__traceback__)
    except Exception:
        return error


def _forget() -> None:
    """In a forked child: the driver's thread stayed behind in the parent."""
    Driver._instance = None
    Driver._instance_lock = threading.Lock()
    driver_threads.clear()


os.register_at_fork(after_in_child=_forget)


def _nothing() -> None:
    """Posted to have the driver take another turn."""


def _cancelled() -> GenerationError:
    return GenerationError("the run was cancelled", kind="cancelled")
