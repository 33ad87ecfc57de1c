"""
Which shared prefixes are worth reading once: a cost model of the bytes that move.

A stretch of keys that several sequences share can be read once for all of them, or with each of
them as part of its own keys. Sharing saves reads, and costs every row one more partial result that
is written and read again. Small prefixes and small batches are therefore cheaper unshared
(measured for PAT, arXiv 2511.22333, and FastTree, MLSys 2025).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sglc_runtime.models.base import Run

LEAST_BLOCKS = 2
"""Blocks of keys that a split has at least: each split is one more partial result to merge."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes that move, of one layer."""

    key: int
    """For reading the key and the value of one position, all KV heads."""
    partial: int
    """For writing and reading a row's partial result, all heads."""

    @classmethod
    def of(cls, heads: int, kv_heads: int, dim: int, itemsize: int) -> Traffic:
        """Of a layer with `heads` and `kv_heads` of `dim`; partial results are float32."""
        return cls(2 * kv_heads * dim * itemsize, 2 * heads * (dim + 1) * 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class TileShape:
    """What the cost of a plan depends on: the kernel's tile and the device."""

    tile_rows: int
    """Rows of a piece: the height of the kernel's tile over the query heads of a KV head."""
    kv_heads: int
    traffic: Traffic
    programs: int
    """Programs that the device runs at once; a piece is one for each KV head."""
    block: int = 64
    """Keys of a block of the kernel; splits are whole blocks."""
    shortest: int = 128
    """Keys are not split into fewer than these: each split is one more partial result of a row."""


def worth_sharing(members: int, rows: int, length: int, tile_rows: int, traffic: Traffic) -> bool:
    """Whether `members` sequences with `rows` rows read `length` shared keys better together."""
    together = -(-rows // tile_rows)
    saved = (members - together) * length * traffic.key
    return saved > rows * traffic.partial


def unshare(runs: Sequence[Run], tile_rows: int, traffic: Traffic) -> list[Run]:
    """
    The runs with those that are not worth sharing given to each of their sequences.

    Runs of one sequence stay as they are, however many rows it has.
    """
    edges = sorted({edge for run in runs for edge in (run.row_start, run.row_end)})
    index = {edge: number for number, edge in enumerate(edges)}
    kept: list[Run] = []
    for run in runs:
        first, last = index[run.row_start], index[run.row_end]
        rows = run.row_end - run.row_start
        if last - first <= 1 or worth_sharing(last - first, rows, run.length, tile_rows, traffic):
            kept.append(run)
            continue
        for start, end in zip(edges[first:last], edges[first + 1 : last + 1], strict=True):
            kept.append(run._replace(row_start=start, row_end=end))
    return kept
