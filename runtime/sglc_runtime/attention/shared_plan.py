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


AHEAD = 32
"""Tokens by which sequences are taken to be longer than they are: plans serve for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeShape(TileShape):
    """And the room in the tables of a captured step."""

    pieces: int
    """Room in `SharedPieces.table`."""
    parts: int
    """Room in `SharedPieces.parts`, and for partial results."""
    worth: int = 4 << 20
    """
    Bytes of a layer that a plan has to save; below, as at small batches, it is not worth making.
    Not measured: a microsecond of a device with 4 TB/s. With 0, all that saves bytes is shared.
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

    Plan anew when rows or tree change, and now and then: pieces are as long as suits the lengths of
    the sequences. Not for results that must not depend on the batch. Raises
    ValueError where the runs are not those of a tree over the batch, or where a slot's place does
    not fit into int32.
    """
    stretches = _stretches(runs, positions, window)
    chosen = _choose(stretches, shape)
    if _saved(chosen, shape) < shape.worth:
        chosen = []
    kept = _fitting(stretches, chosen, shape)
    if any(kept.get(each[:2]) != each.last for each in chosen):
        chosen = _choose(stretches, shape, kept)
    padded = len(positions) if rows is None else rows
    own_starts = np.zeros(padded, np.int32)
    for each in chosen:
        own_starts[each.first : each.last] = each.end
    if not chosen:
        return _nothing(own_starts)
    if (max(table_rows) + 1) * width > np.iinfo(np.int32).max:
        raise ValueError(f"slots of {max(table_rows) + 1} rows of {width} do not fit into int32")
    seen = np.array(positions) + 1 + AHEAD
    own = seen - own_starts[: len(positions)].astype(np.int64)
    if window is not None:
        seen, own = np.minimum(seen, window), np.minimum(own, window)
    tiles = _tiles(chosen, shape, _units(own, shape))
    if shape.worth and max(tiles.longest, tiles.share) >= _share(_units(seen, shape), shape):
        # Few long pieces, for want of room: rows by themselves keep the device busier.
        own_starts[:] = 0
        return _nothing(own_starts)
    return _tables(tiles, np.array(table_rows) * width, shape.block, own_starts)


def _nothing(own_starts: Ints) -> SharedPlan:
    table = np.empty((0, len(Column)), np.int32)
    return SharedPlan(table, np.zeros(len(own_starts) + 1, np.int32), table.ravel(), own_starts)


def _units(keys: Ints64, shape: TreeShape) -> int:
    """Blocks of rows with so many keys each."""
    return int((-(-keys // shape.block)).sum())


def _share(units: int, shape: TreeShape) -> int:
    """Blocks that each program of a KV head gets."""
    queues = max(1, shape.programs // shape.kv_heads)
    return max(-(-units // queues), -(-shape.shortest // shape.block))


def _saved(chosen: list[_Chosen], shape: TreeShape) -> int:
    """Bytes that a layer saves over rows that read all their keys by themselves."""
    traffic = shape.traffic
    total = 0
    for first, last, start, end, _ in chosen:
        rows = last - first
        fewer = rows + -rows // shape.tile_rows
        total += fewer * (end - start) * traffic.key - rows * traffic.partial
    return total


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
    stretches: list[_Stretch], shape: TreeShape, kept: dict[tuple[int, int], int] | None = None
) -> list[_Chosen]:
    """
    Those that are better read by themselves, from the root down.

    `kept`: only these, by first and last row, and only for rows up to another one.
    """
    chosen: list[_Chosen] = []
    around: list[tuple[int, int]] = []
    """Of each stretch around the next: its last row, and from where on nobody reads its keys."""
    below = _readers(stretches, shape.tile_rows)
    for stretch, (readers, programs) in zip(stretches, below, strict=True):
        first, last, _, end, lowest = stretch
        while around and around[-1][0] <= first:
            around.pop()
        start = max(lowest, around[-1][1] if around else 0)
        rows = last - first
        tiles = -(-rows // shape.tile_rows)
        # A program more is busy with a block of keys, however few there are.
        more = max(0, tiles - programs)
        keys = (readers - tiles) * (end - start) - more * shape.block
        saved = keys * shape.traffic.key - rows * shape.traffic.partial
        until = last if kept is None else kept.get((first, last), first)
        if start < end and saved > 0 and first < until:
            chosen.append(_Chosen(first, until, start, end, saved))
            around += [(last, start), (until, end)]
        else:
            around.append((last, start))
    return chosen


def _readers(stretches: list[_Stretch], height: int) -> list[tuple[int, int]]:
    """
    How many tiles read the keys of each stretch if what is right below it does, stretches and rows;
    and how many of these are of stretches.
    """
    readers = [stretch.last - stretch.first for stretch in stretches]
    programs = [0] * len(stretches)
    around: list[int] = []
    for index, stretch in enumerate(stretches):
        while around and stretches[around[-1]].last <= stretch.first:
            around.pop()
        if around:
            rows = stretch.last - stretch.first
            tiles = -(-rows // height)
            readers[around[-1]] += tiles - rows
            programs[around[-1]] += tiles
        around.append(index)
    return [*zip(readers, programs, strict=True)]


def _fitting(
    stretches: list[_Stretch], chosen: list[_Chosen], shape: TreeShape
) -> dict[tuple[int, int], int]:
    """
    As many of the chosen as there is room for, those that save most first: up to which row.

    What does not fit as a whole is shared by as many of its rows as do.
    """
    height, pieces, parts = shape.tile_rows, shape.pieces, shape.parts
    kept: dict[tuple[int, int], int] = {}
    for first, last, _, _, _ in sorted(chosen, key=lambda each: -each.saved):
        until = last
        if -(-(last - first) // height) > pieces or last - first > parts:
            until = first + min(pieces, parts // height) * height
            # No stretch below may have rows on both sides.
            inside = [each.first for each in stretches if first < each.first < until < each.last]
            until = min([until, *inside])
        if until - first > 1:
            kept[first, last] = until
            pieces -= -(-(until - first) // height)
            parts -= until - first
    return kept


class _Tiles(NamedTuple):
    """Rows of a tile and the keys that they share, and units of keys: all int64 [tiles]."""

    first: Ints64
    rows: Ints64
    start: Ints64
    end: Ints64
    begin: Ints64
    """Units of the tiles before."""
    units: Ints64
    pieces: Ints64
    share: int
    """Units of a program; pieces are cut at its multiples."""

    @property
    def longest(self) -> int:
        """Units of the longest piece, or more."""
        return int(np.where(self.pieces == 1, self.units, self.share).max())


def _tiles(chosen: list[_Chosen], shape: TreeShape, own: int) -> _Tiles:
    """
    Tiles of the chosen stretches, and into how many pieces they are cut.

    As the device cuts the rows' own keys, which are `own` units behind these (stream-K, arXiv
    2301.03598): the work of all tiles in a row, at multiples of what one program has to do.
    """
    first, last, start, end, _ = np.array(chosen).T
    count = -(-(last - first) // shape.tile_rows)
    of = np.repeat(np.arange(len(chosen)), count)
    number = np.arange(len(of)) - np.repeat(count.cumsum() - count, count)
    top = first[of] + number * shape.tile_rows
    rows = np.minimum(last[of] - top, shape.tile_rows)
    units = -(-(end - start)[of] // shape.block)
    ends = units.cumsum()
    begin = ends - units
    share = _share(int(ends[-1]) + own, shape)
    while True:
        pieces = (ends - 1) // share - begin // share + 1
        # A tile that is short for a program is not worth more partial results.
        pieces[2 * units <= share] = 1
        if (pieces.sum() <= shape.pieces and (rows * pieces).sum() <= shape.parts) or (
            pieces.max() == 1
        ):
            return _Tiles(top, rows, start[of], end[of], begin, units, pieces, share)
        share += -(-share // 2)


def _tables(tiles: _Tiles, row_slots: Ints64, block: int, own_starts: Ints) -> SharedPlan:
    """Pieces tile by tile, which is the order of positions for every row."""
    count, share = tiles.pieces, tiles.share
    of = np.repeat(np.arange(len(count)), count)
    part = np.arange(len(of)) - np.repeat(count.cumsum() - count, count)
    begin, units = tiles.begin[of], tiles.units[of]
    cut = (begin // share + part) * share
    whole = (count == 1)[of]
    low = np.where(whole, 0, np.maximum(cut - begin, 0))
    high = np.where(whole, units, np.minimum(cut + share - begin, units))
    start = tiles.start[of] + low * block
    rows = tiles.rows[of]
    partial = rows.cumsum() - rows
    table = np.full((len(of), len(Column)), -1, np.int32)
    table[:, Column.FIRST_ROW] = tiles.first[of]
    table[:, Column.ROWS] = rows
    table[:, Column.SLOTS] = row_slots[tiles.first[of]] + start
    table[:, Column.KEYS] = np.minimum(tiles.start[of] + high * block, tiles.end[of]) - start
    table[:, Column.START] = start
    table[:, Column.PARTIAL] = partial
    table[:, Column.DIRECT] = 0
    total = int(rows.sum())
    row = np.repeat(tiles.first[of] - partial, rows) + np.arange(total)
    part_starts = np.zeros(len(own_starts) + 1, np.int32)
    np.bincount(row, minlength=len(own_starts)).cumsum(out=part_starts[1:])
    return SharedPlan(
        table, part_starts, np.argsort(row, kind="stable").astype(np.int32), own_starts
    )
