"""
Sizes of decode steps: each is rounded up to one of a few, so that a few graphs serve all.

The sizes are those of SGLang's and vLLM's CUDA graphs: powers of two up to 8, then multiples of 8.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

SMALL = (1, 2, 4)
STEP = 8


def bucket_sizes(most: int, captured: int | None = None) -> tuple[int, ...]:
    """
    1, 2, 4, 8, 16, 24, ... and `most`, ascending.

    `captured`, the largest size of which there is a graph, is one of them too, so that every step
    up to it has a graph. Raises ValueError for fewer than one row.
    """
    if most < 1:
        raise ValueError(f"a decode step has at least one row, not {most}")
    sizes = {*SMALL, *range(STEP, most, STEP), most, captured or most}
    return tuple(sorted(size for size in sizes if size <= most))


def bucket_of(rows: int, sizes: Sequence[int]) -> int | None:
    """The smallest of the ascending `sizes` that holds `rows`; None where there is none."""
    index = bisect_left(sizes, rows)
    return sizes[index] if rows > 0 and index < len(sizes) else None
