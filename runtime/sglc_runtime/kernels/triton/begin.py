"""The beginning of a decode step: ids that are only known on the device, and the step's slots."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from sglc_runtime.kernels.triton.launch import launch

LARGEST = 1024
"""Rows of a program at most."""


@triton.jit(do_not_specialize=["rows", "width"])
def begin_kernel(
    ids, sources, previous, positions, out_slots, table_rows, table, out, rows, width,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """
    Grid (B / BLOCK). All [B]: `out` takes row `sources` of `previous`, or `ids` where that is
    negative; `table` [N, width] takes `out_slots` at (`table_rows`, `positions`).
    """
    row = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = row < rows
    source = tl.load(sources + row, mask=inside, other=-1)
    known = tl.load(ids + row, mask=inside, other=0)
    computed = tl.load(previous + source, mask=source >= 0, other=0)
    tl.store(out + row, tl.where(source >= 0, computed, known), mask=inside)
    at = tl.load(table_rows + row, mask=inside, other=0).to(tl.int64) * width
    at += tl.load(positions + row, mask=inside, other=0)
    slot = tl.load(out_slots + row, mask=inside, other=0)
    tl.store(table + at, slot.to(tl.int32), mask=inside)


def begin(
    ids: Tensor,
    sources: Tensor,
    previous: Tensor,
    positions: Tensor,
    out_slots: Tensor,
    table_rows: Tensor,
    table: Tensor,
    out: Tensor,
) -> None:
    """
    Fill `out` int64 [B] with the ids of a step, and its places in `table` int32 [N, width].

    `ids`, `positions` and `out_slots` are int64 [B], `sources` and `table_rows` int32 [B]; a
    source is a row of `previous` int64 [any], or -1 for the row's own id.
    """
    rows = len(ids)
    block = min(triton.next_power_of_2(rows), LARGEST)
    launch(
        begin_kernel, (triton.cdiv(rows, block),),
        ids, sources, previous, positions, out_slots, table_rows, table, out,
        rows, table.stride(0), BLOCK=block, warps=min(4, max(1, block // 32)),
    )  # fmt: skip
