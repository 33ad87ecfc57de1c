"""A device that does everything as late as it can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class LateLane:
    """
    See `Lane`. Nothing is done before somebody waits for it, so whoever writes over memory that a
    copy has not read yet gives himself away.
    """

    waiting: list[Callable[[], object]] = field(default_factory=list)
    asked: int = 0
    """Things that were ever asked for."""
    waits: int = 0
    """How often something was left to do when somebody waited."""

    def host_buffer(self, size: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Memory full of nonsense."""
        return torch.full(size, 85, dtype=dtype)

    def copy(self, target: Tensor, source: Tensor) -> None:
        """Copy what the source holds by then."""
        self.call(lambda: target.copy_(source))

    def send(self, source: Tensor, device: torch.device) -> Tensor:
        """A copy as of now."""
        return source.clone()

    def call(self, action: Callable[[], object]) -> None:
        """Do it later."""
        self.asked += 1
        self.waiting.append(action)

    def mark(self) -> LateMark:
        """See `Lane`."""
        return LateMark(self, self.asked)

    @torch.inference_mode()
    def catch_up(self, end: int) -> None:
        """Do what was asked for before number `end`."""
        done = self.asked - len(self.waiting)
        if done < end:
            self.waits += 1
        for _ in range(end - done):
            self.waiting.pop(0)()


@dataclass
class LateMark:
    """See `Mark`."""

    lane: LateLane
    end: int

    def wait(self) -> None:
        """Let the device come here, and no further."""
        self.lane.catch_up(self.end)
