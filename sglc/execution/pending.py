"""A value that may not be there yet."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar, cast

T = TypeVar("T")
U = TypeVar("U")

_lock = threading.Lock()
"""Guards the short moment between looking at a Pending and adding a callback to it."""


def _forked() -> None:
    """In a forked child: a thread that stayed behind may have held the lock."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forked)

woken_by_waiting: list[Callable[[], None]] = []
"""Called once by whoever waits next: what could not be started while the process was forked."""

driver_threads: set[int] = set()
"""Threads that must never wait, because everything else waits for them."""


LOOK_UP = 1.0
"""Seconds after which a waiting thread looks for signals: one that came just before the wait."""


class Cancellable(Protocol):
    """What a Pending belongs to; told when a caller that waits is interrupted."""

    def cancel(self) -> None:
        """Stop all work that is under way."""


class Pending(Generic[T]):
    """
    A value that some part of the graph will produce, or the error it failed with.

    Set once. Unlike `concurrent.futures.Future` it costs one small object and no lock of its own.
    """

    __slots__ = ("_callbacks", "_done", "_error", "_traceback", "_value", "owner")

    def __init__(self, owner: Cancellable | None = None) -> None:
        self._done = False
        self._value: T | None = None
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None
        self._callbacks: Callable[[Pending[T]], None] | list[Callable[[Pending[T]], None]] | None
        self._callbacks = None  # one is kept without a list
        self.owner = owner

    @staticmethod
    def of(value: U) -> Pending[U]:
        """A Pending that is there already."""
        pending: Pending[U] = Pending()
        pending._value, pending._done = value, True
        return pending

    @staticmethod
    def failed(error: BaseException) -> Pending[Any]:
        """A Pending that has failed already."""
        pending: Pending[Any] = Pending()
        pending._error, pending._traceback, pending._done = error, error.__traceback__, True
        return pending

    def done(self) -> bool:
        """Whether the value, or the failure, is there."""
        return self._done

    def set_result(self, value: T) -> None:
        """Provide the value and run the callbacks on this thread."""
        self._finish(value, None)

    def set_exception(self, error: BaseException) -> None:
        """Provide the failure and run the callbacks on this thread."""
        self._finish(None, error)

    def _finish(self, value: T | None, error: BaseException | None) -> None:
        with _lock:
            assert not self._done, "a Pending is set once"
            self._value, self._error = value, error
            self._traceback = error.__traceback__ if error is not None else None
            self._done = True
            callbacks, self._callbacks = self._callbacks, None
        if callbacks is None:
            return
        if not isinstance(callbacks, list):
            callbacks(self)
            return
        first: BaseException | None = None
        for callback in callbacks:
            try:
                callback(self)
            except BaseException as raised:
                # One that raises must not keep the others waiting.
                first = first or raised
        if first is not None:
            raise first

    def result(self, timeout: float | None = None) -> T:
        """
        Wait for the value and return it.

        Raises the failure, every time, the same object; TimeoutError after `timeout` seconds;
        RuntimeError when the value is not there and the caller is the driver itself, which would
        wait for ever. A KeyboardInterrupt while waiting cancels the run this value belongs to.
        """
        if not self._done:
            self._wait(timeout)
        if self._error is not None:
            raise self._error.with_traceback(self._traceback)
        return cast(T, self._value)

    def _wait(self, timeout: float | None) -> None:
        if threading.get_ident() in driver_threads:
            raise RuntimeError("waiting for a value on the driver's thread; yield the Pending")
        while woken_by_waiting:
            woken_by_waiting.pop()()
        # No Event: an interrupt may leave its lock taken, and who sets it would stand still.
        arrived = threading.Lock()
        arrived.acquire()
        try:
            self.add_done_callback(lambda _: arrived.release())
            if not _take(arrived, timeout):
                raise TimeoutError(f"no value after {timeout} s")
        except KeyboardInterrupt:
            if self.owner is not None:
                self.owner.cancel()
            raise

    def exception(self) -> BaseException | None:
        """The failure, or None; only once done."""
        assert self._done, "exception() before done()"
        return self._error

    def value(self) -> T:
        """The value; only once done and not failed."""
        assert self._done
        assert self._error is None
        return cast(T, self._value)

    def add_done_callback(self, fn: Callable[[Pending[T]], None]) -> None:
        """Call `fn(self)` when done: at once when it is, else on the thread that sets it."""
        with _lock:
            if not self._done:
                self._callbacks = one_more(self._callbacks, fn)
                return
        fn(self)

    def ended(self) -> Pending[None]:
        """There once this one is, or has failed; never fails."""
        ended: Pending[None] = Pending(self.owner)
        self.add_done_callback(lambda _: ended.set_result(None))
        return ended

    def map(self, fn: Callable[[T], U]) -> Pending[U]:
        """A Pending of `fn(value)`; fails as this one does, or with what `fn` raises."""
        mapped: Pending[U] = Pending(self.owner)
        self.add_done_callback(partial(_map, mapped, fn))
        return mapped

    def __repr__(self) -> str:
        if not self._done:
            return "Pending(...)"
        return f"Pending({self._value!r})" if self._error is None else f"Pending({self._error!r})"


def one_more(known: T | list[T] | None, item: T) -> T | list[T]:
    """`known` with `item` added; most have one waiter, and a list each would be half the memory."""
    if known is None:
        return item
    if isinstance(known, list):
        known.append(item)
        return known
    return [known, item]


def arrive(pending: Pending[Any]) -> Generator[Pending[Any], Any, None]:
    """Wait, as a part of a strand, until a Pending is done, one way or the other."""
    if not pending.done():
        try:
            yield pending
        except Exception:
            if not pending.done():
                raise


def _map(mapped: Pending[U], fn: Callable[[T], U], source: Pending[T]) -> None:
    if source._error is not None:
        mapped.set_exception(source._error)
        return
    try:
        value = fn(cast(T, source._value))
    except Exception as error:
        mapped.set_exception(error)
    else:
        mapped.set_result(value)


def _take(lock: threading.Lock, timeout: float | None) -> bool:
    """Take a lock, within `timeout` seconds."""
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        left = LOOK_UP if end is None else min(LOOK_UP, max(0.0, end - time.monotonic()))
        if lock.acquire(timeout=left):
            return True
        if end is not None and time.monotonic() >= end:
            return False


class _Gather:
    """Counts down to the last of several Pendings."""

    __slots__ = ("items", "left", "result")

    def __init__(self, items: Sequence[Any], left: int, result: Pending[list[Any]]) -> None:
        self.items = items
        self.left = left
        self.result = result

    def arrived(self, _: Pending[Any]) -> None:
        """One more is done."""
        with _lock:
            self.left -= 1
            if self.left:
                return
        for item in self.items:
            if isinstance(item, Pending) and item._error is not None:
                self.result.set_exception(item._error)
                return
        values = [i._value if isinstance(i, Pending) else i for i in self.items]
        self.result.set_result(values)


def gather(items: Sequence[Any], owner: Cancellable | None = None) -> Pending[list[Any]]:
    """A Pending of all values in order, plain values taken as they are; the first failure wins."""
    result: Pending[list[Any]] = Pending(owner)
    waiting = sum(isinstance(item, Pending) for item in items)
    if not waiting:
        result.set_result(list(items))
        return result
    group = _Gather(tuple(items), waiting, result)
    for item in group.items:
        if isinstance(item, Pending):
            item.add_done_callback(group.arrived)
    return result
