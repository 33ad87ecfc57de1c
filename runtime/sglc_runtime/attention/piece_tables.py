"""Collects the pieces of a batch into the tables that kernels read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sglc_runtime.attention.pieces import Column, Ints, Pieces
from sglc_runtime.attention.segments import Segment

Ints64 = NDArray[np.int64]


class Stretch(NamedTuple):
    """Keys of rows [first, last) at positions [start, end)."""

    first: int
    last: int
    start: int
    end: int


class PieceTables:
    """Pieces of rows at `positions`; a row's pieces are added in the order of its positions."""

    def __init__(self, positions: Sequence[int], window: int | None) -> None:
        self._positions = positions
        self._window = window
        self._extents: list[tuple[int, int]] = []
        self._taken = 0
        self._table: list[tuple[int, ...]] = []
        self._parts: list[tuple[int, int, int]] = []
        """Neighbouring rows that have neighbouring partial results: row, partial, how many."""
        self._partials = 0
        self._masks: list[Ints] = []
        self._words = 0

    def take(self, stretches: Iterable[tuple[Segment, int, int]]) -> int:
        """Note the slots of segments between two positions; returns where they begin."""
        at = self._taken
        for segment, low, high in stretches:
            position = segment.start
            for slot, length in segment.extents:
                start, end = max(low, position), min(high, position + length)
                if start < end:
                    self._extents.append((slot + start - position, end - start))
                    self._taken += end - start
                position += length
        return at

    def plain(self, first: int, last: int, at: int, keys: int, start: int, *, direct: bool) -> None:
        """Rows that all have the `keys` from position `start` on, as far as they see them."""
        self._add(first, last, at, keys, start, -1, direct)
        if direct:
            return
        partial = self._partials - (last - first)
        seen = self._positions[first:last]
        if min(seen) >= start and (
            self._window is None or max(seen) - self._window + 1 < start + keys
        ):
            self._parts.append((first, partial, last - first))
            return
        for offset, position in enumerate(seen):
            low = 0 if self._window is None else position - self._window + 1
            if start <= position and low < start + keys:
                self._parts.append((first + offset, partial + offset, 1))

    def masked(self, stretches: list[Stretch], at: int, *, direct: bool) -> None:
        """Stretches that do not all have the same rows, one after another in one piece."""
        first = min(each.first for each in stretches)
        last = max(each.last for each in stretches)
        keys = sum(each.end - each.start for each in stretches)
        if all(each.first == first and each.last == last for each in stretches):
            self.plain(first, last, at, keys, stretches[0].start, direct=direct)
            return
        self._add(first, last, at, keys, stretches[0].start, self._words, direct)
        visible = self._visible(stretches, first, last, keys)
        packed = np.packbits(visible, axis=1, bitorder="little")
        words = np.zeros((last - first, -(-keys // 32) * 4), np.uint8)
        words[:, : packed.shape[1]] = packed
        self._masks.append(words.view(np.int32).ravel())
        self._words += words.size // 4
        if not direct:
            partial = self._partials - (last - first)
            for offset in np.flatnonzero(visible.any(1)).tolist():
                self._parts.append((first + offset, partial + offset, 1))

    def finish(self) -> Pieces:
        """The tables; pieces with the most keys first, as these take longest."""
        table = np.array(self._table, np.int32).reshape(-1, len(Column))
        rows = len(self._positions)
        row, partial, count = _columns(self._parts, 3)
        row_of = _ranges(row, count)
        part_starts = np.zeros(rows + 1, np.int32)
        np.bincount(row_of, minlength=rows).cumsum(out=part_starts[1:])
        slot, length = _columns(self._extents, 2)
        return Pieces(
            table[np.argsort(-table[:, Column.KEYS], kind="stable")],
            _ranges(slot, length).astype(np.int32),
            part_starts,
            _ranges(partial, count)[np.argsort(row_of, kind="stable")].astype(np.int32),
            np.concatenate(self._masks) if self._masks else np.empty(0, np.int32),
        )

    def _add(
        self, first: int, last: int, at: int, keys: int, start: int, mask: int, direct: bool
    ) -> None:
        partial = 0 if direct else self._partials
        self._table.append((first, last - first, at, keys, start, partial, mask, int(direct)))
        if not direct:
            self._partials += last - first

    def _visible(
        self, stretches: list[Stretch], first: int, last: int, keys: int
    ) -> NDArray[np.bool_]:
        """[rows, keys]: which row sees which key."""
        firsts, lasts, starts, ends = np.array(stretches).T
        lengths = ends - starts
        at = _ranges(starts, lengths)
        row = np.arange(first, last)[:, None]
        position = np.array(self._positions[first:last])[:, None]
        mine = (np.repeat(firsts, lengths) <= row) & (row < np.repeat(lasts, lengths))
        visible: NDArray[np.bool_] = mine & (at <= position)
        return visible if self._window is None else visible & (at > position - self._window)


def _columns(rows: Sequence[tuple[int, ...]], width: int) -> Ints64:
    flat = np.fromiter(chain.from_iterable(rows), np.int64, len(rows) * width)
    return flat.reshape(-1, width).T


def _ranges(starts: Ints64, lengths: Ints64) -> Ints64:
    """start, start + 1, … for each of several starts, as many as its length."""
    ends = lengths.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(starts - ends + lengths, lengths) + np.arange(total)
