"""What the device can do at best, measured like everything else and in the same run."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sglc_runtime.bench.gpu.timer import Timer, median_seconds

COPIED = 4 << 30
"""Bytes of a copy, far more than any cache."""
SIDE = 8192
REPEATS = 20


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The best rates seen."""

    bandwidth: float
    """Bytes a second of a copy, read and written."""
    matmul: float
    """Floating-point operations a second of a bfloat16 product."""

    def of_bandwidth(self, count: float, seconds: float) -> float:
        """Share, in per cent, of the bandwidth that moving `count` bytes took."""
        return 100 * count / seconds / self.bandwidth

    def of_matmul(self, count: float, seconds: float) -> float:
        """Share, in per cent, of the matmul rate that `count` operations took."""
        return 100 * count / seconds / self.matmul


def measure_ceilings(timer: Timer, device: torch.device, *, tiny: bool = False) -> Ceilings:
    """Copy `COPIED` bytes, and multiply matrices of normally distributed numbers."""
    size, side = (1 << 22, 256) if tiny else (_fitting(device), SIDE)
    return Ceilings(copy_bandwidth(timer, device, size), matmul_rate(timer, device, side))


def copy_bandwidth(timer: Timer, device: torch.device, size: int) -> float:
    """Bytes a second, read and written, of copying `size` bytes."""
    source = torch.ones(size // 4, dtype=torch.float32, device=device)
    target = torch.empty_like(source)
    seconds = median_seconds(timer, lambda: target.copy_(source), REPEATS)
    return 2 * source.nbytes / seconds


def matmul_rate(timer: Timer, device: torch.device, side: int) -> float:
    """
    Operations a second of a bfloat16 product of square matrices.

    Random numbers, because multiplying zeros takes less power and lets clocks rise.
    """
    left, right = (torch.randn(side, side, device=device).bfloat16() for _ in range(2))
    out = torch.empty_like(left)
    seconds = median_seconds(timer, lambda: torch.mm(left, right, out=out), REPEATS)
    return 2 * side**3 / seconds


def _fitting(device: torch.device) -> int:
    if device.type != "cuda":
        return COPIED // 64
    return min(COPIED, torch.cuda.mem_get_info(device)[0] // 4)
