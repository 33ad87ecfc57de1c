"""Which versions are known, and what that makes known next."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from sglc.execution.chains import fill
from sglc.execution.event_loop import reported
from sglc.execution.pending import Pending, one_more
from sglc.execution.versions import DeferredVersion, StepVersion, Version

Post = Callable[..., None]


class Readiness:
    """
    Moves versions from waiting to done.

    A version is begun when its parent is done. Steps then become `ready`, for a backend; values
    and callbacks that became due are kept until `fire`, which runs them without the lock.
    """

    def __init__(self, post: Post) -> None:
        self.lock = threading.Lock()
        """Guards versions' links and marks, of all sessions."""
        self.ready: list[StepVersion] = []
        self._post = post
        self._settled: list[tuple[Pending[Any], Any, BaseException | None]] = []
        self._callbacks: list[tuple[Callable[[Version], None], Version]] = []

    # Called from any thread.

    def append(self, version: Version, parent: Version, continues: bool) -> None:
        """Put `version` after `parent`; `continues` unless it is the first of a fork's child."""
        with self.lock:
            version.parent = parent
            if not parent.done:
                if continues:
                    parent.next = version
                parent.waiters = one_more(parent.waiters, version)
                return
            if parent.error is None and type(version) is Version:
                version.done = True
                return
        self._post(self._begin, version)

    def when_done(self, version: Version, callback: Callable[[Version], None]) -> None:
        """Call `callback(version)` once it is done or failed: at once, or on the driver."""
        with self.lock:
            if not version.done:
                version.waiters = one_more(version.waiters, callback)
                return
        callback(version)

    # On the driver's thread.

    def fire(self) -> None:
        """Run what became due, outside the lock; callbacks may append and post."""
        while self._settled or self._callbacks:
            settled, self._settled = self._settled, []
            callbacks, self._callbacks = self._callbacks, []
            for pending, value, error in settled:
                if pending.done():
                    continue
                # One that raises must not keep the others waiting.
                with reported():
                    if error is not None:
                        pending.set_exception(error)
                    else:
                        pending.set_result(value)
            for callback, version in callbacks:
                with reported():
                    callback(version)

    def finish(self, version: StepVersion, value: Any) -> None:
        """A step has its value and its pieces; with the lock."""
        self._settled.append((version.value, value, None))
        self.complete(version)

    def fail(self, version: Version, error: BaseException) -> None:
        """A version will never be known; with the lock."""
        version.error = error
        self.complete(version)

    def complete(self, version: Version) -> None:
        """`version` is known or failed: mark it and all that follows from it; with the lock."""
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
            if waiters is None:
                continue
            for waiter in waiters if isinstance(waiters, list) else (waiters,):
                if not isinstance(waiter, Version):
                    self._callbacks.append((waiter, node))
                elif node.error is not None:
                    waiter.error = node.error
                    stack.append(waiter)
                else:
                    self._enter(waiter, stack)

    def _begin(self, version: Version) -> None:
        """The parent is done: find out what `version` needs."""
        with self.lock:
            assert version.parent is not None
            if version.parent.error is not None:
                self.fail(version, version.parent.error)
                return
            done: list[Version] = []
            self._enter(version, done)
            for each in done:
                self.complete(each)

    def _enter(self, version: Version, done: list[Version]) -> None:
        """The parent is there. Adds `version` to `done` when its own segment is known too."""
        if isinstance(version, StepVersion):
            if not version.submitted:
                self.ready.append(version)
        elif isinstance(version, DeferredVersion):
            waiting = version.waiting()
            if waiting is None:
                fill(version)
                done.append(version)
            else:
                # Not run here: it would take the lock again where the value is just there.
                waiting.add_done_callback(partial(self._look_again, version))
        else:
            done.append(version)

    def _look_again(self, version: DeferredVersion, _: Pending[Any]) -> None:
        self._post(self._arrived, version)

    def _arrived(self, version: DeferredVersion) -> None:
        with self.lock:
            waiting = version.waiting()
            if waiting is not None:
                waiting.add_done_callback(partial(self._look_again, version))
                return
            fill(version)
            self.complete(version)
