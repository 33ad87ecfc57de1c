"""Ctrl-C that waits until a message has been sent or received whole."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class DeferredInterrupt:
    """
    A context in which SIGINT is only noted; its handler runs when the context is left.

    Half a frame sent, or bytes received and lost, would leave nothing to talk over. Signals reach
    Python's main thread alone, so elsewhere this does nothing.
    """

    __slots__ = ("_frame", "_handler", "_hit")

    def __enter__(self) -> None:
        self._hit = False
        self._frame: FrameType | None = None
        self._handler = None
        if threading.current_thread() is threading.main_thread():
            handler = signal.getsignal(signal.SIGINT)
            if callable(handler):
                self._handler = handler
                signal.signal(signal.SIGINT, self._note)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        handler = self._handler
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
            if self._hit:
                handler(signal.SIGINT, self._frame)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._hit, self._frame = True, frame
