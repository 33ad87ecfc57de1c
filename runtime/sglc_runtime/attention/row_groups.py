"""
Which neighbouring sequences of a batch are computed in one tile, and which prefixes by themselves.

From the leaves of the tree up, neighbours are joined as long as their rows fit into a tile and the
keys that are then read once are worth more than the partial results that longer key lists need
(the greedy assignment of FastTree, MLSys 2025, over tiles instead of nodes).
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import NamedTuple

from sglc_runtime.attention.segments import GAP, Segment
from sglc_runtime.attention.sharing import TileShape


class Group(NamedTuple):
    """Rows [first, last) that are computed together: several sequences, or one of any length."""

    first: int
    last: int
    keys: int
    """Keys of its rows, shared ones once, without those of segments that are still open."""
    single: bool
    """Its rows have the same segments."""


def longest_piece(segments: list[Segment], shape: TileShape) -> int:
    """Keys of a piece, so that every program of the device has some."""
    work = sum(
        -(-(each.last - each.first) // shape.tile_rows) * (each.end - each.start)
        for each in segments
    )
    return max(shape.shortest, -(-work * shape.kv_heads // shape.programs))


def join_rows(
    segments: list[Segment], edges: list[int], shape: TileShape, longest: int
) -> list[Group]:
    """
    The rows of a batch in groups, in order; `edges` are where any segment begins or ends.

    Groups of several sequences fit into a tile. Raises ValueError where rows have no segments.
    """
    joiner = _Joiner(shape, longest)
    around: list[tuple[Segment, list[Group]]] = []
    roots: list[Group] = []
    upcoming = iter([*segments, None])
    segment = next(upcoming)
    for first, last in pairwise(edges):
        while segment is not None and segment.first == first:
            around.append((segment, []))
            segment = next(upcoming)
        if not around:
            raise ValueError(GAP)
        around[-1][1].append(Group(first, last, 0, True))
        while around and around[-1][0].last == last:
            closed, groups = around.pop()
            length = closed.end - closed.start
            outer = around[-1][1] if around else roots
            for each in joiner.join(groups, closed.end):
                outer.append(each._replace(keys=each.keys + length))
    return joiner.join(roots, 0)


class _Joiner:
    def __init__(self, shape: TileShape, longest: int) -> None:
        self.shape = shape
        self.longest = longest

    def join(self, groups: list[Group], common: int) -> list[Group]:
        """Neighbours joined whose rows have `common` keys in common, besides `Group.keys`."""
        joined = groups[:1]
        for each in groups[1:]:
            last = joined[-1]
            height = each.last - last.first
            if height <= self.shape.tile_rows and self._worth(last, each, common):
                joined[-1] = Group(last.first, each.last, last.keys + each.keys, False)
            else:
                joined.append(each)
        return joined

    def _worth(self, one: Group, other: Group, common: int) -> bool:
        shape = self.shape
        keys = one.keys + other.keys
        if whole(keys, common, other.last - one.first, shape, self.longest):
            return True  # One program less, and no more keys to read.
        # Rows that had one piece, and were done with it, have two or more.
        rows = sum(self._height(each) for each in (one, other) if self._done(each, common))
        return common * shape.traffic.key > 2 * rows * shape.traffic.partial

    def _done(self, group: Group, common: int) -> bool:
        if group.single:
            size = target(self._height(group), self.shape, self.longest)
            return group.keys + common <= with_slack(size)
        return whole(group.keys, common, self._height(group), self.shape, self.longest)

    def _height(self, group: Group) -> int:
        return min(group.last - group.first, self.shape.tile_rows)


def target(rows: int, shape: TileShape, longest: int) -> int:
    """Keys of a piece of some rows, so that its partial results cost no more than they."""
    return max(longest, rows * shape.traffic.partial // shape.traffic.key)


def with_slack(keys: int) -> int:
    """A little more than `keys`, which is not worth another piece."""
    return keys + keys // 2


def whole(keys: int, common: int, rows: int, shape: TileShape, longest: int) -> bool:
    """
    Whether `common` keys of all of some rows, and `keys` that some of them have, are one piece.

    Branches that are long next to what they share are better in pieces of their own, which run
    side by side and have rows that see all of their keys.
    """
    few = max(with_slack(shape.shortest), common)
    return keys <= few and keys + common <= with_slack(target(rows, shape, longest))


def separate(segments: list[Segment], groups: list[Group], shape: TileShape) -> dict[int, int]:
    """
    Segments that are read by themselves for all their rows, by index: from which position on.

    That saves reads where groups leave tiles half empty. Everything above such a segment is read
    with it.
    """
    if not groups:
        return {}
    height, traffic = shape.tile_rows, shape.traffic
    starts = [group.first for group in groups]
    tiles = [0]
    for group in groups:
        tiles.append(tiles[-1] - (group.first - group.last) // height)
    starts.append(groups[-1].last)
    found: dict[int, int] = {}
    around: list[tuple[int, int]] = []
    for index, (first, last, _, end, _) in enumerate(segments):
        while around and around[-1][0] <= first:
            around.pop()
        start = around[-1][1] if around else 0
        rows = last - first
        low, high = bisect_left(starts, first), bisect_left(starts, last)
        if high - low > 1 and starts[low] == first and starts[high] == last:
            fewer = tiles[high] - tiles[low] + (-rows // height)
            if fewer * (end - start) * traffic.key > 2 * rows * traffic.partial:
                found[index] = start
                start = end
        around.append((last, start))
    return found
