"""
Compiling without the garbage collector.

A phase of compiling allocates one large structure and drops next to nothing, so a collection in it
finds no garbage; but each looks at everything made so far, which made operations of a program of
10,000 statements up to three times as dear as those of 100.
"""

from __future__ import annotations

import functools
import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class _Pause:
    """Counts who is in a phase, over all threads: the collector belongs to the process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.was_on = False

    def enter(self) -> None:
        with self.lock:
            self.inside += 1
            if self.inside == 1:
                self.was_on = gc.isenabled()
                gc.disable()

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside and self.was_on:
                gc.enable()


_PAUSE = _Pause()


@contextmanager
def paused() -> Iterator[None]:
    """No collection inside; afterwards the collector is as it was before. May be nested."""
    _PAUSE.enter()
    try:
        yield
    finally:
        _PAUSE.leave()


def without_collection(phase: Callable[P, R]) -> Callable[P, R]:
    """A phase of compiling that runs in `paused`."""

    @functools.wraps(phase)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with paused():
            return phase(*args, **kwargs)

    return wrapper
