"""
Attention of a decode step: one row for each sequence, and stretches that several rows share.

What a program does was written on the device (see `split.py`), so that the launch is the same for
every step and can be captured in a CUDA graph.
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from sglc_runtime.kernels.triton.attend import Partials, Scores, Tile, constants
from sglc_runtime.kernels.triton.launch import launch
from sglc_runtime.kernels.triton.rounding import storable
from sglc_runtime.kernels.triton.split import Items
from sglc_runtime.kernels.triton.tile import attend_tile


# A window must not be a new form of the kernel.
@triton.jit(do_not_specialize=["window"])
def decode_kernel(
    query, keys, values, items, firsts, slots, positions, sinks, out, partial, lse,
    query_step, out_step, slot_step, head_step, scale, softcap, window, heads,
    KV_HEADS: tl.constexpr, GROUP: tl.constexpr, DIM: tl.constexpr, WIDE: tl.constexpr,
    BLOCK_M: tl.constexpr, SHARED_M: tl.constexpr, BLOCK_N: tl.constexpr,
    WINDOW: tl.constexpr, SOFTCAP: tl.constexpr, SINKS: tl.constexpr,
    UPCAST: tl.constexpr, MANTISSA: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """
    Grid (queues x KV heads): a program attends the pieces of one queue for one KV head.

    `items` [capacity, 8] as `Column` says, those of queue i from `firsts[i]` to `firsts[i + 1]`;
    `slots` the table of slots, flat; the rest as in `attend_tile`. Pieces of more rows than a tile
    of `BLOCK_M` holds are computed in one of `SHARED_M`, if that is not 0.
    """
    head = tl.program_id(0) % KV_HEADS
    queue = tl.program_id(0) // KV_HEADS
    keys += head.to(tl.int64) * head_step
    values += head.to(tl.int64) * head_step
    for item in range(tl.load(firsts + queue), tl.load(firsts + queue + 1)):
        entry = items + item * 8
        small = True
        if SHARED_M > 0:
            small = tl.load(entry + 1) <= BLOCK_M // GROUP
        if small:
            attend_tile(
                query, keys, values, entry, slots, positions, slots, sinks, out, partial, lse,
                head, query_step, out_step, slot_step, scale, softcap, window, heads,
                GROUP, DIM, WIDE, BLOCK_M, BLOCK_N, WINDOW, SOFTCAP, SINKS, False,
                UPCAST, MANTISSA, PRECISION,
            )  # fmt: skip
        if SHARED_M > 0 and not small:
            attend_tile(
                query, keys, values, entry, slots, positions, slots, sinks, out, partial, lse,
                head, query_step, out_step, slot_step, scale, softcap, window, heads,
                GROUP, DIM, WIDE, SHARED_M, BLOCK_N, WINDOW, SOFTCAP, SINKS, False,
                UPCAST, MANTISSA, PRECISION,
            )  # fmt: skip


def decode(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    items: Items,
    slot_table: Tensor,
    positions: Tensor,
    out: Tensor,
    partials: Partials,
    tile: Tile,
    scores: Scores,
    *,
    shared_m: int = 0,
) -> None:
    """
    Fill the rows of `out` [B, H, D] that have one item, and `partials` for the others.

    `slot_table` [N, C] as in `DecodeInputs`. A shared piece has at most as many rows as a tile of
    `shared_m` holds.
    """
    launch(
        decode_kernel, (items.queues * keys.shape[1],),
        query, storable(keys), storable(values), items.table, items.firsts, slot_table, positions,
        partials.lse if scores.sinks is None else scores.sinks, out, *partials,
        query.stride(0), out.stride(0), keys.stride(0), keys.stride(1),
        scores.scale, scores.softcap or 0.0, scores.window or 0, query.shape[1],
        KV_HEADS=keys.shape[1], BLOCK_M=tile.block_m,
        SHARED_M=shared_m if shared_m > tile.block_m else 0, BLOCK_N=tile.block_n,
        **constants(query, keys, scores), warps=tile.warps, stages=tile.stages,
    )  # fmt: skip
