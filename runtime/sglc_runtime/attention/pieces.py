"""
Cuts the attention of a batch into pieces for a GPU: some rows against some keys.

A piece is what one program of the kernel reads: the keys of a stretch of a sequence, once, for all
the rows of the piece. Rows that share a prefix are in one piece there (FastTree, MLSys 2025), rows
with long contexts are spread over several pieces (split KV, as in flash decoding), and a row's
partial results are merged in the order of positions.

`plan_pieces` is for fixed cuts, where results must not depend on the batch; `tree_pieces.plan_tree`
cuts by cost: with masks, and with rows that are done in one piece (`Column.DIRECT`).

Pure functions over plain data; nothing here knows a device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sglc_runtime.models.base import Run

Ints = NDArray[np.int32]


class Column(IntEnum):
    """What the numbers of a piece in a table are."""

    FIRST_ROW = 0
    ROWS = 1
    SLOTS = 2
    """Where its slots begin in the table of slots."""
    KEYS = 3
    START = 4
    """Position of the first key; a row sees keys up to its own position. Unused with a mask."""
    PARTIAL = 5
    """Index of the first row's partial result."""
    MASK = 6
    """
    Where the piece's mask begins, or -1. A mask has ceil(KEYS / 32) words of int32 for each row,
    lowest bit first, and says alone what the row sees: keys of several branches in one piece.
    """
    DIRECT = 7
    """1: no other piece has anything for its rows; they go to the output and not to a partial."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How large pieces may be."""

    rows: int
    """Rows of the batch in a piece; times the query heads of a KV head, the height of its tile."""
    keys: int
    """Keys in a piece; longer stretches are split."""
    fixed: bool = False
    """
    Cut at multiples of `keys` from position 0, whatever is shared and however the prompt was cut,
    so that a row's sums do not depend on other rows (see `plan_pieces`).
    """


@dataclass(frozen=True, slots=True)
class Pieces:
    """Tables of one batch, for layers with one kind of window."""

    table: Ints
    """
    [P, 8], a row for each piece, as `Column` says.
    """
    slots: Ints
    """Pool slots of the pieces' keys, in the order of positions."""
    part_starts: Ints
    """[T + 1]: where each row's list in `parts` begins."""
    parts: Ints
    """Indices of partial results, by row and then by position; rows of direct pieces have none."""
    masks: Ints = field(default_factory=lambda: np.empty(0, np.int32))
    """Words of the masks that `Column.MASK` points into."""

    @property
    def partials(self) -> int:
        """How many partial results there are; rows that a piece has nothing for count as well."""
        return int(self.table[self.table[:, Column.DIRECT] == 0, Column.ROWS].sum())

    @property
    def keys_read(self) -> int:
        """Keys that pieces read, those read several times counted so."""
        return int(self.table[:, 3].sum())


class _Segment(NamedTuple):
    """Rows that share consecutive runs, and the slots of these."""

    row_start: int
    row_end: int
    position: int
    slots: Ints

    @property
    def end(self) -> int:
        return self.position + len(self.slots)


class _Stretch(NamedTuple):
    """Rows and the positions [start, end) of which they read the same keys."""

    row_start: int
    row_end: int
    start: int
    slots: Ints


def plan_pieces(
    runs: Sequence[Run], positions: Sequence[int], cut: Cut, *, window: int | None = None
) -> Pieces:
    """
    Cut a batch whose rows have `positions` [T] and whose `runs` are as `Batch` says.

    With `cut.fixed`, the keys of a piece are those of one block of positions, [i * keys,
    (i + 1) * keys), and rows share the piece only where they share all of the block's keys that
    they see. A row's result is then a function of its own keys: block by block from position 0.
    Raises ValueError where a row's runs have a gap or end before its position.
    """
    segments = _segments(runs)
    _check(segments, positions)
    stretches = _blocks(segments, positions, cut.keys) if cut.fixed else _stretches(segments)
    table: list[tuple[int, ...]] = []
    slots: list[Ints] = []
    of_row: list[list[int]] = [[] for _ in positions]
    taken = partial = 0
    for stretch in stretches:
        for first in range(stretch.row_start, stretch.row_end, cut.rows):
            last = min(first + cut.rows, stretch.row_end)
            seen = positions[first:last]
            lowest = 0 if window is None else max(0, min(seen) - window + 1)
            for start, end in _split(stretch, lowest, max(seen) + 1, cut):
                keys = stretch.slots[start - stretch.start : end - stretch.start]
                table.append((first, last - first, taken, len(keys), start, partial, -1, 0))
                slots.append(keys)
                for row in range(first, last):
                    position = positions[row]
                    low = 0 if window is None else position - window + 1
                    if start <= position and low < end:
                        of_row[row].append(partial + row - first)
                taken += len(keys)
                partial += last - first
    counts = np.array([0, *map(len, of_row)], np.int32)
    return Pieces(
        np.array(table, np.int32).reshape(-1, len(Column)),
        np.concatenate(slots) if slots else np.empty(0, np.int32),
        counts.cumsum(dtype=np.int32),
        np.array([index for row in of_row for index in row], np.int32),
    )


def _segments(runs: Sequence[Run]) -> list[_Segment]:
    """Runs of the same rows that continue each other, joined; in the order of the runs."""
    groups: dict[tuple[int, int, int], list[Run]] = {}
    ends: dict[tuple[int, int, int], tuple[int, int, int]] = {}
    for run in runs:
        if run.row_end <= run.row_start or not run.length:
            continue
        key = ends.pop((run.row_start, run.row_end, run.position), None)
        if key is None:
            key = (run.row_start, run.row_end, run.position)
        groups.setdefault(key, []).append(run)
        ends[run.row_start, run.row_end, run.position + run.length] = key
    return [
        _Segment(
            *key,
            np.concatenate(
                [np.arange(r.slot_start, r.slot_start + r.length, dtype=np.int32) for r in group]
            ),
        )
        for key, group in groups.items()
    ]


def _check(segments: list[_Segment], positions: Sequence[int]) -> None:
    reached = [0] * len(positions)
    for segment in segments:
        if segment.row_start < 0 or segment.row_end > len(positions):
            raise ValueError("runs lie outside the batch")
        for row in range(segment.row_start, segment.row_end):
            if segment.position != reached[row]:
                raise ValueError("the runs of a row have a gap or end before its position")
            reached[row] = segment.end
    if any(end <= position for end, position in zip(reached, positions, strict=True)):
        raise ValueError("the runs of a row have a gap or end before its position")


def _stretches(segments: list[_Segment]) -> Iterator[_Stretch]:
    return (_Stretch(s.row_start, s.row_end, s.position, s.slots) for s in segments)


def _blocks(segments: list[_Segment], positions: Sequence[int], size: int) -> Iterator[_Stretch]:
    """For each block of positions, neighbouring rows with the same keys in it."""
    chains: list[list[int]] = [[] for _ in positions]
    for index, segment in enumerate(segments):
        for row in range(segment.row_start, segment.row_end):
            chains[row].append(index)
    for start in range(0, max(positions, default=-1) + 1, size):
        end = start + size
        keys: list[tuple[tuple[int, ...], int]] = []
        for row, chain in enumerate(chains):
            if positions[row] >= start:
                inside = (
                    i for i in chain if segments[i].position < end and segments[i].end > start
                )
                keys.append((tuple(inside), row))
        for signature, members in groupby(keys, itemgetter(0)):
            rows = [row for _, row in members]
            slots = np.concatenate(
                [
                    segments[i].slots[
                        max(0, start - segments[i].position) : end - segments[i].position
                    ]
                    for i in signature
                ]
            )
            for first, last in _consecutive(rows):
                yield _Stretch(first, last, start, slots)


def _consecutive(rows: list[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for index in range(1, len(rows) + 1):
        if index == len(rows) or rows[index] != rows[index - 1] + 1:
            yield rows[start], rows[index - 1] + 1
            start = index


def _split(stretch: _Stretch, lowest: int, highest: int, cut: Cut) -> Iterator[tuple[int, int]]:
    """Positions of the pieces of a stretch, as far as its rows see them."""
    end = min(stretch.start + len(stretch.slots), highest)
    if cut.fixed:
        if stretch.start < end and stretch.start + cut.keys > lowest:
            yield stretch.start, end
        return
    start = max(stretch.start, lowest)
    while start < end:
        yield start, min(start + cut.keys, end)
        start += cut.keys
