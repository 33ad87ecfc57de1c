"""
One kernel in one shape: its inputs, its call, and the same in plain torch.

Tests run the small ones in Triton's interpreter, CI compiles all of them ahead of time, and `sglc
bench gpu` checks and measures all of them on a device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Inputs = dict[str, Any]
"""Arguments by name: tensors, numbers, and what the call needs besides."""
Outputs = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Cost:
    """What the kernel cannot do without: bytes read and written, floating-point operations."""

    bytes: int
    flops: int = 0


@dataclass(frozen=True, slots=True)
class Case:
    """
    `inputs` makes the arguments, the same for the same device type; on "meta" without values.

    `run` calls the kernel through its public wrapper, with outputs poisoned before where the
    wrapper takes them; it may not look at values of tensors, because it is also recorded (see
    `launch.recording`). `expect` computes the outputs in float64 with plain torch operations.
    """

    kernel: str
    """As in the table of docs/kernels.md."""
    shape: str
    """For people, such as `64 rows, 4096 keys, 32/8 heads of 128`."""
    dtype: torch.dtype
    small: bool
    """At most about 100 tiles, so that the interpreter takes well under a second."""
    cost: Cost
    inputs: Callable[[torch.device], Inputs]
    run: Callable[[Inputs], Outputs]
    expect: Callable[[Inputs], Outputs]

    @property
    def name(self) -> str:
        """Unique among all cases."""
        return f"{self.kernel}, {self.shape}, {self.dtype_name}"

    @property
    def dtype_name(self) -> str:
        """`bfloat16`."""
        return str(self.dtype).removeprefix("torch.")


TOLERANCE = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}
"""Largest relative error that a kernel may have: see `relative_error`."""


def relative_error(got: Tensor, expected: Tensor) -> float:
    """
    Largest difference over the largest expected magnitude; infinite where either is not finite and
    the other differs, and for integers that differ at all.
    """
    if not got.is_floating_point():
        return 0.0 if torch.equal(got.cpu().long(), expected.cpu().long()) else float("inf")
    wide, exact = got.double(), expected.double().to(got.device)
    same = (wide == exact) | (wide.isnan() & exact.isnan())
    if bool((~(wide.isfinite() & exact.isfinite()) & ~same).any()):
        return float("inf")
    difference = torch.where(same, 0.0, (wide - exact).abs()).max().item() if got.numel() else 0.0
    finite = exact[exact.isfinite()]
    largest = finite.abs().max().item() if finite.numel() else 0.0
    return difference / largest if largest else difference
