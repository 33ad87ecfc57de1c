"""
Which neighbouring sequences of a batch are computed in one tile, and which prefixes by themselves.

From the leaves of the tree up, neighbours are joined as long as their rows fit into a tile and the
keys that are then read once are worth more than the partial results that longer key lists need
(the greedy assignment of FastTree, MLSys 2025, over tiles instead of nodes).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise

from sglc_runtime.attention.piece_sizes import Sizes
from sglc_runtime.attention.segments import GAP, Segment
from sglc_runtime.attention.sharing import TileShape


@dataclass(slots=True)
class Group:
    """Rows [first, last) that are computed together: several sequences, or one of any length."""

    first: int
    last: int
    keys: int
    """Keys of its rows, shared ones once, without those of segments that are still open."""
    single: bool
    """Its rows have the same segments."""


def join_rows(segments: list[Segment], edges: list[int], sizes: Sizes) -> list[Group]:
    """
    The rows of a batch in groups, in order; `edges` are where any segment begins or ends.

    Groups of several sequences fit into a tile. Raises ValueError where rows have no segments.
    """
    around: list[tuple[Segment, list[Group]]] = []
    roots: list[Group] = []
    index = 0
    for first, last in pairwise(edges):
        while index < len(segments) and segments[index].first == first:
            around.append((segments[index], []))
            index += 1
        if not around:
            raise ValueError(GAP)
        around[-1][1].append(Group(first, last, 0, True))
        while around and around[-1][0].last == last:
            (_, _, start, end, _), groups = around.pop()
            if len(groups) > 1:
                groups = _join(groups, end, sizes)
            for each in groups:
                each.keys += end - start
            (around[-1][1] if around else roots).extend(groups)
    return _join(roots, 0, sizes)


def _join(groups: list[Group], common: int, sizes: Sizes) -> list[Group]:
    """Neighbours joined whose rows have `common` keys in common, besides `Group.keys`."""
    joined = groups[:1]
    for each in groups[1:]:
        last = joined[-1]
        if each.last - last.first <= sizes.tile_rows and _worth(last, each, common, sizes):
            last.last = each.last
            last.keys += each.keys
            last.single = False
        else:
            joined.append(each)
    return joined


def _worth(one: Group, other: Group, common: int, sizes: Sizes) -> bool:
    if sizes.whole(one.keys + other.keys, common, other.last - one.first):
        return True  # One program less, and no more keys to read.
    # Rows that had one piece, and were done with it, have two or more.
    rows = 0
    for each in (one, other):
        height = each.last - each.first
        if each.single:
            done = each.keys + common <= sizes.uncut[height]
        else:
            done = sizes.whole(each.keys, common, height)
        if done:
            rows += height
    return common * sizes.key > 2 * rows * sizes.partial


def separate(
    segments: list[Segment], groups: list[Group], shape: TileShape, without: set[tuple[int, int]]
) -> dict[int, int]:
    """
    Segments that are read by themselves for all their rows, by index: from which position on.

    None that has rows `without` pieces.

    That saves reads where groups leave tiles half empty. Everything above such a segment is read
    with it.
    """
    if not groups:
        return {}
    height, traffic = shape.tile_rows, shape.traffic
    starts = [group.first for group in groups]
    tiles, excluded = [0], [0]
    for group in groups:
        tiles.append(tiles[-1] - (group.first - group.last) // height)
        excluded.append(excluded[-1] + ((group.first, group.last) in without))
    starts.append(groups[-1].last)
    found: dict[int, int] = {}
    around: list[tuple[int, int]] = []
    for index, (first, last, _, end, _) in enumerate(segments):
        while around and around[-1][0] <= first:
            around.pop()
        start = around[-1][1] if around else 0
        rows = last - first
        low, high = bisect_left(starts, first), bisect_left(starts, last)
        aligned = starts[low] == first and starts[high] == last
        if high - low > 1 and aligned and excluded[low] == excluded[high]:
            fewer = tiles[high] - tiles[low] + (-rows // height)
            if fewer * (end - start) * traffic.key > 2 * rows * traffic.partial:
                found[index] = start
                start = end
        around.append((last, start))
    return found
