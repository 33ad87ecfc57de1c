"""
Cuts a batch into pieces by what it costs: bytes that move, and programs that the device has.

Rows of a tile that share keys are in one piece with all of these. Where a piece has keys of
several branches, a mask says what each row sees. A row whose keys are all in one piece is done
with it (`Column.DIRECT`); long key lists are split as far as the device has programs to fill.

Results depend on the batch; `pieces.plan_pieces` cuts so that they do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sglc_runtime.attention.piece_sizes import Sizes
from sglc_runtime.attention.piece_tables import PieceTables, Stretch
from sglc_runtime.attention.pieces import Pieces
from sglc_runtime.attention.row_groups import Group, join_rows, separate
from sglc_runtime.attention.segments import GAP, Segment, segments_of
from sglc_runtime.attention.sharing import TileShape
from sglc_runtime.models.base import Run


def plan_tree(
    runs: Sequence[Run],
    positions: Sequence[int],
    shape: TileShape,
    *,
    window: int | None = None,
    without: Sequence[tuple[int, int]] = (),
) -> Pieces:
    """
    Pieces of a batch whose rows have `positions` [T] and whose `runs` are as `Batch` says.

    Rows `without` [first, last), each all rows with some segments in common and more than a tile's,
    get no pieces.

    Raises ValueError where a row's runs have a gap or end before its position, and where runs are
    not those of a tree (see `segments_of`).
    """
    return _Planner(runs, positions, shape, window, {*without}).plan()


class _Planner:
    def __init__(
        self,
        runs: Sequence[Run],
        positions: Sequence[int],
        shape: TileShape,
        window: int | None,
        without: set[tuple[int, int]],
    ) -> None:
        self.shape = shape
        self.window = window
        self.positions = positions
        self.segments = segments_of(runs, len(positions))
        self.tables = PieceTables(positions, window)
        self.without = without
        self.sizes = Sizes(self.segments, shape, without)
        reached = np.zeros(len(positions), np.int64)
        for segment in self.segments:
            reached[segment.first : segment.last] = segment.end
        if (reached <= positions).any():
            raise ValueError(GAP)

    def plan(self) -> Pieces:
        """Group by group, with the segments around it and in it."""
        segments, shape = self.segments, self.shape
        rows = {row for each in segments for row in each[:2]}
        edges = sorted(rows | {0, len(self.positions)})
        groups = join_rows(segments, edges, self.sizes)
        apart = separate(segments, groups, shape, self.without)
        around: list[Segment] = []
        read: list[tuple[int, int]] = []
        """Last row and last position of what is read apart from the next group."""
        index = 0
        for group in groups:
            around = [each for each in around if each.last > group.first]
            while read and read[-1][0] <= group.first:
                read.pop()
            while index < len(segments) and segments[index].first < group.last:
                segment = segments[index]
                around.append(segment)
                if index in apart:
                    self._path(segment.first, segment.last, around, apart[index], apart=True)
                    read.append((segment.last, segment.end))
                index += 1
            begin = read[-1][1] if read else 0
            if (group.first, group.last) in self.without:
                continue
            if group.single:
                self._path(group.first, group.last, around, begin)
            else:
                self._joined(group, around, begin)
        return self.tables.finish()

    def _path(
        self, first: int, last: int, path: list[Segment], begin: int, *, apart: bool = False
    ) -> None:
        """Rows that have all of `path`, from position `begin` on."""
        low, high = self._seen(first, last)
        low, high = max(begin, low), min(path[-1].end, high)
        if low >= high:
            return
        at = self.tables.take((each, low, high) for each in path)
        height = self.shape.tile_rows
        for top in range(first, last, height):
            bottom = min(top + height, last)
            start, end = self._seen(top, bottom)
            start, end = max(low, start), min(high, end)
            if start >= end:
                continue
            size = self.sizes.even(end - start, bottom - top)
            direct = size >= end - start and not (begin or apart)
            for cut in range(start, end, size):
                keys = min(size, end - cut)
                self.tables.plain(top, bottom, at + cut - low, keys, cut, direct=direct)

    def _joined(self, group: Group, segments: list[Segment], begin: int) -> None:
        """Rows of several branches, which see some of `segments` each."""
        inside: list[tuple[Segment, int, int]] = []
        stretches: list[Stretch] = []
        top, bottom = group.first, group.last
        common = total = 0
        for segment in segments:
            first, last, start, end, _ = segment
            first, last = max(first, top), min(last, bottom)
            low, high = self._seen(first, last)
            start, end = max(start, low, begin), min(end, high)
            if start < end:
                inside.append((segment, start, end))
                stretches.append((first, last, start, end))
                total += end - start
                if last - first == bottom - top:
                    common += end - start
        at = self.tables.take(inside)
        if self.sizes.whole(total - common, common, bottom - top):
            self.tables.masked(stretches, at, direct=not begin)
            return
        for piece in self._pack(stretches, self.sizes.even(total, bottom - top)):
            at += self.tables.masked(piece, at, direct=False)

    def _pack(self, stretches: list[Stretch], most: int) -> list[list[Stretch]]:
        """Stretches in order, cut where they are long, put together where they are short."""
        sizes = self.sizes
        pieces: list[list[Stretch]] = [[]]
        room = most
        for first, last, start, stop in stretches:
            while start < stop:
                length = stop - start
                # A few keys above a long stretch are no piece of their own.
                full = most - room > sizes.block and length > min(room, sizes.few)
                if full or room == 0:
                    pieces.append([])
                    room = most
                size = sizes.even(length, last - first) if room == most else room
                end = min(start + size, stop)
                pieces[-1].append((first, last, start, end))
                room = max(0, room - (end - start))
                start = end
        return pieces

    def _seen(self, first: int, last: int) -> tuple[int, int]:
        """Positions that any of some rows sees: from the first number to before the second."""
        seen = self.positions[first:last]
        high = seen[0] if len(seen) == 1 else max(seen)
        if self.window is None:
            return 0, high + 1
        return max(0, min(seen) - self.window + 1), high + 1
