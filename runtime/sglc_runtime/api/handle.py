"""A request as its owner sees it: events as they come, results when they are there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Protocol

from msgspec.structs import replace

from sglc_runtime.api.composing import Output, Planned
from sglc_runtime.errors import EngineError, RequestError
from sglc_runtime.protocol import Delta, Done, Event, Failed, Generated, Score, Scored, Segment

PathEvent = Delta | Generated | Scored
"""What iterating over a request gives; `step` is the index in the list that was submitted."""


class Driver(Protocol):
    """Keeps the engine going while somebody waits."""

    def wait(
        self, changed: threading.Condition, ready: Callable[[], bool], timeout: float | None
    ) -> bool:
        """Wait until `ready()`; False when `timeout` seconds have passed. Raises EngineError."""
        ...

    def assist(self) -> None:
        """Somebody waits in an event loop, where nothing may block."""
        ...

    def cancel(self, request: RequestHandle) -> None:
        """Cancel a request and its branches."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """What a request gave, and its branches in order."""

    outputs: tuple[Output, ...]
    """Of its `Generate` and `Score` steps, in order."""
    texts: tuple[str, ...]
    """What each output put on the path: the first sample's text, or the choice."""
    branches: tuple[Result, ...]

    @property
    def text(self) -> str:
        """The last of `texts`; empty where there is none."""
        return self.texts[-1] if self.texts else ""


class RequestHandle:
    """
    One path through the model, made by `Engine.submit`; for a fork, one of its branches.

    Iterate over it, with `for` or `async for`, for its events; call `result` or await it for the
    whole. All of this may be done from any thread, by several readers, and again.
    """

    def __init__(self, driver: Driver, ids: Iterator[int], plan: Planned, seed: int) -> None:
        self.seed = seed
        """What the noise of its samples was derived from."""
        self.id = next(ids)
        self.branches = tuple(
            RequestHandle(driver, ids, branch, seed) for _, branch in plan.branches
        )
        """The requests that leave this one at its forks, in order."""
        self.plan = plan
        self.prefix: tuple[Segment, ...] = ()
        self.started = False
        self.outputs: dict[int, Output] = {}
        """By index in `plan.steps`."""
        self._driver = driver
        self._changed = threading.Condition()
        self._events: list[PathEvent] = []
        self._ended = False
        self._error: RequestError | EngineError | None = None
        self._wakers: list[Callable[[], object]] = []

    def __repr__(self) -> str:
        state = "running" if not self._ended else "failed" if self._error else "done"
        return f"<RequestHandle {self.id} {state}, {len(self.outputs)} outputs>"

    @property
    def done(self) -> bool:
        """It has finished or failed; its branches may still run."""
        return self._ended

    @property
    def error(self) -> RequestError | EngineError | None:
        """Why it failed; None while it has not."""
        return self._error

    def cancel(self) -> None:
        """End it and its branches; they fail as `cancelled`. Nothing happens to what is done."""
        self._driver.cancel(self)

    def result(self, timeout: float | None = None) -> Result:
        """
        Wait for this request and its branches.

        Raises `RequestError` for the first of them that failed, `EngineError` when the engine is
        gone, and TimeoutError after `timeout` seconds; the request goes on then.
        """
        end = None if timeout is None else monotonic() + timeout
        for request in self.tree():
            left = None if end is None else max(0.0, end - monotonic())
            if not self._driver.wait(request._changed, request._is_ended, left):
                raise TimeoutError(f"no result after {timeout} seconds")
        return self._result()

    def __iter__(self) -> Iterator[PathEvent]:
        """Events of this request without its branches. Raises as `result` does."""
        seen = 0
        while True:
            self._driver.wait(self._changed, partial(self._has_news, seen), None)
            yield from (news := self._events[seen:])
            seen += len(news)
            if not news and self._ended:
                self._raise()
                return

    async def __aiter__(self) -> AsyncIterator[PathEvent]:
        """Events as they come; a task that is cancelled while it waits cancels the request."""
        seen = 0
        while True:
            await self._until(partial(self._has_news, seen))
            news = self._events[seen:]
            for event in news:
                yield event
            seen += len(news)
            if not news and self._ended:
                self._raise()
                return

    def __await__(self) -> Generator[object, None, Result]:
        return self._all().__await__()

    async def _all(self) -> Result:
        for request in self.tree():
            await request._until(request._is_ended)
        return self._result()

    async def _until(self, ready: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            future: asyncio.Future[None] = loop.create_future()

            with self._changed:
                if ready():
                    return
                self._wakers.append(partial(loop.call_soon_threadsafe, _wake, future))
            self._driver.assist()
            try:
                await future
            except asyncio.CancelledError:
                self.cancel()
                raise

    def tree(self) -> Iterator[RequestHandle]:
        """This request, its branches and theirs, depth first."""
        todo = [self]
        while todo:
            request = todo.pop()
            yield request
            todo += reversed(request.branches)

    def _is_ended(self) -> bool:
        return self._ended

    def _has_news(self, seen: int) -> bool:
        return self._ended or len(self._events) > seen

    def _raise(self) -> None:
        error = self._error
        if isinstance(error, RequestError | EngineError):
            # A new one each time: readers in several threads would share its traceback.
            raise type(error)(error.kind, error.message)  # type: ignore[arg-type]

    def _result(self) -> Result:
        self._raise()
        branches = tuple(branch._result() for branch in self.branches)
        ordered = [self.outputs[index] for index in sorted(self.outputs)]
        texts = tuple(self._text(index) for index in sorted(self.outputs))
        return Result(tuple(ordered), texts, branches)

    def _text(self, index: int) -> str:
        output, step = self.outputs[index], self.plan.steps[index]
        if isinstance(output, Generated):
            return output.samples[0].text
        assert isinstance(step, Score)
        return step.choices[output.winner]

    # --- what the engine tells ------------------------------------------------------------------

    def take(self, event: Event) -> None:
        """Note an event of this request."""
        if isinstance(event, Done):
            self.end(None)
        elif isinstance(event, Failed):
            self.end(RequestError(event.kind, event.message))
        elif isinstance(event, Delta | Generated | Scored):
            index = event.step
            with self._changed:
                if isinstance(event, Generated | Scored):
                    self.outputs[index] = event
                self._events.append(replace(event, step=self.plan.places[index]))
                self._wake()

    def end(self, error: RequestError | EngineError | None) -> bool:
        """It is over; False where it was already."""
        with self._changed:
            if self._ended:
                return False
            self._ended, self._error = True, error
            self._wake()
        return True

    def _wake(self) -> None:
        self._changed.notify_all()
        wakers, self._wakers = self._wakers, []
        for wake in wakers:
            try:
                wake()
            except RuntimeError:  # its event loop is closed: nobody waits any more
                continue


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
