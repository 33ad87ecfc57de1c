"""The engine on its own: submit sequences of steps, get events and results."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from time import monotonic
from typing import Any, Self

from sglc_runtime.api.composing import AnyStep, Planned, compose, prefix_of
from sglc_runtime.api.driving import InlineDriving, ProcessDriving
from sglc_runtime.api.handle import RequestHandle
from sglc_runtime.client import EngineClient, EngineProcess
from sglc_runtime.errors import EngineError, RequestError
from sglc_runtime.options import engine_config
from sglc_runtime.protocol import (
    Cancel,
    Command,
    EngineInfo,
    Event,
    FlushCache,
    Generated,
    GetStats,
    Scored,
    Segment,
    Stats,
    Submit,
    Text,
    Unpin,
    Warm,
)
from sglc_runtime.seeds import SeedSource


class _Waiting:
    """An answer of the engine that is no event of a request."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.stats: Stats | None = None
        self.error: EngineError | None = None

    def ready(self) -> bool:
        return self.stats is not None or self.error is not None

    def set(self, stats: Stats | None, error: EngineError | None) -> None:
        with self.changed:
            self.stats, self.error = stats, error
            self.changed.notify_all()


class Engine:
    """
    A model that answers requests, in a process of its own or in this one.

    `model` is a checkpoint folder in Hugging Face format, None the embedded model; `options` are
    fields of `EngineConfig`, by its names or by those of SGLang's `ServerArgs`. With `process=True`
    the constructor returns at once and the model loads meanwhile; otherwise it loads here, and
    whoever waits for a result runs the model. May be used from any thread. Raises TypeError for
    unknown options and `EngineError` for wrong ones.
    """

    def __init__(
        self, model: str | PathLike[str] | None = None, *, process: bool = True, **options: Any
    ) -> None:
        path = None if model is None else os.fspath(model)
        config = engine_config({"model": path, **options})
        self._seeds = SeedSource(config.random_seed)
        self._lock = threading.RLock()  # held while sending, so that a cancel follows its request
        self._ids = itertools.count(1)
        self._open: dict[int, tuple[RequestHandle, _Terms]] = {}
        self._asked: deque[_Waiting] = deque()
        self._gone: EngineError | None = None
        self._owner = os.getpid()
        self._client: EngineClient
        self._driving: ProcessDriving | InlineDriving
        if process:
            self._client = EngineProcess(config)
            self._driving = ProcessDriving(self._client, self._take, self._lost)
        else:
            from sglc_runtime.inline import InlineEngine

            self._client = InlineEngine(config)
            self._driving = InlineDriving(self._client, self._take, self._live)

    @property
    def info(self) -> EngineInfo:
        """The model and how it runs; waits until it is loaded. Raises EngineError."""
        return self._client.info

    def submit(
        self,
        steps: Iterable[AnyStep],
        *,
        seed: int | None = None,
        priority: int = 0,
        deadline: float | None = None,
        stream: bool = False,
    ) -> RequestHandle:
        """
        Run steps in order on a new path.

        `seed` decides all noise, whatever else the engine does; None draws one. Requests with a
        higher `priority` come first. `deadline` is in seconds from now; what is not done then
        fails. With `stream`, text comes in `Delta` events as soon as it is certain. Raises
        EngineError when the engine is gone, TypeError and ValueError for what are no steps.
        """
        (handle,) = self.submit_all(
            [steps], seed=seed, priority=priority, deadline=deadline, stream=stream
        )
        return handle

    def submit_all(
        self,
        sequences: Iterable[Iterable[AnyStep]],
        *,
        seed: int | None = None,
        priority: int = 0,
        deadline: float | None = None,
        stream: bool = False,
    ) -> list[RequestHandle]:
        """
        Submit several sequences in one message, so that the engine sees what they share.

        All have the same seed: equal sequences with equal seeds give equal answers.
        """
        chosen = self._seeds.draw() if seed is None else seed
        due = None if deadline is None else monotonic() + deadline
        terms = _Terms(priority, due, stream)
        handles = [self._handle(compose(steps, chosen), chosen) for steps in sequences]
        commands: list[Command] = []
        with self._lock:
            self._check()
            for handle in handles:
                self._start(handle, (), terms, commands)
            self._send(commands)
        return handles

    def warm(
        self, text: str, uses: int = 0, *, next_use: int | None = None, pin: bool = False
    ) -> RequestHandle:
        """
        Compute a prefix early. `uses` is how many requests are known to start with it, the first of
        them after `next_use` others; `pin` keeps it in the cache until `unpin`.
        """
        handle = self._handle(Planned((), (), ()), 0)
        with self._lock:
            self._check()
            handle.started = True
            self._open[handle.id] = handle, _Terms(0, None, False)
            self._send([Warm(handle.id, (Text(text),), uses, next_use, pin)])
        return handle

    def unpin(self, warmed: RequestHandle) -> None:
        """Let go of a prefix that `warm(..., pin=True)` keeps."""
        self._check()
        self._send([Unpin(warmed.id)])

    def stats(self) -> Stats:
        """Counters since the start. Raises EngineError."""
        waiting = _Waiting()
        with self._lock:
            self._check()
            self._asked.append(waiting)
            self._send([GetStats()])
        self._driving.wait(waiting.changed, waiting.ready, None)
        if waiting.stats is None:
            assert waiting.error is not None
            raise EngineError(waiting.error.kind, waiting.error.message)
        return waiting.stats

    def flush_cache(self) -> None:
        """Drop every cached prefix that no request uses."""
        self._check()
        self._send([FlushCache()])

    def close(self) -> None:
        """End the engine; what was not finished fails as such. Can be called again."""
        self._lost(EngineError("internal", "the engine is closed"))
        if isinstance(self._driving, InlineDriving):
            self._driving.close()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(lambda: self.info)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)

    # --- what handles ask for -------------------------------------------------------------------

    def wait(
        self, changed: threading.Condition, ready: Callable[[], bool], timeout: float | None
    ) -> bool:
        """Wait until `ready()`, which `changed` announces; False after `timeout` seconds."""
        if os.getpid() != self._owner and not ready():
            raise EngineError("internal", "the engine belongs to the process that was forked")
        return self._driving.wait(changed, ready, timeout)

    def assist(self) -> None:
        """Keep the engine going for those who wait in an event loop."""
        self._driving.assist()

    def cancel(self, handle: RequestHandle) -> None:
        """Cancel a request and its branches."""
        commands: list[Command] = []
        with self._lock:
            todo = [handle]
            while todo:
                request = todo.pop()
                todo += request.branches
                if request.id in self._open:
                    commands.append(Cancel(request.id))
                elif not request.started:
                    request.end(RequestError("cancelled", "the request was cancelled"))
            self._send(commands)

    # --- inside ---------------------------------------------------------------------------------

    def _handle(self, plan: Planned, seed: int) -> RequestHandle:
        return RequestHandle(self, self._ids, plan, seed)

    def _check(self) -> None:
        if self._gone is not None:
            raise EngineError(self._gone.kind, self._gone.message)
        if os.getpid() != self._owner:
            raise EngineError("internal", "the engine belongs to the process that was forked")

    def _live(self) -> bool:
        return bool(self._open or self._asked)

    def _send(self, commands: Sequence[Command]) -> None:
        if not commands:
            return
        try:
            self._driving.submit(commands)
        except EngineError as error:
            self._lost(error)

    def _start(
        self,
        handle: RequestHandle,
        prefix: tuple[Segment, ...],
        terms: _Terms,
        commands: list[Command],
    ) -> None:
        """Under the lock: what is to be sent for a request and for branches that can start."""
        if handle.done:
            return
        handle.started = True
        handle.prefix = prefix
        left = None if terms.due is None else max(0.0, terms.due - monotonic())
        self._open[handle.id] = handle, terms
        commands.append(
            Submit(
                handle.id, prefix, handle.plan.steps, terms.stream, terms.priority, deadline=left
            )
        )
        self._branch(handle, terms, commands)

    def _branch(self, handle: RequestHandle, terms: _Terms, commands: list[Command]) -> None:
        """Start every branch whose path is known by now."""
        plan = handle.plan
        for (count, _), branch in zip(plan.branches, handle.branches, strict=True):
            if not branch.started and all(i in handle.outputs for i in plan.needs(count)):
                path = prefix_of(handle.prefix, plan.steps[:count], handle.outputs)
                self._start(branch, path, terms, commands)

    def _take(self, events: Sequence[Event]) -> None:
        """Whoever drives: hand events to their requests."""
        for event in events:
            if isinstance(event, Stats):
                with self._lock:
                    waiting = self._asked.popleft() if self._asked else None
                if waiting is not None:
                    waiting.set(event, None)
                continue
            with self._lock:
                handle, terms = self._open.get(getattr(event, "id", 0), (None, None))
                if handle is None or terms is None:
                    continue
                handle.take(event)
                if handle.done:
                    del self._open[handle.id]
                    self._abandon(handle)
                elif isinstance(event, Generated | Scored) and handle.branches:
                    commands: list[Command] = []
                    self._branch(handle, terms, commands)
                    self._send(commands)

    def _abandon(self, handle: RequestHandle) -> None:
        """Branches that never started because what comes before them failed, fail as well."""
        error = handle.error
        if error is None:
            return
        todo = [branch for branch in handle.branches if not branch.started]
        while todo:
            branch = todo.pop()
            branch.end(RequestError(error.kind, f"before this branch: {error.message}"))  # type: ignore[arg-type]
            todo += branch.branches

    def _lost(self, error: EngineError) -> None:
        """The engine is gone or closed: everything that is open fails."""
        with self._lock:
            if self._gone is None:
                self._gone = error
            opened, self._open = list(self._open.values()), {}
            asked, self._asked = list(self._asked), deque()
        for handle, _ in opened:
            for request in handle.tree():
                request.end(error)
        for waiting in asked:
            waiting.set(None, error)


class _Terms:
    """What a request and its branches have in common."""

    __slots__ = ("due", "priority", "stream")

    def __init__(self, priority: int, due: float | None, stream: bool) -> None:
        self.priority = priority
        self.due = due
        self.stream = stream
