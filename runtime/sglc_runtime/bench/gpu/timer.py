"""How long calls take: by events on a GPU, by the clock on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any, Protocol

import torch

FLUSH = 256 << 20
"""Bytes written between repeats: more than the second-level cache of any GPU."""
CYCLES = 2_000_000_000
"""Of a second, at most."""


class Timer(Protocol):
    """Times calls of one device."""

    def times(self, call: Callable[[], object], repeats: int) -> list[float]:
        """Seconds of each of `repeats` calls, after calls that are not counted."""
        ...


class ClockTimer:
    """For calls that are through when they return."""

    def times(self, call: Callable[[], object], repeats: int) -> list[float]:
        """See `Timer`."""
        call()
        found = []
        for _ in range(repeats):
            began = perf_counter()
            call()
            found.append(perf_counter() - began)
        return found


class EventTimer:
    """
    For calls that launch work on a GPU.

    Before each repeat the cache is overwritten, and the device waits as long as launching takes,
    so that what is timed is the device's work and not the host's.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._junk = torch.empty(FLUSH, dtype=torch.int8, device=device)

    def times(self, call: Callable[[], object], repeats: int) -> list[float]:
        """See `Timer`."""
        cuda: Any = torch.cuda  # whose events have no types
        pause = int(CYCLES * (1e-4 + 2 * self._launching(call)))
        marks = []
        for _ in range(repeats):
            begin, end = (cuda.Event(enable_timing=True) for _ in range(2))
            self._junk.zero_()
            cuda._sleep(pause)
            begin.record()
            call()
            end.record()
            marks.append((begin, end))
        torch.cuda.synchronize(self._device)
        return [begin.elapsed_time(end) / 1e3 for begin, end in marks]

    def _launching(self, call: Callable[[], object]) -> float:
        """Seconds until the host has launched a call; the first call may compile."""
        for _ in range(2):
            torch.cuda.synchronize(self._device)
            began = perf_counter()
            call()
            seconds = perf_counter() - began
        torch.cuda.synchronize(self._device)
        return min(seconds, 0.1)


def timer_for(device: torch.device) -> Timer:
    """The timer of a device."""
    return EventTimer(device) if device.type == "cuda" else ClockTimer()


def settle(device: torch.device) -> None:
    """Wait until everything launched so far is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def median_seconds(timer: Timer, call: Callable[[], object], repeats: int) -> float:
    """Median of the repeats."""
    return median(timer.times(call, repeats))
