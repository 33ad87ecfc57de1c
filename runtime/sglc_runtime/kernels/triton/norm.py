"""
RMSNorm (arXiv 1910.07467), fused with the addition before it.

Numbers follow transformers: the norm is taken in float32 and rounded to the model's type before
the weight multiplies it.
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from sglc_runtime.kernels.triton.elementwise import choose_shape
from sglc_runtime.kernels.triton.launch import launch
from sglc_runtime.kernels.triton.rounding import rounded

LARGEST = 16384
"""Numbers of a row, which one program holds in registers."""


@triton.jit
def norm_kernel(
    x, delta, weight, rows, total, out, x_step, delta_step, total_step, out_step, eps,
    SIZE: tl.constexpr, WIDE: tl.constexpr,
    ADD: tl.constexpr, KEEP: tl.constexpr, PICK: tl.constexpr,
):  # fmt: skip
    """
    Grid (rows of `out`,). `x`, `delta` and `total` [T, SIZE], `weight` [SIZE], `out` [R, SIZE].

    ADD: the norm is of x + delta, and with KEEP that sum goes to `total`, which may be `x`. PICK:
    row i is of row `rows[i]`, else of row i.
    """
    to = tl.program_id(0).to(tl.int64)
    row = to
    if PICK:
        row = tl.load(rows + to).to(tl.int64)
    at = tl.arange(0, WIDE)
    inside = at < SIZE
    like: tl.constexpr = out.dtype.element_ty
    wide = tl.load(x + row * x_step + at, mask=inside, other=0.0).to(tl.float32)
    if ADD:
        wide += tl.load(delta + row * delta_step + at, mask=inside, other=0.0).to(tl.float32)
        wide = rounded(wide, like)
        if KEEP:
            tl.store(total + row * total_step + at, wide.to(like), mask=inside)
    factor = tl.rsqrt(tl.sum(wide * wide, 0) / SIZE + eps)
    scale = tl.load(weight + at, mask=inside, other=0.0).to(tl.float32)
    normed = rounded(scale * rounded(wide * factor, like), like)
    tl.store(out + to * out_step + at, normed.to(like), mask=inside)


def norm(x: Tensor, weight: Tensor, eps: float, out: Tensor, rows: Tensor | None = None) -> None:
    """
    Fill `out` with the norms of `x` [T, N], or of its rows `rows` [R] (int64).

    Numbers of a row lie side by side. Raises ValueError for rows longer than `LARGEST`.
    """
    _launch(x, None, weight, eps, None, out, rows)


def add_norm(
    x: Tensor,
    delta: Tensor,
    weight: Tensor,
    eps: float,
    total: Tensor | None,
    out: Tensor,
    rows: Tensor | None = None,
) -> None:
    """Like `norm` of x + delta; the sum goes to `total` [T, N], which may be `x`, in these rows."""
    _launch(x, delta, weight, eps, total, out, rows)


def _launch(
    x: Tensor,
    delta: Tensor | None,
    weight: Tensor,
    eps: float,
    total: Tensor | None,
    out: Tensor,
    rows: Tensor | None,
) -> None:
    size = x.shape[1]
    added, kept = x if delta is None else delta, x if total is None else total
    wide = triton.next_power_of_2(size)
    launch(
        norm_kernel, (len(out),), x, added, weight, x if rows is None else rows, kept, out,
        x.stride(0), added.stride(0), kept.stride(0), out.stride(0), eps,
        SIZE=size, WIDE=wide,
        ADD=delta is not None, KEEP=total is not None, PICK=rows is not None,
        # Threads beyond the numbers would repeat them, and read `x` while the sum is written there.
        warps=min(choose_shape("norm", size).warps, max(1, wide // 32)),
    )  # fmt: skip
