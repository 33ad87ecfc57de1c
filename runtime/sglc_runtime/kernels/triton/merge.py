"""
Merge the partial results of rows by their log-sum-exp.

The order of a row's parts is the order of their positions, so that its sum has one order.
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from sglc_runtime.kernels.triton.launch import launch

LOG2_E = tl.constexpr(1.4426950408889634)


@triton.jit
def merge_kernel(
    partial, lse, part_starts, parts, sinks, out, heads, out_step,
    DIM: tl.constexpr, WIDE: tl.constexpr, SINKS: tl.constexpr,
):  # fmt: skip
    """Grid (T, H). `partial` [partials, H, D], `lse` [partials, H]; `out` [T, H, D]."""
    row = tl.program_id(0)
    head = tl.program_id(1)
    d = tl.arange(0, WIDE)
    in_dim = d < DIM
    begin = tl.load(part_starts + row)
    end = tl.load(part_starts + row + 1)
    highest = -float("inf")
    total = 0.0
    if SINKS:
        # A logit that takes part in the softmax and has no value (gpt-oss).
        highest = tl.load(sinks + head).to(tl.float32) * LOG2_E
        total = 1.0
    sums = tl.zeros((WIDE,), tl.float32)
    for index in range(begin, end):
        at = tl.load(parts + index).to(tl.int64) * heads + head
        size = tl.load(lse + at)
        new_highest = tl.maximum(highest, size)
        base = tl.where(new_highest == -float("inf"), 0.0, new_highest)
        shrink = tl.exp2(highest - base)
        weight = tl.exp2(size - base)
        part = tl.load(partial + at * DIM + d, mask=in_dim, other=0.0)
        sums = sums * shrink + part * weight
        total = total * shrink + weight
        highest = new_highest
    place = row.to(tl.int64) * out_step + head * DIM
    tl.store(out + place + d, (sums / total).to(out.dtype.element_ty), mask=in_dim)


def merge(
    partial: Tensor,
    lse: Tensor,
    part_starts: Tensor,
    parts: Tensor,
    out: Tensor,
    sinks: Tensor | None = None,
) -> None:
    """Fill `out` [T, H, D] from partial results; tables as in `Pieces`, `sinks` [H]."""
    rows, heads, dim = out.shape
    launch(
        merge_kernel, (rows, heads),
        partial, lse, part_starts, parts, lse if sinks is None else sinks, out,
        heads, out.stride(0),
        DIM=dim, WIDE=triton.next_power_of_2(dim), SINKS=sinks is not None, warps=1,
    )  # fmt: skip
