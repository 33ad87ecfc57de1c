"""
Split a fused projection into queries, keys and values; norm, rotate and store them, in one kernel.

Rotary embedding: arXiv 2104.09864, pairs in the two halves of a head (Hugging Face layout). Numbers
follow transformers: norms are taken in float32 and rounded before the weight multiplies them, and
every product of the rotation is rounded to the model's type.
"""

from __future__ import annotations

from dataclasses import dataclass

import triton
import triton.language as tl
from torch import Tensor

from sglc_runtime.kernels.triton.elementwise import choose_shape
from sglc_runtime.kernels.triton.launch import launch
from sglc_runtime.kernels.triton.rounding import mantissa, rounded, storable, to_pool

LARGEST = 256
"""Numbers of a head."""


@triton.jit
def _weighted(normed, q_norm, k_norm, is_query, d, in_half, like: tl.constexpr):  # fmt: skip
    """Half of the heads [N, HALF], which are normed, times the halves of the weights from `d`."""
    for_query = tl.load(q_norm + d, mask=in_half, other=0.0).to(tl.float32)
    for_key = tl.load(k_norm + d, mask=in_half, other=0.0).to(tl.float32)
    weight = tl.where(is_query, for_query, for_key)
    return rounded(weight * rounded(normed, like), like)


@triton.jit
def rope_store_kernel(
    qkv, positions, slots, cos, sin, q_norm, k_norm, query, keys, values,
    qkv_step, table_step, slot_step, head_step, heads, kv_heads, eps,
    DIM: tl.constexpr, HALF: tl.constexpr, BLOCK: tl.constexpr,
    NORMED: tl.constexpr, MANTISSA: tl.constexpr,
):  # fmt: skip
    """
    Grid (T, (heads + 2 * kv_heads) / BLOCK); a program does BLOCK heads of a row of `qkv`.

    `qkv` [T, heads + 2 * kv_heads, DIM] with queries first, then keys, then values; `positions`
    and `slots` [T]; `cos` and `sin` [context, DIM] as `rope_tables` makes them; `query` [T, heads,
    DIM] contiguous; `keys` and `values` [slots, kv_heads, DIM]. `MANTISSA`: see `to_pool`.
    """
    row = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)[:, None]
    d = tl.arange(0, HALF)[None, :]
    in_half = d < DIM // 2
    inside = (head < heads + 2 * kv_heads) & in_half
    source = qkv + row * qkv_step + head * DIM + d
    like: tl.constexpr = qkv.dtype.element_ty
    first = tl.load(source, mask=inside, other=0.0).to(tl.float32)
    second = tl.load(source + DIM // 2, mask=inside, other=0.0).to(tl.float32)

    is_query = head < heads
    is_value = head >= heads + kv_heads
    low, high = first, second
    if NORMED:
        squares = tl.sum(first * first, 1) + tl.sum(second * second, 1)
        factor = tl.rsqrt(squares / DIM + eps)[:, None]
        low = _weighted(first * factor, q_norm, k_norm, is_query, d, in_half, like)
        high = _weighted(
            second * factor, q_norm + DIM // 2, k_norm + DIM // 2, is_query, d, in_half, like
        )
    # Both halves of the cosines are alike, and those of the sines but for their sign.
    table = tl.load(positions + row) * table_step + d
    c = tl.load(cos + table, mask=in_half, other=0.0).to(tl.float32)
    s = tl.load(sin + table + DIM // 2, mask=in_half, other=0.0).to(tl.float32)
    left = rounded(rounded(low * c, like) - rounded(high * s, like), like)
    right = rounded(rounded(high * c, like) + rounded(low * s, like), like)

    to_query = query + (row * heads + head) * DIM + d
    tl.store(to_query, left.to(like), mask=inside & is_query)
    tl.store(to_query + DIM // 2, right.to(like), mask=inside & is_query)
    slot = tl.load(slots + row).to(tl.int64) * slot_step
    is_key = ~is_query & ~is_value
    to_keys = keys + slot + (head - heads).to(tl.int64) * head_step + d
    tl.store(to_keys, to_pool(left, keys, MANTISSA), mask=inside & is_key)
    tl.store(to_keys + DIM // 2, to_pool(right, keys, MANTISSA), mask=inside & is_key)
    to_values = values + slot + (head - heads - kv_heads).to(tl.int64) * head_step + d
    tl.store(to_values, to_pool(first, values, MANTISSA), mask=inside & is_value)
    tl.store(to_values + DIM // 2, to_pool(second, values, MANTISSA), mask=inside & is_value)


@dataclass(frozen=True, slots=True)
class HeadNorms:
    """Weights [D] of the norms of queries and keys (Qwen 3), and epsilon."""

    query: Tensor
    key: Tensor
    eps: float


def rope_store(
    qkv: Tensor,
    positions: Tensor,
    slots: Tensor,
    cos: Tensor,
    sin: Tensor,
    keys: Tensor,
    values: Tensor,
    out: Tensor,
    norms: HeadNorms | None = None,
) -> None:
    """
    Fill `out` [T, H, D] with rotated queries; store rotated keys, and values, at `slots` [T].

    `qkv` is [T, (H + 2 * Hk) * D] with rows of neighbouring numbers, `positions` [T] int64, `cos`
    and `sin` [context, D] from `rope_tables`, `keys` and `values` [slots, Hk, D] the pool of a
    layer. `norms` come before the rotation.
    """
    rows, heads, dim = out.shape
    kv_heads = keys.shape[1]
    shape = choose_shape("rope_store", dim)
    grid = rows, triton.cdiv(heads + 2 * kv_heads, shape.block)
    query, key = (qkv, qkv) if norms is None else (norms.query, norms.key)
    launch(
        rope_store_kernel, grid, qkv, positions, slots, cos, sin, query, key, out,
        storable(keys), storable(values), qkv.stride(0), cos.stride(0),
        keys.stride(0), keys.stride(1), heads, kv_heads, 0.0 if norms is None else norms.eps,
        DIM=dim, HALF=triton.next_power_of_2(dim // 2), BLOCK=shape.block,
        NORMED=norms is not None, MANTISSA=mantissa(keys.dtype), warps=shape.warps,
    )  # fmt: skip
