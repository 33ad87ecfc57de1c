"""Adapter for backends whose `generate` blocks: calls run on a pool of threads."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, cast

from sglc.execution.requests import (
    Chain,
    GenResult,
    GenStep,
    ModelBackend,
    SelectResult,
    SelectStep,
    Sink,
    Warmup,
)
from sglc.language.chat_template import ChatTemplate, get_chat_template
from sglc.language.choices import ChoicesDecision

MAX_CALLS = 256
"""Calls in flight at most; they mostly wait for a network."""

IDLE_SECONDS = 5.0
"""How long a thread waits for another call."""


class CallPool:
    """
    Daemon threads that are kept for the next call.

    `concurrent.futures` has no daemon threads: a call that never returns would keep the process
    from ending.
    """

    def __init__(self, size: int = MAX_CALLS, name: str = "sglc-call") -> None:
        self._size = size
        self._name = name
        self.reset()

    def reset(self) -> None:
        """No threads and no calls; also in a forked child, where the threads are gone."""
        # No Condition: an interrupt of a caller may leave its lock taken.
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = 0
        """Calls that no thread has taken."""
        self._threads = 0
        self._idle = 0
        self._started: list[threading.Thread] = []

    def submit(self, call: Callable[[], None]) -> None:
        """Run `call` on a thread, which must not raise."""
        with self._lock:
            self._waiting += 1
            more = self._waiting > self._idle and self._threads < self._size
            self._threads += more
        self._calls.put(call)
        if more:
            thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # The system gives no more threads: those there are will do.
                with self._lock:
                    self._threads -= 1
                    if not self._threads:
                        raise
            else:
                if len(self._started) > 2 * self._size:
                    self._started = [known for known in self._started if known.is_alive()]
                self._started.append(thread)

    def close(self, *, drop: bool = False, wait: bool = False) -> None:
        """
        Let idle threads end at once, and `wait` until they have.

        With `drop` calls that have not begun are forgotten.
        """
        while drop:
            try:
                self._calls.get_nowait()
            except Empty:
                break
            with self._lock:
                self._waiting -= 1
        with self._lock:
            threads = self._threads
        for _ in range(threads):
            self._calls.put(None)
        while wait and self._started:
            self._started.pop().join()

    def _loop(self) -> None:
        while True:
            call = self._next()
            if call is None:
                return
            call()
            # An idle thread must not keep the program and its backend alive.
            del call

    def _next(self) -> Callable[[], None] | None:
        """The next call, None when this thread has to end."""
        while True:
            with self._lock:
                self._idle += 1
            try:
                call = self._calls.get(timeout=IDLE_SECONDS)
            except Empty:
                call = None
            with self._lock:
                self._idle -= 1
                if call is not None:
                    self._waiting -= 1
                    return call
                # A call may be on its way that counted on this thread.
                if not self._waiting:
                    self._threads -= 1
                    return None


class CallPoolBackend:
    """Runs `generate`, `generate_stream` and `select` of a blocking backend, one call a step."""

    wants_snapshots = True

    def __init__(self, target: Callable[[], Any]) -> None:
        self._target = target
        self.pool = CallPool()

    @property
    def target(self) -> Any:
        """The user's backend."""
        target = self._target()
        assert target is not None, "a session keeps its backend alive"
        return target

    def get_chat_template(self) -> ChatTemplate:
        """The backend's template, `default` where it has none."""
        getter = getattr(self.target, "get_chat_template", None)
        template = getter() if getter is not None else None
        return template if template is not None else get_chat_template("default")

    def submit(self, work: Sequence[Chain | Warmup], sink: Sink) -> None:
        """Start one call for each chain."""
        for item in work:
            if isinstance(item, Chain):
                context = item.context or copy_context()
                # Each call has a context of its own: one cannot be entered twice at a time.
                self.pool.submit(partial(context.copy().run, self._call, item, sink))

    def cancel(self, chains: Sequence[int]) -> None:
        """Blocking calls cannot be stopped; their results are ignored."""

    def _call(self, chain: Chain, sink: Sink) -> None:
        step = chain.steps[0]
        try:
            assert chain.snapshot is not None
            state = chain.snapshot()
            if isinstance(step, SelectStep):
                sink.finished(chain.id, 0, self._select(state, step))
            elif isinstance(step, GenStep) and chain.stream and step.params.n in (None, 1):
                sink.finished(chain.id, 0, self._stream(state, step, chain.id, sink))
            elif isinstance(step, GenStep):
                sink.finished(chain.id, 0, self._generate(state, step))
        except BaseException as error:
            sink.failed(chain.id, 0, error)

    def _generate(self, state: Any, step: GenStep) -> GenResult:
        reply = self.target.generate(state, sampling_params=step.params)
        text, meta = reply if isinstance(reply, tuple) and len(reply) == 2 else (reply, None)
        if isinstance(text, list) and text:
            texts = tuple(self._checked(each, "generate") for each in text)
            return GenResult(texts, meta, many=True)
        return GenResult((self._checked(text, "generate"),), meta)

    def _stream(self, state: Any, step: GenStep, chain: int, sink: Sink) -> GenResult:
        texts: list[str] = []
        meta: Any = None
        for delta, info in self.target.generate_stream(state, sampling_params=step.params):
            texts.append(self._checked(delta, "generate_stream"))
            meta = info
            sink.delta(chain, 0, delta)
        return GenResult(("".join(texts),), meta)

    def _select(self, state: Any, step: SelectStep) -> SelectResult:
        decision = self.target.select(
            state,
            choices=list(step.choices),
            temperature=step.temperature,
            choices_method=step.method,
        )
        if isinstance(decision, ChoicesDecision):
            return SelectResult(self._checked(decision.decision, "select"), decision.meta_info)
        if isinstance(decision, tuple) and len(decision) >= 2:
            # Backends written for early SGLang return (decision, log probabilities...).
            text = self._checked(decision[0], "select")
            return SelectResult(text, {"normalized_prompt_logprobs": decision[1]})
        raise TypeError(
            f"{type(self.target).__name__}.select returned {decision!r} instead of a "
            "ChoicesDecision"
        )

    def _checked(self, text: Any, method: str) -> str:
        """What is no text would fail much later, far from the backend that returned it."""
        if not isinstance(text, str):
            raise TypeError(f"{type(self.target).__name__}.{method} returned {text!r} as text")
        return text


_adapters: dict[int, CallPoolBackend] = {}
"""By identity: a backend may be unhashable, and equal backends are not the same."""


def _forked() -> None:
    """A forked child has the pools, but not their threads."""
    for adapter in _adapters.values():
        adapter.pool.reset()


os.register_at_fork(after_in_child=_forked)


def _adapter(backend: Any) -> CallPoolBackend:
    key = id(backend)
    known = _adapters.get(key)
    if known is not None:
        return known
    try:
        made = CallPoolBackend(weakref.ref(backend))
    except TypeError:
        # Objects that allow no weak reference are kept with their pool of threads.
        return _adapters.setdefault(key, CallPoolBackend(lambda: backend))
    kept = _adapters.setdefault(key, made)
    if kept is made:
        weakref.finalize(backend, _adapters.pop, key, None).atexit = False
    return kept


def as_model_backend(backend: Any) -> ModelBackend:
    """The backend as the driver uses it; TypeError for what is not a backend."""
    if hasattr(backend, "submit") and hasattr(backend, "wants_snapshots"):
        return cast(ModelBackend, backend)
    if not hasattr(backend, "generate"):
        raise TypeError(f"{backend!r} is not a backend: it has no `generate`")
    if isinstance(backend, type):
        raise TypeError(f"{backend!r} is a class; a backend is an instance of one")
    return _adapter(backend)
