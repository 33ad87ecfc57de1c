"""Rank 0's side: starts the followers, speaks to them, and says what happened when one fails."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import NoReturn

import torch
import torch.distributed as dist
from msgspec import Struct

from sglc_runtime.device.memory import advice, ran_out
from sglc_runtime.errors import EngineError
from sglc_runtime.interrupts import DeferredInterrupt
from sglc_runtime.parallel.group import Group
from sglc_runtime.parallel.link import LinkClosed
from sglc_runtime.parallel.member import Member
from sglc_runtime.parallel.messages import Join, Ready, Refused
from sglc_runtime.parallel.split import Split

TIMEOUT = 300.0
"""Seconds that an exchange within a pass may take: a process that is stopped, not dead."""
CLOSE_SECONDS = 5.0
"""How long a follower may take to end before it is killed."""
NOTICE_SECONDS = 2.0
"""How long the death of a process may take to be seen after what it broke."""


class Team:
    """
    The processes that share a model: this one, which is rank 0, and its followers.

    Once one of them fails nothing can be computed any more; every call then raises the EngineError
    that says who died and of what.
    """

    def __init__(
        self,
        size: int,
        device: torch.device,
        timeout: float = TIMEOUT,
        *,
        deterministic: bool = False,
    ) -> None:
        """
        Start `size` - 1 followers and meet them. On GPUs rank r takes device r. `timeout` and
        `deterministic` are those of `Group`.
        """
        if not dist.is_available():
            raise EngineError(
                "internal",
                "tp_size above 1 needs torch.distributed, which this torch lacks",
            )
        if dist.is_initialized():
            raise EngineError(
                "internal",
                "tp_size above 1 needs torch.distributed for itself, and this process uses it"
                " already; let the engine have a process of its own",
            )
        self.size = size
        self.device = torch.device("cuda", 0) if device.type == "cuda" else device
        self._changed = threading.Condition()
        self._ended: list[Member] = []
        self._failed: EngineError | None = None
        self._closed = False
        self.free: list[int] = []
        """Bytes that were left of the followers' devices when their parts were loaded."""
        self._folder = Path(tempfile.mkdtemp(prefix="sglc-tp-"))
        self._members: list[Member] = []
        self._group: Group | None = None
        try:
            for rank in range(1, size):
                self._members.append(Member(rank, self._note_end))
            self._meet(timeout, deterministic)
        except BaseException:
            self.close()
            raise

    @property
    def group(self) -> Group:
        """What this process exchanges with the others through."""
        assert self._group is not None
        return self._group

    @property
    def pids(self) -> list[int]:
        """Process ids of the followers, by rank."""
        return [member.process.pid for member in self._members]

    def _meet(self, timeout: float, deterministic: bool) -> None:
        store = self._folder / "store"
        self.answers()  # each says that it has started: what cannot start is noticed here
        with self.together():
            for member in self._members:
                device = f"cuda:{member.rank}" if self.device.type == "cuda" else str(self.device)
                member.link.send(
                    Join(member.rank, self.size, device, str(store), timeout, deterministic)
                )
            split = Split(0, self.size)
            self._group = Group(split, self.device, store, timeout, deterministic=deterministic)
        self.answers()

    def send(self, order: Struct) -> None:
        """Send an order to every follower. Raises EngineError."""
        self.check()
        data = self._members[0].link.encode(order)
        for member in self._members:
            try:
                member.link.send_encoded(data)
            except LinkClosed as error:
                self._fail(error)

    def answers(self) -> list[int]:
        """Wait until all have carried out their orders; free bytes of each one's device."""
        return [self._answer(member) for member in self._members]

    def _answer(self, member: Member) -> int:
        try:
            answer = member.link.receive()
        except LinkClosed as error:
            self._fail(error)
        if isinstance(answer, Refused):
            self._failed = EngineError(answer.kind, answer.message)
            self.check()
        assert isinstance(answer, Ready)
        return answer.free

    def blame(self) -> None:
        """Raise EngineError if a follower has died without a word, after something went wrong."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended, NOTICE_SECONDS)
        for member in self._ended:
            try:
                member.link.receive()
            except LinkClosed as error:
                self._fail(error)

    def check(self) -> None:
        """Raise EngineError if a process has failed or the team is closed."""
        if self._failed is None and self._closed:
            raise EngineError("internal", "the engine is closed")
        if self._failed is None and self._ended:
            self._fail(LinkClosed())
        if self._failed is not None:
            raise EngineError(self._failed.kind, self._failed.message)

    @contextmanager
    def together(self) -> Iterator[None]:
        """
        A context for what every process does at once. Ctrl-C waits until it is over, since whoever
        left it early would take part in the wrong exchange later; any error ends the team.
        """
        self.check()
        try:
            with DeferredInterrupt():
                yield
        except EngineError:
            raise
        except Exception as error:
            self._fail(error)

    def settle(self) -> None:
        """
        On a GPU, wait for the pass that was launched. Raises EngineError where a process has died
        in it: what waited for that one is given up then, and leaves any numbers behind.
        """
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            self.check()

    def close(self, patience: float = CLOSE_SECONDS) -> None:
        """End the followers, and kill them after `patience` seconds. Can be called again."""
        if self._closed:
            return
        self._closed = True
        for member in self._members:
            member.hang_up()
        if self._group is not None:
            with suppress(RuntimeError):
                self._group.close()
        end = monotonic() + patience
        for member in self._members:
            member.end(max(0.0, end - monotonic()))
        shutil.rmtree(self._folder, ignore_errors=True)

    def _note_end(self, member: Member) -> None:
        """On a thread of the member's: it is gone, or was told to go."""
        with self._changed:
            self._ended.append(member)
            self._changed.notify_all()
        if not self._closed and self._group is not None:
            self._group.abort()

    def _fail(self, cause: Exception) -> NoReturn:
        """Note why nothing goes on, and raise it."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended, NOTICE_SECONDS)
            first = self._ended[0] if self._ended else None
        if first is None and ran_out(cause):
            message = advice("pass", cause)
        elif first is None:
            what = (str(cause).strip().splitlines() or [""])[0]
            message = (
                f"an exchange of {self.size} processes failed, and none of them has ended:"
                f" {type(cause).__name__}: {what}"
            )
        else:
            message = f"process {first.rank} of {self.size} of the model {first.obituary()}"
        self._failed = EngineError("internal", message)
        self.close(patience=0.0)
        raise EngineError(self._failed.kind, message) from cause
