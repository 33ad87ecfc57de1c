"""
Work of a decode step, shared out on the device.

All keys of the batch, sequence after sequence, are cut into as many equal stretches as there are
programs for a KV head, and at the ends of sequences: every program reads the same number of keys,
whatever the lengths are (stream-K, arXiv 2301.03598, for split-KV decoding). Nothing is known on
the host, so a CUDA graph of the step stays valid while contexts grow.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import triton
import triton.language as tl
from torch import Tensor

from sglc_runtime.attention.decode_inputs import DecodeInputs
from sglc_runtime.kernels.triton.launch import launch


# A new batch or context length must not be a new form of the kernel.
@triton.jit(do_not_specialize=["rows", "columns", "queues", "window", "least", "own_partials"])
def split_kernel(
    positions, own_starts, table_rows, shared_table, shared_count, part_starts,
    items, firsts, own_parts, rows, columns, queues, window, least, own_partials,
    UNIT: tl.constexpr, FIXED: tl.constexpr, WINDOW: tl.constexpr, SHARED: tl.constexpr,
    ROWS: tl.constexpr, PIECES: tl.constexpr, PARTS: tl.constexpr, QUEUES: tl.constexpr,
):  # fmt: skip
    """
    Grid (B + 1): a program writes the items of one row, the last one those of shared pieces.

    Work is counted in units of `UNIT` keys; a queue gets `share` of them, cut at its multiples.
    With `FIXED` a unit is an item, and units are blocks of absolute positions.
    """
    me = tl.program_id(0)
    b = tl.arange(0, ROWS)
    position = tl.load(positions + b, mask=b < rows, other=-1).to(tl.int32)
    low = tl.load(own_starts + b, mask=b < rows, other=0)
    if WINDOW:
        low = tl.maximum(low, position + 1 - window)
    if FIXED:
        low = low // UNIT * UNIT
    units = tl.cdiv(position + 1 - low, UNIT)

    shared = 0
    begin = 0
    if SHARED:
        s = tl.arange(0, PIECES)
        shared = tl.load(shared_count)
        cost = tl.cdiv(tl.load(shared_table + s * 8 + 3, mask=s < shared, other=0), UNIT)
        if FIXED:
            cost = (s < shared).to(tl.int32)
        begin = tl.sum(cost, 0)
    ends = begin + tl.cumsum(units, 0)
    starts = ends - units
    total = begin + tl.sum(units, 0)
    share = tl.maximum(tl.cdiv(total, queues), least)
    parts = units
    if not FIXED:
        parts = tl.where(units > 0, (ends - 1) // share - starts // share + 1, 0)

    if me < rows:
        mine = b == me
        here = tl.sum(tl.where(mine, starts, 0), 0)
        there = tl.sum(tl.where(mine, ends, 0), 0)
        from_key = tl.sum(tl.where(mine, low, 0), 0)
        to_key = tl.sum(tl.where(mine, position, 0), 0) + 1
        count = tl.sum(tl.where(mine, parts, 0), 0)
        ahead = tl.sum(tl.where(b < me, parts, 0), 0)
        j = tl.arange(0, PARTS)
        if FIXED:
            first = here + j
            last = first + 1
        else:
            first = tl.maximum(here, (here // share + j) * share)
            last = tl.minimum(there, (here // share + j + 1) * share)
        start = from_key + (first - here) * UNIT
        end = tl.minimum(from_key + (last - here) * UNIT, to_key)
        slots = tl.load(table_rows + me) * columns + start
        direct = count == 1
        if SHARED:
            direct = direct & (tl.load(part_starts + me) == tl.load(part_starts + me + 1))
        index = shared + ahead + j
        real = j < count
        entry = items + index * 8
        tl.store(entry, me + tl.zeros_like(j), mask=real)
        tl.store(entry + 1, 1 + tl.zeros_like(j), mask=real)
        tl.store(entry + 2, slots, mask=real)
        tl.store(entry + 3, end - start, mask=real)
        tl.store(entry + 4, start, mask=real)
        tl.store(entry + 5, own_partials + ahead + j, mask=real)
        tl.store(entry + 6, -1 + tl.zeros_like(j), mask=real)
        tl.store(entry + 7, direct.to(tl.int32) + tl.zeros_like(j), mask=real)
        tl.store(firsts + first // share, index, mask=real & (first % share == 0))
        tl.store(own_parts + me, own_partials + ahead)
    else:
        all_parts = tl.sum(parts, 0)
        tl.store(own_parts + rows, own_partials + all_parts)
        q = tl.arange(0, QUEUES)
        tl.store(firsts + q, shared + all_parts, mask=(q <= queues) & (q * share >= total))
        if SHARED:
            column = tl.arange(0, 8)
            at = s[:, None] * 8 + column[None, :]
            piece = tl.load(shared_table + at, mask=(s < shared)[:, None], other=0)
            tl.store(items + at, piece, mask=(s < shared)[:, None])
            # Piece s is the first of the queues that begin behind the start of the piece before
            # it; "piece" `shared` is the first item of the rows.
            before = tl.load(shared_table + (s - 1) * 8 + 3, mask=(s > 0) & (s <= shared), other=0)
            before = tl.cdiv(before, UNIT)
            if FIXED:
                before = ((s > 0) & (s <= shared)).to(tl.int32)
            piece_start = tl.cumsum(cost, 0) - cost
            low_queue = tl.where(s > 0, (piece_start - before) // share + 1, 0)
            high_queue = tl.where(s <= shared, piece_start // share, -1)
            for offset in range(0, tl.max(high_queue - low_queue, 0) + 1):
                queue = low_queue + offset
                tl.store(firsts + queue, s, mask=queue <= high_queue)


@dataclass(frozen=True, slots=True)
class Splitting:
    """How the keys of a step are cut."""

    unit: int
    """Keys that are never cut: a block of the attention kernel, or the size of a fixed split."""
    queues: int
    """Programs for each KV head."""
    least: int = 1
    """Units that a queue gets at least, so that short contexts are not split in vain."""
    fixed: bool = False
    """Cut each sequence at multiples of `unit`, whatever else is in the batch."""


@dataclass(frozen=True, slots=True)
class Items:
    """Work of one step and one kind of window; written by `split`."""

    table: Tensor
    """int32 [capacity, 8]: pieces as `Column` says, the shared ones first."""
    firsts: Tensor
    """int32 [queues + 1]: where each queue begins in `table`."""
    own_parts: Tensor
    """int32 [B + 1]: where the partial results of each row's own keys begin."""

    @property
    def queues(self) -> int:
        """Programs for each KV head."""
        return len(self.firsts) - 1


def row_parts(inputs: DecodeInputs, splitting: Splitting) -> int:
    """Items that the own keys of one row have at most."""
    if splitting.fixed:
        return -(-inputs.slot_table.shape[1] // splitting.unit)
    return splitting.queues + 1


def own_capacity(inputs: DecodeInputs, splitting: Splitting) -> int:
    """Items that the own keys of all rows have at most."""
    rows = len(inputs.positions)
    if splitting.fixed:
        return rows * row_parts(inputs, splitting)
    return rows + splitting.queues


def make_items(inputs: DecodeInputs, splitting: Splitting) -> Items:
    """Room for the items of any step."""
    pieces = len(inputs.shared.table) if inputs.shared else 0
    capacity = pieces + own_capacity(inputs, splitting)
    rows, device = len(inputs.positions), inputs.positions.device
    return Items(
        torch.empty(capacity, 8, dtype=torch.int32, device=device),
        torch.empty(splitting.queues + 1, dtype=torch.int32, device=device),
        torch.empty(rows + 1, dtype=torch.int32, device=device),
    )


def split(
    inputs: DecodeInputs, items: Items, splitting: Splitting, *, window: int | None = None
) -> None:
    """
    Write the items of the step that `inputs` hold.

    Partial results of rows' own keys come behind those of shared pieces, of which there are at most
    as many as `SharedPieces.parts` is long.
    """
    rows = len(inputs.positions)
    shared = inputs.shared
    tables = (
        (shared.table, shared.count, shared.part_starts)
        if shared
        else (items.table, items.firsts, items.own_parts)
    )
    launch(
        split_kernel, (rows + 1,),
        inputs.positions, inputs.own_starts, inputs.table_rows, *tables,
        items.table, items.firsts, items.own_parts,
        rows, inputs.slot_table.stride(0), splitting.queues, window or 0, splitting.least,
        len(shared.parts) if shared else 0,
        UNIT=splitting.unit, FIXED=splitting.fixed, WINDOW=window is not None,
        SHARED=shared is not None, ROWS=triton.next_power_of_2(rows),
        PIECES=triton.next_power_of_2(len(shared.table) + 1) if shared else 1,
        PARTS=triton.next_power_of_2(row_parts(inputs, splitting)),
        QUEUES=triton.next_power_of_2(splitting.queues + 1),
        warps=4, stages=1,
    )  # fmt: skip
