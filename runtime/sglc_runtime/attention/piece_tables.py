"""Collects the pieces of a batch into the tables that kernels read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from sglc_runtime.attention.pieces import Column, Ints, Pieces
from sglc_runtime.attention.segments import Segment

Ints64 = NDArray[np.int64]
Stretch = tuple[int, int, int, int]
"""(first, last, start, end): keys of rows [first, last) at positions [start, end)."""


class PieceTables:
    """
    Pieces of rows at `positions`; a row's pieces are added in the order of its positions.

    Python only notes what there is; numpy finds out at the end which row sees what.
    """

    def __init__(self, positions: Sequence[int], window: int | None) -> None:
        self._positions = positions
        self._window = window
        self._extents: list[tuple[int, int]] = []
        self._taken = 0
        self._table: list[tuple[int, ...]] = []
        self._partials = 0
        self._words = 0
        self._masked: list[tuple[int, ...]] = []
        """Of each stretch of a masked piece: itself, its first key, and the piece's number."""

    def take(self, stretches: Iterable[tuple[Segment, int, int]]) -> int:
        """Note the slots of segments between two positions; returns where they begin."""
        at = self._taken
        for (_, _, position, stop, extents), low, high in stretches:
            if low <= position and stop <= high:
                self._extents += extents
                self._taken += stop - position
                continue
            for slot, length in extents:
                start, end = max(low, position), min(high, position + length)
                if start < end:
                    self._extents.append((slot + start - position, end - start))
                    self._taken += end - start
                position += length
        return at

    def plain(self, first: int, last: int, at: int, keys: int, start: int, *, direct: bool) -> None:
        """Rows that all have the `keys` from position `start` on, as far as they see them."""
        self._add(first, last, at, keys, start, -1, direct)

    def masked(self, stretches: list[Stretch], at: int, *, direct: bool) -> int:
        """
        Stretches that do not all have the same rows, one after another in one piece.

        Returns how many keys they have.
        """
        first, last, position, _ = stretches[0]
        alike = True
        keys = 0
        number = len(self._table)
        noted = len(self._masked)
        for low, high, start, end in stretches:
            if low != first or high != last:
                alike = False
                first, last = min(first, low), max(last, high)
            self._masked.append((low, high, start, end, keys, number))
            keys += end - start
        if alike:
            del self._masked[noted:]
            self._add(first, last, at, keys, position, -1, direct)
        else:
            self._add(first, last, at, keys, position, self._words, direct)
            self._words += (last - first) * -(-keys // 32)
        return keys

    def finish(self) -> Pieces:
        """The tables; pieces with the most keys first, as these take longest."""
        rows = len(self._positions)
        table = _rows(self._table, len(Column))
        positions = np.asarray(self._positions, np.int64)
        row, part = self._seen(table, positions)
        masks = np.empty(0, np.int32)
        if self._masked:
            masks, masked_row, masked_part = self._masks(table, positions)
            row, part = np.concatenate([row, masked_row]), np.concatenate([part, masked_part])
        part_starts = np.zeros(rows + 1, np.int32)
        np.bincount(row, minlength=rows).cumsum(out=part_starts[1:])
        slot, length = _rows(self._extents, 2).T
        return Pieces(
            table[np.argsort(-table[:, Column.KEYS], kind="stable")].astype(np.int32),
            ranges(slot, length).astype(np.int32),
            part_starts,
            # Partial results are numbered as pieces are added.
            part[np.lexsort((part, row))].astype(np.int32),
            masks,
        )

    def _add(
        self, first: int, last: int, at: int, keys: int, start: int, mask: int, direct: bool
    ) -> None:
        rows = last - first
        if direct:
            self._table.append((first, rows, at, keys, start, 0, mask, 1))
        else:
            self._table.append((first, rows, at, keys, start, self._partials, mask, 0))
            self._partials += rows

    def _seen(self, table: Ints64, positions: Ints64) -> tuple[Ints64, Ints64]:
        """Rows, and their partial results, of pieces without masks that rows see anything of."""
        first, count, _, keys, start, partial, _, _ = table[
            (table[:, Column.MASK] < 0) & (table[:, Column.DIRECT] == 0)
        ].T
        row, part = ranges(first, count), ranges(partial, count)
        begin = np.repeat(start, count)
        position = positions[row]
        seen = begin <= position
        if self._window is not None:
            seen &= position - self._window + 1 < begin + np.repeat(keys, count)
        return row[seen], part[seen]

    def _masks(self, table: Ints64, positions: Ints64) -> tuple[Ints, Ints64, Ints64]:
        """The words of all masks; rows and partial results of pieces with masks."""
        first, last, start, end, at, number = _rows(self._masked, 6).T
        count = last - first
        of = np.repeat(np.arange(len(count)), count)
        row, piece = ranges(first, count), number[of]
        position = positions[row]
        begin, stop = start[of], np.minimum(end[of], position + 1)
        low = begin if self._window is None else np.maximum(begin, position - self._window + 1)
        offset = row - table[piece, Column.FIRST_ROW]
        line = table[piece, Column.MASK] + offset * -(-table[piece, Column.KEYS] // 32)
        bit = 32 * line + at[of] - begin
        seen = stop > low
        words = _bits((bit + low)[seen], (bit + stop)[seen], self._words)
        part = table[piece, Column.PARTIAL] + offset
        merged = seen & (table[piece, Column.DIRECT] == 0)
        part, index = np.unique(part[merged], return_index=True)
        return words, row[merged][index], part


def _bits(starts: Ints64, ends: Ints64, words: int) -> Ints:
    """
    Words of 32 bits, lowest first, in which the bits [start, end) are set, for several of these.

    None of them is empty, and no two overlap.
    """
    top = 0xFFFFFFFF
    first, last = starts >> 5, (ends - 1) >> 5
    head = top << (starts & 31) & top
    tail = top >> (31 - ((ends - 1) & 31))
    # Sums of disjoint bits: exact in float64, which is what `bincount` adds in.
    several = first < last
    opened, closed = first[several] + 1, last[several]
    places = np.concatenate([first, closed])
    weights = np.concatenate([np.where(several, head, head & tail), tail[several]])
    found = np.bincount(places, weights, words).astype(np.uint32)
    change = np.bincount(opened, minlength=words + 1) - np.bincount(closed, minlength=words + 1)
    found[change.cumsum()[:words] > 0] = top
    return found.view(np.int32)


def _rows(rows: Sequence[tuple[int, ...]], width: int) -> Ints64:
    """[rows, width]."""
    flat = np.fromiter(chain.from_iterable(rows), np.int64, len(rows) * width)
    return flat.reshape(-1, width)


def ranges(starts: Ints64, lengths: Ints64) -> Ints64:
    """start, start + 1, … for each of several starts, as many as its length."""
    ends = lengths.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(starts - ends + lengths, lengths) + np.arange(total)
