"""
Which stretches of keys a captured decode step reads once for several rows, and in which pieces.

Planned on the host when the members of a batch change: rows are in depth-first order of the radix
tree (`batching.Packer`), so those that share a stretch are neighbours. A stretch is read by
itself, once for each tile of its rows, where that moves fewer bytes than reading it with what
comes behind it (the choice that FastTree, MLSys 2025, and PAT, arXiv 2511.22333, make for each
edge of the tree); otherwise its keys go to the smaller stretches and to the rows below it.

Pure functions over numpy; nothing here knows a device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sglc_runtime.attention.pieces import Column, Ints
from sglc_runtime.attention.segments import segments_of
from sglc_runtime.attention.sharing import TileShape
from sglc_runtime.models.base import Run

Ints64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeShape(TileShape):
    """And the room in the tables of a captured step."""

    pieces: int
    """Room in `SharedPieces.table`."""
    parts: int
    """Room in `SharedPieces.parts`, and for partial results."""
    worth: int = 8 << 20
    """
    Bytes of a layer that a plan has to save. Below, the launch that reads the shared pieces is not
    worth it, as at small batches. Not measured: two microseconds of a device with 4 TB/s.
    """


@dataclass(frozen=True, slots=True)
class SharedPlan:
    """Contents of `decode_inputs.SharedPieces` and of `own_starts`, for B rows with padding."""

    table: Ints
    """int32 [P, 8], columns as in `pieces.Column`; slots lie in `slot_table`, read as flat."""
    part_starts: Ints
    """int32 [B + 1]."""
    parts: Ints
    """int32 [part_starts[B]]: numbers of partial results, which are 0 .. len(parts) - 1."""
    own_starts: Ints
    """int32 [B]: 0 for padding; at most a row's position when the plan was made."""

    @property
    def count(self) -> int:
        """How many pieces there are; 0 where nothing is worth sharing."""
        return len(self.table)


class _Stretch(NamedTuple):
    """Rows [first, last), two or more, and positions that they have the same keys in."""

    first: int
    last: int
    start: int
    end: int
    """What can be shared ends here: every row's own position is left to it."""
    lowest: int
    """Below, a window hides the keys from all of the rows."""


class _Chosen(NamedTuple):
    """Positions [start, end) of rows [first, last) are read together, which saves some bytes."""

    first: int
    last: int
    start: int
    end: int
    saved: int


def plan_shared(
    runs: Sequence[Run],
    positions: Sequence[int],
    table_rows: Sequence[int],
    shape: TreeShape,
    *,
    width: int,
    rows: int | None = None,
    window: int | None = None,
) -> SharedPlan:
    """
    Plan a decode step of rows at `positions`; the plan stays right while these move on.

    `runs` are those of the tree, parents first (runs of one row may be left out), as `Batch` has
    them. `table_rows[i]` is row i's row of the slot table, which is `width` wide; a shared piece
    takes its slots from its first row there. `rows` is the size of the step with padding, by
    default that without. With `window`, keys that no row sees any more are left out.

    Plan anew when rows or tree change. Not for results that must not depend on the batch. Raises
    ValueError where the runs are not those of a tree over the batch, or where a slot's place does
    not fit into int32.
    """
    stretches = _stretches(runs, positions, window)
    chosen = _choose(stretches, shape)
    if sum(each.saved for each in chosen) < shape.worth:
        chosen = []
    kept = _fitting(chosen, shape)
    if len(kept) < len(chosen):
        chosen = _choose(stretches, shape, kept)
    if not chosen:
        count = len(positions) if rows is None else rows
        nothing = np.empty((0, len(Column)), np.int32)
        zeros = np.zeros(count + 1, np.int32)
        return SharedPlan(nothing, zeros, nothing.ravel(), zeros[1:])
    return _tables(chosen, table_rows, shape, width, len(positions) if rows is None else rows)


def _stretches(runs: Sequence[Run], positions: Sequence[int], window: int | None) -> list[_Stretch]:
    """What two or more rows share, parents first."""
    segments = segments_of(runs, len(positions), shared=True)
    if not segments:
        return []
    # reduceat takes the edges of all spans as one list, and wants a number behind the last row.
    edges = np.fromiter(chain.from_iterable(each[:2] for each in segments), np.int64)
    least = np.minimum.reduceat(np.array([*positions, 0]), edges)[::2].tolist()
    return [
        _Stretch(
            each.first,
            each.last,
            each.start,
            min(each.end, position),
            0 if window is None else max(0, position - window + 1),
        )
        for each, position in zip(segments, least, strict=True)
    ]


def _choose(
    stretches: list[_Stretch], shape: TreeShape, allowed: set[tuple[int, int]] | None = None
) -> list[_Chosen]:
    """Those that are better read by themselves, from the root down; of rows `allowed` only."""
    chosen: list[_Chosen] = []
    around: list[tuple[int, int]] = []
    """Of each stretch around the next: its last row, and from where on nobody reads its keys."""
    for stretch, readers in zip(stretches, _readers(stretches, shape.tile_rows), strict=True):
        first, last, _, end, lowest = stretch
        while around and around[-1][0] <= first:
            around.pop()
        start = max(lowest, around[-1][1] if around else 0)
        rows = last - first
        fewer = readers - -(-rows // shape.tile_rows)
        saved = fewer * (end - start) * shape.traffic.key - rows * shape.traffic.partial
        if start < end and saved > 0 and (allowed is None or (first, last) in allowed):
            chosen.append(_Chosen(first, last, start, end, saved))
            start = end
        around.append((last, start))
    return chosen


def _readers(stretches: list[_Stretch], height: int) -> list[int]:
    """How many tiles read the keys of each stretch if what is right below it does, and rows do."""
    readers = [stretch.last - stretch.first for stretch in stretches]
    around: list[int] = []
    for index, stretch in enumerate(stretches):
        while around and stretches[around[-1]].last <= stretch.first:
            around.pop()
        if around:
            rows = stretch.last - stretch.first
            readers[around[-1]] += -(-rows // height) - rows
        around.append(index)
    return readers


def _fitting(chosen: list[_Chosen], shape: TreeShape) -> set[tuple[int, int]]:
    """Rows of as many of the chosen as there is room for, those that save most first."""
    pieces, parts = shape.pieces, shape.parts
    kept = set()
    for first, last, _, _, _ in sorted(chosen, key=lambda each: -each.saved):
        rows = last - first
        tiles = -(-rows // shape.tile_rows)
        if tiles <= pieces and rows <= parts:
            pieces, parts = pieces - tiles, parts - rows
            kept.add((first, last))
    return kept


def _tables(
    chosen: list[_Chosen], table_rows: Sequence[int], shape: TreeShape, width: int, padded: int
) -> SharedPlan:
    if (max(table_rows) + 1) * width > np.iinfo(np.int32).max:
        raise ValueError(f"slots of {max(table_rows) + 1} rows of {width} do not fit into int32")
    first, last, start, end, _ = np.array(chosen).T
    rows, length = last - first, end - start
    tiles = -(-rows // shape.tile_rows)
    size = _split(rows, tiles, length, shape)
    splits = -(-length // size)
    # Pieces of a stretch: part by part, and in each tile by tile.
    count = tiles * splits
    of = np.repeat(np.arange(len(chosen)), count)
    number = np.arange(len(of)) - np.repeat(count.cumsum() - count, count)
    split, tile = number // tiles[of], number % tiles[of]
    table = np.full((len(of), len(Column)), -1, np.int32)
    top = first[of] + tile * shape.tile_rows
    height = np.minimum(last[of] - top, shape.tile_rows)
    begin = start[of] + split * size[of]
    table[:, Column.FIRST_ROW] = top
    table[:, Column.ROWS] = height
    table[:, Column.SLOTS] = np.array(table_rows)[first[of]] * width + begin
    table[:, Column.KEYS] = np.minimum(end[of] - begin, size[of])
    table[:, Column.START] = begin
    table[:, Column.PARTIAL] = height.cumsum() - height
    table[:, Column.DIRECT] = 0
    own_starts = np.zeros(padded, np.int32)
    for each in chosen:
        own_starts[each.first : each.last] = each.end
    # Pieces are in the order of positions for every row, so a stable sort by row keeps that.
    total = int(height.sum())
    row = np.repeat(top - table[:, Column.PARTIAL], height) + np.arange(total)
    part_starts = np.zeros(padded + 1, np.int32)
    np.bincount(row, minlength=padded).cumsum(out=part_starts[1:])
    return SharedPlan(
        table, part_starts, np.argsort(row, kind="stable").astype(np.int32), own_starts
    )


def _split(rows: Ints64, tiles: Ints64, length: Ints64, shape: TreeShape) -> Ints64:
    """
    Keys of the pieces of each stretch: few enough to give every program of the device some, as
    many as the room for pieces and parts asks for, and the same for the pieces of a stretch.
    """
    wanted = max(1, shape.programs // shape.kv_heads)
    longest = max(shape.shortest, -(-int((tiles * length).sum()) // wanted))
    while True:
        splits = -(-length // longest)
        even = -(-length // splits)
        size = -(-even // shape.block) * shape.block
        splits = -(-length // size)
        fits = (tiles * splits).sum() <= shape.pieces and (rows * splits).sum() <= shape.parts
        if fits or splits.max() == 1:
            return size
        longest += -(-longest // 2)
