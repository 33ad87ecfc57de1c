"""Asking something of a program in a child process, so that it may hang or crash."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable


def apart(ask: Callable[[], bool], seconds: float = 5.0) -> bool:
    """What `ask` answers in a forked child; False when it takes longer or dies."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with contextlib.suppress(BaseException), open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            os.write(writing, b"1" if ask() else b"0")
        os._exit(0)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], seconds)
    answer = os.read(reading, 1) if ready else b""
    os.close(reading)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return answer == b"1"
