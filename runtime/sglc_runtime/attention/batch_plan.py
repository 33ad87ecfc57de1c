"""
Which rows of a batch attend in tiles of a prompt, and which in pieces.

Sequences with so many rows that they fill a tile by themselves, prompts, go in tiles that read all
keys of their rows and are written straight to the output. All other rows go in pieces: of
`tree_pieces.plan_tree`, or of `pieces.plan_pieces` in fixed cuts. Pure functions over plain data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from sglc_runtime.attention.pieces import Column, Ints, Pieces
from sglc_runtime.models.base import Run

WIDTH = len(Column)
GAP = "the runs of a row have a gap or end before its position"

Planner = Callable[[Sequence[Run], Sequence[int], bool], Pieces]
"""
Cuts neighbouring rows into pieces, given their runs, their positions, and whether every row is of a
sequence, and has runs, of its own.
"""


@dataclass(frozen=True, slots=True)
class TileCut:
    """How prompts are cut."""

    rows: int
    """Rows of a tile."""
    more_than: int
    """Rows that a sequence has at most if it is no prompt."""
    block: int
    """Keys are read in blocks from position 0, so that a row's sums do not depend on the cut."""


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """Tables of one batch, for layers with one kind of window."""

    tiles: Ints
    """[E, 8], columns as in `Column`; longest first, since they take the longest."""
    slots: Ints
    """Pool slots of the tiles' keys."""
    pieces: Pieces
    """Of all other rows; FIRST_ROW counts rows of the batch, `part_starts` those of `merged`."""
    merged: Ints
    """Rows with partial results, ascending."""
    single: bool
    """Whether each row of the pieces is of a sequence, and has runs, of its own."""


def plan_batch(
    runs: Sequence[Run],
    positions: Sequence[int],
    tile: TileCut | None,
    planner: Planner,
    *,
    window: int | None = None,
) -> BatchPlan:
    """
    Plan a batch with `runs` as `Batch` says; without `tile` there are no prompts.

    Raises ValueError where a row's runs have a gap or end before its position.
    """
    if any(run.row_start < 0 or run.row_end > len(positions) for run in runs):
        raise ValueError("runs lie outside the batch")
    edges = sorted({0, len(positions), *(e for run in runs for e in (run.row_start, run.row_end))})
    sequences = list(pairwise(edges))
    prompts = [s for s in sequences if tile is not None and s[1] - s[0] > tile.more_than]
    others = _spans(sequences, set(prompts))
    clipped = [_clip(runs, first, last) for first, last in others]
    single = all(run.row_end - run.row_start == 1 for mine in clipped for run in mine)
    found = [
        planner(mine, positions[first:last], single)
        for mine, (first, last) in zip(clipped, others, strict=True)
    ]
    tiles, slots = _none(WIDTH), _none()
    if tile is not None:
        tiles, slots = _tiles(runs, prompts, positions, tile, window)
    pieces = _joined(found, [first for first, _ in others])
    counts = np.diff(pieces.part_starts)
    rows = np.array([row for first, last in others for row in range(first, last)], np.int32)
    starts = np.concatenate([[0], counts[counts > 0].cumsum()]).astype(np.int32)
    return BatchPlan(tiles, slots, replace(pieces, part_starts=starts), rows[counts > 0], single)


def _spans(
    sequences: list[tuple[int, int]], prompts: set[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Rows of all others, neighbours joined."""
    found: list[tuple[int, int]] = []
    for first, last in sequences:
        if (first, last) in prompts:
            continue
        if found and found[-1][1] == first:
            first = found.pop()[0]
        found.append((first, last))
    return found


def _clip(runs: Sequence[Run], first: int, last: int) -> list[Run]:
    """Runs of rows [first, last), which are counted from `first`."""
    return [
        run._replace(
            row_start=max(run.row_start, first) - first, row_end=min(run.row_end, last) - first
        )
        for run in runs
        if run.row_start < last and run.row_end > first
    ]


def _tiles(
    runs: Sequence[Run],
    prompts: list[tuple[int, int]],
    positions: Sequence[int],
    tile: TileCut,
    window: int | None,
) -> tuple[Ints, Ints]:
    table: list[tuple[int, ...]] = []
    slots: list[Ints] = [_none()]
    taken = 0
    for begin, end in prompts:
        mine = _slots(_clip(runs, begin, end), positions[end - 1])
        for first in range(begin, end, tile.rows):
            last = min(first + tile.rows, end)
            start = 0 if window is None else max(0, positions[first] - window + 1)
            start = start // tile.block * tile.block
            keys = positions[last - 1] + 1 - start
            table.append((first, last - first, taken + start, keys, start, 0, -1, 1))
        slots.append(mine)
        taken += len(mine)
    table.sort(key=lambda entry: -entry[Column.KEYS])
    return np.array(table, np.int32).reshape(-1, WIDTH), np.concatenate(slots)


def _slots(runs: list[Run], position: int) -> Ints:
    """Slots of positions 0 to `position`."""
    reached = 0
    for run in runs:
        if run.position != reached:
            raise ValueError(GAP)
        reached += run.length
    if reached <= position:
        raise ValueError(GAP)
    extents = [np.arange(run.slot_start, run.slot_start + run.length) for run in runs]
    return np.concatenate(extents).astype(np.int32)


def _none(*width: int) -> Ints:
    return np.empty((0, *width), np.int32)


def _joined(found: list[Pieces], firsts: list[int]) -> Pieces:
    """Pieces of several spans of rows, which begin at `firsts`, in one table."""
    slots = partials = parts = words = 0
    tables, starts, lists = [_none(WIDTH)], [np.zeros(1, np.int32)], [_none()]
    for each, first in zip(found, firsts, strict=True):
        table = each.table.copy()
        table[:, Column.FIRST_ROW] += first
        table[:, Column.SLOTS] += slots
        table[:, Column.PARTIAL] += partials
        table[:, Column.MASK] += np.where(table[:, Column.MASK] < 0, 0, words)
        tables.append(table)
        starts.append(each.part_starts[1:] + parts)
        lists.append(each.parts + partials)
        slots += len(each.slots)
        parts += len(each.parts)
        words += len(each.masks)
        partials += each.partials
    return Pieces(
        np.concatenate(tables),
        np.concatenate([_none(), *(each.slots for each in found)]),
        np.concatenate(starts),
        np.concatenate(lists),
        np.concatenate([_none(), *(each.masks for each in found)]),
    )
