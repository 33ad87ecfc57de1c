"""
The one place that launches kernels.

Inside `recording()` launches are noted instead of made, with arguments of any device, "meta"
included: that is how kernels are compiled ahead of time for GPUs that are not there, in exactly the
forms in which they are launched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from torch import Tensor

Grid = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Launch:
    """One launch: positional arguments (tensors and numbers), then constants by name."""

    kernel: Any
    grid: Grid
    arguments: tuple[Any, ...]
    constants: dict[str, Any]
    warps: int
    stages: int

    @property
    def options(self) -> dict[str, Any]:
        """How it is compiled. Versions of Triton differ in whether they fuse products and sums."""
        return {"num_warps": self.warps, "num_stages": self.stages, "enable_fp_fusion": True}


_recorded: ContextVar[list[Launch] | None] = ContextVar("recorded", default=None)


def launch(
    kernel: Any, grid: Grid, *arguments: Any, warps: int = 4, stages: int = 2, **constants: Any
) -> None:
    """Run `kernel` on a grid of up to three dimensions; `constants` are its `tl.constexpr`s."""
    wanted = Launch(kernel, grid, arguments, constants, warps, stages)
    if (recorded := _recorded.get()) is not None:
        recorded.append(wanted)
        return
    kernel[grid](*arguments, **constants, **wanted.options)


@contextmanager
def recording() -> Iterator[list[Launch]]:
    """Note launches in the list that is given, and make none; outputs stay as they were."""
    recorded: list[Launch] = []
    token = _recorded.set(recorded)
    try:
        yield recorded
    finally:
        _recorded.reset(token)


def interpreted(tensor: Tensor) -> bool:
    """
    Whether a kernel over this tensor runs in Triton's interpreter.

    There bfloat16 products are wrong, so kernels widen bfloat16 to float32.
    """
    return tensor.device.type == "cpu"
