"""
Attention of pieces: the rows of a piece against its keys, as a partial result.

One program computes one piece and one KV head: all query heads of the head and all rows of the
piece are one tile, rows side by side with heads, so that any number of query heads for a KV head
fits. Softmax is online over blocks of keys (FlashAttention, arXiv 2205.14135), in base 2.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from sglc_runtime.kernels.triton.launch import launch

LOG2_E = tl.constexpr(1.4426950408889634)


@triton.jit
def attend_kernel(
    query, keys, values, table, slots, positions, out, lse,
    query_step, slot_step, head_step, scale, softcap, window, heads,
    GROUP: tl.constexpr, DIM: tl.constexpr, WIDE: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr,
    WINDOW: tl.constexpr, SOFTCAP: tl.constexpr, UPCAST: tl.constexpr, IEEE: tl.constexpr,
):  # fmt: skip
    """
    Grid (pieces, KV heads). `query` [T, H, D]; `keys`, `values` [slots, Hk, D] with
    steps from slot to slot and from head to head; `table` [P, 8] and
    `slots` as in `Pieces`; `out` [partials, H, D] and `lse` [partials, H] float32.
    """
    entry = table + tl.program_id(0) * 8
    head = tl.program_id(1)
    first_row = tl.load(entry)
    rows = tl.load(entry + 1)
    slots += tl.load(entry + 2)
    count = tl.load(entry + 3)
    start = tl.load(entry + 4)
    partial = tl.load(entry + 5)

    m = tl.arange(0, BLOCK_M)
    n = tl.arange(0, BLOCK_N)
    d = tl.arange(0, WIDE)
    row = m // GROUP
    query_head = head * GROUP + m % GROUP
    real = row < rows
    in_dim = d < DIM
    position = tl.load(positions + first_row + row, mask=real, other=-1)
    at = (first_row + row).to(tl.int64) * query_step + query_head * DIM
    q = tl.load(query + at[:, None] + d[None, :], mask=real[:, None] & in_dim[None, :], other=0.0)
    if UPCAST:
        q = q.to(tl.float32)

    highest = tl.full((BLOCK_M,), -float("inf"), tl.float32)
    total = tl.zeros((BLOCK_M,), tl.float32)
    sums = tl.zeros((BLOCK_M, WIDE), tl.float32)
    for first in range(0, count, BLOCK_N):
        index = first + n
        exists = index < count
        slot = tl.load(slots + index, mask=exists, other=0).to(tl.int64)
        place = slot * slot_step + head * head_step
        in_pool = exists[:, None] & in_dim[None, :]
        k = tl.load(keys + place[:, None] + d[None, :], mask=in_pool, other=0.0)
        v = tl.load(values + place[:, None] + d[None, :], mask=in_pool, other=0.0)
        if UPCAST:
            k = k.to(tl.float32)
            v = v.to(tl.float32)
        if IEEE:
            scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
        else:
            scores = tl.dot(q, tl.trans(k)) * scale
        if SOFTCAP:
            # tanh(x) = 1 - 2 / (exp(2x) + 1), which neither overflows to NaN nor loses its sign.
            scores = softcap * (1.0 - 2.0 / (tl.exp2(scores / softcap * (2.0 * LOG2_E)) + 1.0))
        key_position = start + index
        visible = exists[None, :] & (key_position[None, :] <= position[:, None])
        if WINDOW:
            visible = visible & (key_position[None, :] > position[:, None] - window)
        scores = tl.where(visible, scores * LOG2_E, -float("inf"))
        new_highest = tl.maximum(highest, tl.max(scores, 1))
        # A row that has seen no key yet has no maximum to subtract.
        base = tl.where(new_highest == -float("inf"), 0.0, new_highest)
        weights = tl.exp2(scores - base[:, None])
        shrink = tl.exp2(highest - base)
        total = total * shrink + tl.sum(weights, 1)
        if IEEE:
            new = tl.dot(weights.to(v.dtype), v, input_precision="ieee")
        else:
            new = tl.dot(weights.to(v.dtype), v)
        sums = sums * shrink[:, None] + new
        highest = new_highest

    seen = total > 0.0
    divisor = tl.where(seen, total, 1.0)
    result = (partial + row).to(tl.int64) * heads + query_head
    tl.store(
        out + result[:, None] * DIM + d[None, :], sums / divisor[:, None],
        mask=real[:, None] & in_dim[None, :],
    )  # fmt: skip
    tl.store(lse + result, tl.where(seen, highest + tl.log2(divisor), -float("inf")), mask=real)


class Tile(NamedTuple):
    """Shape of a program: query rows times heads, keys of a block, warps and pipeline stages."""

    block_m: int
    block_n: int
    warps: int = 4
    stages: int = 2


def attend(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    table: Tensor,
    slots: Tensor,
    positions: Tensor,
    out: Tensor,
    lse: Tensor,
    tile: Tile,
    *,
    scale: float,
    window: int | None,
    softcap: float | None,
    upcast: bool,
) -> None:
    """
    Fill `out` and `lse` (base 2) with the partial results of the pieces in `table`.

    Shapes as in `attend_kernel`; `positions` int32 [T]. A piece has at most
    `tile.block_m // (H // Hk)` rows. `upcast` computes in float32.
    """
    _, heads, dim = query.shape
    group = heads // keys.shape[1]
    launch(
        attend_kernel, (len(table), keys.shape[1]),
        query, keys, values, table, slots, positions, out, lse,
        query.stride(0), keys.stride(0), keys.stride(1), scale, softcap or 0.0, window or 0, heads,
        GROUP=group, DIM=dim, WIDE=max(16, triton.next_power_of_2(dim)),
        BLOCK_M=tile.block_m, BLOCK_N=tile.block_n,
        WINDOW=window is not None, SOFTCAP=softcap is not None,
        UPCAST=upcast, IEEE=upcast or query.dtype == torch.float32,
        warps=tile.warps, stages=tile.stages,
    )  # fmt: skip
