"""The runs of a batch as a tree: stretches of keys, and the rows that have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sglc_runtime.models.base import Run

GAP = "the runs of a row have a gap or end before its position"


class Segment(NamedTuple):
    """Rows [first, last) that have the same keys in positions [start, end)."""

    first: int
    last: int
    start: int
    end: int
    extents: list[tuple[int, int]]
    """(first slot, length) of its keys, in the order of positions."""


def segments_of(runs: Sequence[Run], rows: int, *, shared: bool = False) -> list[Segment]:
    """
    The tree of a batch with `rows` rows, depth first, runs of the same rows joined.

    Runs of the same rows are in the order of positions. With `shared` only what two or more rows
    have. Raises ValueError where rows of two runs overlap without one having all of the other's,
    where a row's runs have a gap, and where they lie outside the batch.
    """
    found: dict[tuple[int, int], tuple[int, list[tuple[int, int]]]] = {}
    ends: dict[tuple[int, int], int] = {}
    least = 1 if shared else 0
    for first, last, slot, length, position in runs:
        if last - first <= least or not length:
            continue
        key = first, -last
        end = ends.get(key)
        if end is None:
            found[key] = position, [(slot, length)]
        elif end == position:
            found[key][1].append((slot, length))
        else:
            raise ValueError(GAP)
        ends[key] = position + length
    segments: list[Segment] = []
    around: list[Segment] = []
    for key in sorted(found):
        first, last = key[0], -key[1]
        start, extents = found[key]
        while around and around[-1].last <= first:
            around.pop()
        if first < 0 or last > rows:
            raise ValueError("runs lie outside the batch")
        if around and last > around[-1].last:
            raise ValueError("the runs are not those of a tree: their rows overlap")
        if start != (around[-1].end if around else 0):
            raise ValueError(GAP)
        segments.append(Segment(first, last, start, ends[key], extents))
        around.append(segments[-1])
    return segments
