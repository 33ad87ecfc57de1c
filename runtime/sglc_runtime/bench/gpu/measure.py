"""How long kernels take, and what share of the device's ceilings that is."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from sglc_runtime.bench.gpu.ceilings import Ceilings
from sglc_runtime.bench.gpu.timer import Timer
from sglc_runtime.bench.turns import Spread
from sglc_runtime.kernels.triton.cases.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One case's time and rates."""

    name: str
    kernel: str
    dtype: str
    seconds: float
    """Median."""
    low: float
    high: float
    bytes: int
    flops: int
    bandwidth_share: float
    """Per cent of the copy bandwidth."""
    matmul_share: float
    """Per cent of the bfloat16 matmul rate, whatever the case's type."""


@torch.inference_mode()
def measure(
    case: Case, device: torch.device, timer: Timer, ceilings: Ceilings, repeats: int
) -> Measured:
    """Time a case's call on inputs that stay where they are."""
    inputs = case.inputs(device)
    spread = Spread.of(timer.times(lambda: case.run(inputs), repeats))
    return Measured(
        name=case.name,
        kernel=case.kernel,
        dtype=case.dtype_name,
        seconds=spread.median,
        low=spread.low,
        high=spread.high,
        bytes=case.cost.bytes,
        flops=case.cost.flops,
        bandwidth_share=ceilings.of_bandwidth(case.cost.bytes, spread.median),
        matmul_share=ceilings.of_matmul(case.cost.flops, spread.median),
    )
