"""
The product of one row with a weight matrix, with what lies before and behind it fused.

A decode step of one sequence reads every weight once and computes next to nothing: what counts is
that all multiprocessors read all the time. A library's product is made for larger shapes and is one
of ten kernels of a layer; here the norm comes first in the same kernel and SwiGLU or the residual
sum last, which leaves seven.
"""

from __future__ import annotations

from dataclasses import dataclass

import triton
import triton.language as tl
from torch import Tensor

from sglc_runtime.kernels.triton.launch import launch
from sglc_runtime.kernels.triton.one_row_shape import choose_block
from sglc_runtime.kernels.triton.rounding import rounded


@triton.jit
def _tile(weight, at, k, inputs, exists, WHOLE: tl.constexpr):  # fmt: skip
    """Weights [BLOCK_N, BLOCK_K] of the inputs `k`; zeros behind the last."""
    inside = (k < inputs)[None, :]
    if not WHOLE:
        inside = inside & exists[:, None]
    return tl.load(weight + at + k[None, :], mask=inside, other=0.0)


@triton.jit
def one_row_kernel(
    x, norm_weight, weight, bias, residual, out, inputs, outputs, weight_step, eps,
    BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr, WHOLE: tl.constexpr,
    NORMED: tl.constexpr, BIAS: tl.constexpr, GATED: tl.constexpr, RESIDUAL: tl.constexpr,
):  # fmt: skip
    """
    Grid (outputs / BLOCK_N,). `x` [inputs]; `weight` [outputs, inputs], with GATED [2 * outputs,
    inputs] with the gates first; `bias` as long; `residual` and `out` [outputs]. WHOLE: `outputs`
    is a multiple of BLOCK_N.

    Sums are float32. Every result is rounded where it would be if each operation were a kernel of
    its own.
    """
    like: tl.constexpr = x.dtype.element_ty
    n = tl.program_id(0) * BLOCK_N + tl.arange(0, BLOCK_N)
    k = tl.arange(0, BLOCK_K)
    exists = n < outputs
    at = n.to(tl.int64)[:, None] * weight_step
    up = at + outputs.to(tl.int64) * weight_step
    # Weights are on their way while the norm is computed, and the next while these are used.
    tile = _tile(weight, at, k, inputs, exists, WHOLE)
    other = tile
    if GATED:
        other = _tile(weight, up, k, inputs, exists, WHOLE)

    factor = 1.0
    if NORMED:
        squares = tl.zeros((BLOCK_K,), tl.float32)
        for first in range(0, inputs, BLOCK_K):
            part = tl.load(x + first + k, mask=first + k < inputs, other=0.0).to(tl.float32)
            squares += part * part
        factor = tl.rsqrt(tl.sum(squares, 0) / inputs + eps)

    # Threads add up what they read themselves; they meet once, at the end.
    products = tl.zeros((BLOCK_N, BLOCK_K), tl.float32)
    others = tl.zeros((BLOCK_N, BLOCK_K), tl.float32)
    for first in range(0, inputs, BLOCK_K):
        now = first + k
        then = now + BLOCK_K
        next_tile = _tile(weight, at, then, inputs, exists, WHOLE)
        next_other = next_tile
        if GATED:
            next_other = _tile(weight, up, then, inputs, exists, WHOLE)
        values = tl.load(x + now, mask=now < inputs, other=0.0).to(tl.float32)
        if NORMED:
            scale = tl.load(norm_weight + now, mask=now < inputs, other=0.0).to(tl.float32)
            values = rounded(scale * rounded(values * factor, like), like)
        products += values[None, :] * tile.to(tl.float32)
        if GATED:
            others += values[None, :] * other.to(tl.float32)
        tile = next_tile
        other = next_other

    sums = tl.sum(products, 1)
    more = tl.sum(others, 1)
    if BIAS:
        sums += tl.load(bias + n, mask=exists, other=0.0).to(tl.float32)
        if GATED:
            more += tl.load(bias + outputs + n, mask=exists, other=0.0).to(tl.float32)
    result = rounded(sums, like)
    if GATED:
        result = rounded(result / (1.0 + tl.exp(-result)), like) * rounded(more, like)
    if RESIDUAL:
        result += tl.load(residual + n, mask=exists, other=0.0).to(tl.float32)
    tl.store(out + n, rounded(result, like).to(out.dtype.element_ty), mask=exists)


@dataclass(frozen=True, slots=True)
class Norm:
    """RMSNorm of the inputs: its weight [inputs], and epsilon."""

    weight: Tensor
    eps: float


def one_row(
    x: Tensor,
    weight: Tensor,
    out: Tensor,
    *,
    bias: Tensor | None = None,
    norm: Norm | None = None,
    gated: bool = False,
    residual: Tensor | None = None,
) -> None:
    """
    Fill `out` [1, N] with `norm(x) @ weight.T + bias`, for a row `x` [1, K].

    With `gated` the weights are [2 * N, K], and the result is silu(first half) * second half;
    `residual` [1, N] is added, and may be `out`. `out` may be float32 for logits. Raises ValueError
    for several rows.
    """
    rows, inputs = x.shape
    outputs = out.shape[1]
    if rows != 1:
        raise ValueError(f"this kernel is for one row, not {rows}")
    block = choose_block(outputs, inputs, gated=gated, wide=x.dtype.itemsize == 4)
    launch(
        one_row_kernel, (triton.cdiv(outputs, block.outputs),),
        x, x if norm is None else norm.weight, weight, weight if bias is None else bias,
        out if residual is None else residual, out, inputs, outputs, weight.stride(0),
        0.0 if norm is None else norm.eps,
        BLOCK_N=block.outputs, BLOCK_K=block.inputs,
        WHOLE=outputs % block.outputs == 0,
        NORMED=norm is not None, BIAS=bias is not None, GATED=gated, RESIDUAL=residual is not None,
        warps=block.warps,
    )  # fmt: skip
