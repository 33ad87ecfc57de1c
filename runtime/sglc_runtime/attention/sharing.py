"""
What plans of shared prefixes weigh: bytes that move, and programs that a device runs at once.

A stretch of keys that several sequences share can be read once for all of them, or with each of
them as part of its own keys. Sharing saves reads, and may cost every row one more partial result
that is written and read again: small prefixes and small batches are cheaper apart (measured for
PAT, arXiv 2511.22333, and FastTree, MLSys 2025).
"""

from __future__ import annotations

from dataclasses import dataclass

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
