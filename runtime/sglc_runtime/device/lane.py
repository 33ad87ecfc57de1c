"""
What the executor asks of a device: copies and calls that happen in order, and marks to wait for.

On a GPU that is the current stream; without one everything has happened when the call returns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

import torch
from torch import Tensor


class Mark(Protocol):
    """A point in the order of things."""

    def wait(self) -> None:
        """Return when everything before it has happened."""
        ...


class Lane(Protocol):
    """A device that does one thing after another."""

    def host_buffer(self, size: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Memory of the host that copies can reach while the host goes on."""
        ...

    def copy(self, target: Tensor, source: Tensor) -> None:
        """Copy between host and device; a source on the host may not change until it is done."""
        ...

    def send(self, source: Tensor, device: torch.device) -> Tensor:
        """A copy on `device` of ordinary memory, which may change at once."""
        ...

    def call(self, action: Callable[[], None]) -> None:
        """Let `action` put work on the device."""
        ...

    def mark(self) -> Mark:
        """A mark behind everything so far."""
        ...


class _Passed:
    """A mark where nothing is ever late."""

    def wait(self) -> None:
        """Return."""


class HostLane:
    """The CPU as a device: there is nothing to wait for."""

    def host_buffer(self, size: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Ordinary memory."""
        return torch.zeros(size, dtype=dtype)

    def copy(self, target: Tensor, source: Tensor) -> None:
        """Copy now."""
        target.copy_(source)

    def send(self, source: Tensor, device: torch.device) -> Tensor:
        """A copy."""
        return source.to(device, copy=True)

    def call(self, action: Callable[[], None]) -> None:
        """Call now."""
        action()

    def mark(self) -> Mark:
        """A mark that has passed."""
        return _Passed()


class _CudaMark:
    def __init__(self) -> None:
        self._event: Any = cast(Any, torch.cuda.Event)()
        self._event.record()

    def wait(self) -> None:
        """Wait for the stream to come here, and for nothing behind it."""
        self._event.synchronize()


class CudaLane:
    """The current stream of a CUDA device; host buffers are pinned."""

    def host_buffer(self, size: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Pinned memory."""
        return torch.zeros(size, dtype=dtype, pin_memory=True)

    def copy(self, target: Tensor, source: Tensor) -> None:
        """Put the copy on the stream."""
        target.copy_(source, non_blocking=True)

    def send(self, source: Tensor, device: torch.device) -> Tensor:
        """Through pinned memory, which torch keeps until the copy is done."""
        return source.pin_memory().to(device, non_blocking=True)

    def call(self, action: Callable[[], None]) -> None:
        """Call now: what it launches is on the stream."""
        action()

    def mark(self) -> Mark:
        """An event on the stream."""
        return _CudaMark()


def lane_of(device: torch.device) -> Lane:
    """The lane of a device."""
    return CudaLane() if device.type == "cuda" else HostLane()
