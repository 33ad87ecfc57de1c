"""
Attention of pieces: the rows of each piece against its keys.

Pieces are planned on the host (`attention/pieces.py`): tiles of a prompt's rows against all their
keys, rows of several sequences against a prefix that they share, stretches of long contexts.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from sglc_runtime.kernels.triton.launch import interpreted, launch
from sglc_runtime.kernels.triton.rounding import mantissa, storable
from sglc_runtime.kernels.triton.tile import attend_tile


# A window must not be a new form of the kernel.
@triton.jit(do_not_specialize=["window"])
def attend_kernel(
    query, keys, values, table, slots, positions, masks, sinks, out, partial, lse,
    query_step, out_step, slot_step, head_step, scale, softcap, window, heads,
    GROUP: tl.constexpr, DIM: tl.constexpr, WIDE: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr,
    WINDOW: tl.constexpr, SOFTCAP: tl.constexpr, SINKS: tl.constexpr, MASKS: tl.constexpr,
    UPCAST: tl.constexpr, MANTISSA: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """
    Grid (pieces, KV heads): a program attends one piece for one KV head.

    `query` [T, H, D]; `keys`, `values` [slots, Hk, D] with steps from slot to slot and from head to
    head; `table` [P, 8] and `slots` as in `Pieces`; outputs as in `attend_tile`.
    """
    head = tl.program_id(1)
    attend_tile(
        query, keys + head.to(tl.int64) * head_step, values + head.to(tl.int64) * head_step,
        table + tl.program_id(0) * 8, slots, positions, masks, sinks, out, partial, lse, head,
        query_step, out_step, slot_step, scale, softcap, window, heads,
        GROUP, DIM, WIDE, BLOCK_M, BLOCK_N, WINDOW, SOFTCAP, SINKS, MASKS,
        UPCAST, MANTISSA, PRECISION,
    )  # fmt: skip


class Tile(NamedTuple):
    """Shape of a program: query rows times heads, keys of a block, warps and pipeline stages."""

    block_m: int
    block_n: int
    warps: int = 4
    stages: int = 2


class Partials(NamedTuple):
    """Results that have to be merged, float32."""

    out: Tensor
    """[partials, H, D]."""
    lse: Tensor
    """[partials, H]: log-sum-exp of the scores, base 2."""

    @classmethod
    def empty(cls, count: int, heads: int, dim: int, device: torch.device) -> Partials:
        """Room for `count` partial results."""
        shape = (count, heads, dim)
        return cls(torch.empty(shape, device=device), torch.empty(shape[:2], device=device))


class Scores(NamedTuple):
    """What is done with the products of queries and keys."""

    scale: float
    window: int | None = None
    softcap: float | None = None
    sinks: Tensor | None = None
    """[H]: a logit of each head that takes part in the softmax and has no value (gpt-oss)."""


def attend(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    table: Tensor,
    slots: Tensor,
    positions: Tensor,
    out: Tensor,
    partials: Partials,
    tile: Tile,
    scores: Scores,
    masks: Tensor | None = None,
) -> None:
    """
    Fill the rows of `out` [T, H, D] that have one piece, and `partials` for the others.

    Shapes as in `attend_kernel`; `positions` integers [T]; `masks` int32, the words of the pieces'
    masks where there are any. A piece has at most `tile.block_m // (H // Hk)` rows.
    """
    launch(
        attend_kernel, (len(table), keys.shape[1]),
        query, storable(keys), storable(values), table, slots, positions,
        slots if masks is None else masks,
        partials.lse if scores.sinks is None else scores.sinks, out, *partials,
        query.stride(0), out.stride(0), keys.stride(0), keys.stride(1),
        scores.scale, scores.softcap or 0.0, scores.window or 0, query.shape[1],
        BLOCK_M=tile.block_m, BLOCK_N=tile.block_n, MASKS=masks is not None,
        **constants(query, keys, scores), warps=tile.warps, stages=tile.stages,
    )  # fmt: skip


def constants(query: Tensor, keys: Tensor, scores: Scores) -> dict[str, int | bool | str]:
    """The constants that all attention kernels have in common."""
    _, heads, dim = query.shape
    upcast = interpreted(query) and query.dtype == torch.bfloat16
    return {
        "GROUP": heads // keys.shape[1], "DIM": dim, "WIDE": max(16, triton.next_power_of_2(dim)),
        "WINDOW": scores.window is not None, "SOFTCAP": scores.softcap is not None,
        "SINKS": scores.sinks is not None, "UPCAST": upcast, "MANTISSA": mantissa(keys.dtype),
        "PRECISION": "ieee" if upcast or query.dtype == torch.float32 else "tf32",
    }  # fmt: skip
