"""Chains on their way to backends, and their results on the way back."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sglc.execution.chains import make_chain, warm_prefix
from sglc.execution.errors import GenerationError, note_place
from sglc.execution.readiness import Readiness
from sglc.execution.requests import (
    Chain,
    GenResult,
    ModelBackend,
    Produced,
    SelectResult,
    Sink,
    Warmup,
)
from sglc.execution.session import Session
from sglc.execution.versions import StepVersion, Turnstile, Version

Work = dict[int, tuple[ModelBackend, list[Chain | Warmup]]]


@dataclass(slots=True)
class _Running:
    """A chain that a backend works on; `steps[i]` is the version of its step i."""

    session: Session
    steps: list[StepVersion | None]
    turn: Turnstile | None


class Dispatch:
    """Hands ready steps to backends and takes in what they report; on the driver's thread."""

    def __init__(self, readiness: Readiness, sink: Sink, post: Callable[..., None]) -> None:
        self._readiness = readiness
        self._sink = sink
        self._post = post
        self._warm: list[tuple[Session, Version, str, int]] = []
        self._running: dict[int, _Running] = {}
        self._next_id = 0

    def warm(self, session: Session, version: Version, common: str, uses: int) -> None:
        """Have the prompt of a done version computed early."""
        self._warm.append((session, version, common, uses))

    def flush(self) -> None:
        """Hand everything that is ready to the backends, one `submit` each."""
        work: Work = {}
        with self._readiness.lock:
            for session, version, common, uses in self._warm:
                if version.error is None and not session.cancelled:
                    self._add(work, session, self._warmup(version, common, uses))
            self._warm.clear()
            for step in self._take_ready():
                if step.session.cancelled:
                    self._give_up(step, cancelled())
                    continue
                try:
                    self._add(work, step.session, self._chain(step))
                except Exception as error:
                    self._give_up(step, error)
        for backend, batch in work.values():
            try:
                backend.submit(batch, self._sink)
            except BaseException as error:
                for chain in batch:
                    if isinstance(chain, Chain):
                        self._post(self.failed, chain.id, 0, _own_copy(error))

    def _give_up(self, step: StepVersion, error: BaseException) -> None:
        """Fail a step that no backend is asked for; with the lock."""
        self._readiness.fail(step, error)
        self._release(step.turn)

    @staticmethod
    def _add(work: Work, session: Session, item: Chain | Warmup | None) -> None:
        if item is not None:
            work.setdefault(id(session.backend), (session.backend, []))[1].append(item)

    def _take_ready(self) -> list[StepVersion]:
        """Ready steps that may run now; of siblings that take turns, the first."""
        ready, self._readiness.ready = self._readiness.ready, []
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
        return chain

    def _warmup(self, version: Version, common: str, uses: int) -> Warmup | None:
        prefix = warm_prefix(version, common)
        if not prefix:
            return None
        self._next_id += 1
        return Warmup(self._next_id, prefix, uses)

    def finished(self, chain: int, step: int, result: GenResult | SelectResult) -> None:
        """A step is done; later steps of the chain may follow."""
        running = self._running.get(chain)
        if running is None:
            return
        try:
            version = running.steps[step]
            assert version is not None, f"step {step} of chain {chain} is text"
            value = _take_in(version, result)
        except Exception as error:
            # A backend that reports nonsense must not leave the program waiting.
            self.failed(chain, 0, error)
            return
        if step == len(running.steps) - 1:
            self._end(chain, running)
        with self._readiness.lock:
            if version.done:
                return
            running.session.count(version.meta)
            self._readiness.finish(version, value)
        running.session.notify()

    def delta(self, chain: int, step: int, text: str) -> None:
        """A step has produced text."""
        running = self._running.get(chain)
        version = running.steps[step] if running is not None else None
        if running is not None and version is not None and running.session.stream:
            version.deltas.append(text)
            running.session.notify()

    def failed(self, chain: int, step: int, error: BaseException) -> None:
        """A step failed, and with it the later ones of the chain."""
        running = self._running.get(chain)
        if running is None:
            return
        self._end(chain, running)
        versions = [v for v in running.steps[step:] if v is not None and not v.done]
        if not versions:
            return
        note_place(error, versions[0].step, versions[0].place)
        with self._readiness.lock:
            # The first failed step poisons the later ones, which wait for it.
            self._readiness.fail(versions[0], error)
        running.session.notify()

    def _end(self, chain: int, running: _Running) -> None:
        del self._running[chain]
        self._release(running.turn)

    def _release(self, turn: Turnstile | None) -> None:
        """The next sibling's turn; it is looked for in the next `flush`."""
        if turn is not None:
            turn.busy = False
            if turn.waiting:
                self._readiness.ready += turn.waiting
                turn.waiting = []
                self._post(_nothing)

    def cancel(self, sessions: Iterable[Session]) -> None:
        """Stop all chains of some sessions; their steps fail."""
        wanted = {id(session) for session in sessions}
        chains: dict[int, tuple[ModelBackend, list[int]]] = {}
        for chain, running in self._running.items():
            if id(running.session) in wanted:
                backend = running.session.backend
                chains.setdefault(id(backend), (backend, []))[1].append(chain)
        for backend, ids in chains.values():
            try:
                backend.cancel(ids)
            finally:
                for chain in ids:
                    self.failed(chain, 0, cancelled())

    def forked(self, later: Callable[..., None]) -> None:
        """In a forked child: what backends work on is reported to the parent alone."""
        for chain in self._running:
            error = GenerationError("the process was forked meanwhile", kind="cancelled")
            later(self.failed, chain, 0, error)


def _take_in(version: StepVersion, result: GenResult | SelectResult) -> Any:
    """Note what a step has produced; its value."""
    if isinstance(result, SelectResult):
        version.pieces = (Produced(result.text, result.ids),)
        version.meta = result.meta
        return result.text
    text = result.texts[0]
    kept = text[: len(text) - len(result.tail)] if result.tail else text
    produced = Produced(kept, result.ids)
    version.pieces = (produced, result.tail) if result.tail else (produced,)
    version.meta = result.meta
    return list(result.texts) if result.many else text


def cancelled() -> GenerationError:
    """What unfinished steps of a cancelled run fail with."""
    return GenerationError("the run was cancelled", kind="cancelled")


def _own_copy(error: BaseException) -> BaseException:
    """One failure of several chains: each needs its own, for the note that names the place."""
    try:
        return copy.copy(error).with_traceback(error.__traceback__)
    except Exception:
        return error


def _nothing() -> None:
    """Posted to have the driver take another turn."""
