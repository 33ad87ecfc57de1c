"""
Which rows of a batch attend in tiles of a prompt, and which in pieces.

Sequences with so many rows that they fill a tile by themselves, prompts, go in tiles that read all
keys of their rows and are written straight to the output. All other rows go in pieces: of
`tree_pieces.plan_tree`, or of `pieces.plan_pieces` in fixed cuts. Pure functions over plain data.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from sglc_runtime.attention.piece_tables import ranges
from sglc_runtime.attention.pieces import Column, Ints, Pieces
from sglc_runtime.models.base import Run

WIDTH = len(Column)
GAP = "the runs of a row have a gap or end before its position"

Span = tuple[int, int]
"""Rows [first, last)."""
Planner = Callable[[Sequence[Run], Sequence[int], Sequence[Span], bool], Pieces]
"""
Cuts the rows of a batch into pieces, given their runs, their positions, rows that get none, and
whether every other row is of a sequence, and has runs, of its own.
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
    prompts = [s for s in pairwise(edges) if tile is not None and s[1] - s[0] > tile.more_than]
    tiles, slots = _none(WIDTH), _none()
    if tile is not None and prompts:
        tiles, slots = _tiles(runs, prompts, positions, tile, window)
        if sum(last - first for first, last in prompts) == len(positions):
            nothing = Pieces(_none(WIDTH), _none(), np.zeros(1, np.int32), _none())
            return BatchPlan(tiles, slots, nothing, _none(), True)
    others = _before(prompts, len(positions))
    single = all(others[run.row_end] - others[run.row_start] <= 1 for run in runs)
    pieces = planner(runs, positions, prompts, single)
    starts = pieces.part_starts
    rows = np.flatnonzero(starts[1:] > starts[:-1]).astype(np.int32)
    starts = np.append(starts[rows], starts[-1:])
    return BatchPlan(tiles, slots, replace(pieces, part_starts=starts), rows, single)


def _before(prompts: list[Span], rows: int) -> list[int]:
    """How many rows before each one are of no prompt; one number more than there are rows."""
    others = np.ones(rows + 1, np.int64)
    others[0] = 0
    for first, last in prompts:
        others[first + 1 : last + 1] = 0
    counted: list[int] = others.cumsum().tolist()
    return counted


def _tiles(
    runs: Sequence[Run],
    prompts: list[Span],
    positions: Sequence[int],
    tile: TileCut,
    window: int | None,
) -> tuple[Ints, Ints]:
    table: list[tuple[int, ...]] = []
    extents: list[tuple[int, int]] = []
    taken = 0
    for (begin, end), mine in zip(prompts, _runs_of(runs, prompts), strict=True):
        for first in range(begin, end, tile.rows):
            last = min(first + tile.rows, end)
            start = 0 if window is None else max(0, positions[first] - window + 1)
            start = start // tile.block * tile.block
            keys = positions[last - 1] + 1 - start
            table.append((first, last - first, taken + start, keys, start, 0, -1, 1))
        reached = 0
        for _, _, slot, length, position in mine:
            if position != reached:
                raise ValueError(GAP)
            reached += length
            extents.append((slot, length))
        if reached <= positions[end - 1]:
            raise ValueError(GAP)
        taken += reached
    table.sort(key=lambda entry: -entry[Column.KEYS])
    slots = ranges(*np.array(extents, np.int64).T).astype(np.int32)
    return np.array(table, np.int32).reshape(-1, WIDTH), slots


def _runs_of(runs: Sequence[Run], prompts: list[Span]) -> list[list[Run]]:
    """The runs of each prompt."""
    found: list[list[Run]] = [[] for _ in prompts]
    firsts, lasts = ([span[side] for span in prompts] for side in (0, 1))
    for run in runs:
        for index in range(bisect_right(lasts, run.row_start), bisect_left(firsts, run.row_end)):
            found[index].append(run)
    return found


def _none(*width: int) -> Ints:
    return np.empty((0, *width), np.int32)
