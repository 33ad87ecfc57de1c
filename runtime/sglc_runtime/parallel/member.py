"""A follower's process, as rank 0 sees it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import IO

from sglc_runtime.client import child_environment
from sglc_runtime.parallel.link import Link
from sglc_runtime.parallel.messages import Answer

FOLLOWER = "sglc_runtime.parallel.follower"
OBITUARY_SECONDS = 5.0
"""How long a process that hung up may take to end."""
TAIL = 1500
"""Characters of a dead follower's stderr that are shown."""


class Member:
    """A follower's process and the link to it."""

    def __init__(self, rank: int, ended: Callable[[Member], None]) -> None:
        self.rank = rank
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        ours, theirs = socket.socketpair()
        self.link: Link[Answer] = Link(ours, Answer)  # type: ignore[arg-type]
        with theirs:
            command = [sys.executable, "-P", "-m", FOLLOWER, str(theirs.fileno())]
            self.process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._stderr,
                stderr=self._stderr,
                env=child_environment(),
                process_group=0,  # Ctrl-C of a terminal is not for it
            )
        self._ended = ended
        self._watch = threading.Thread(target=self._wait, name="sglc-follower", daemon=True)
        self._watch.start()

    def _wait(self) -> None:
        self.link.wait_for_end()
        self._ended(self)

    def hang_up(self) -> None:
        """Tell it to end."""
        self.link.shut()

    def end(self, patience: float) -> None:
        """Wait for its end, and kill it after `patience` seconds."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._watch.join()
        self.link.close()
        self._stderr.close()

    def obituary(self) -> str:
        """How it ended, with the last that it wrote."""
        try:
            code: int | None = self.process.wait(OBITUARY_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        how = "hung up" if code is None else f"ended with status {code}"
        if code is not None and code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
        self._stderr.seek(0)
        said = self._stderr.read().decode("utf-8", "replace").strip()[-TAIL:]
        return f"(pid {self.process.pid}) {how}" + (f":\n{said}" if said else "")
