"""Shapes of the attention kernel's tiles: a table, read from `tiles.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

import torch

from sglc_runtime.kernels.triton.attend import Tile

MIN_BLOCK_M = 16
"""Rows that a matrix product of a GPU has at least."""
Kind = Literal["decode", "shared", "extend", "fixed"]
"""
`decode`: a row against its own keys; `shared`: a few rows against keys that they share, as `decode`
but higher; `extend`: a prompt; `fixed`: all of them in one shape, because results of different
shapes may differ in their last bits.
"""


@cache
def _table() -> dict[str, list[dict[str, int]]]:
    table: dict[str, list[dict[str, int]]] = json.loads(
        Path(__file__).with_name("tiles.json").read_text(encoding="utf-8")
    )
    return table


def choose_tile(kind: Kind, dim: int, group: int, dtype: torch.dtype) -> Tile:
    """
    The tile for heads of `dim` with `group` query heads for a KV head.

    Raises ValueError where no tile holds heads of `dim`.
    """
    wide = dtype == torch.float32
    for entry in _table()[kind]:
        if dim <= entry["dim"] and bool(entry["float32"]) == wide:
            height = max(entry["block_m"], MIN_BLOCK_M)
            while height < group:
                height *= 2
            return Tile(height, entry["block_n"], entry["warps"], entry["stages"])
    raise ValueError(f"no tile for heads of {dim}")


@contextmanager
def using(table: Mapping[str, Sequence[Mapping[str, int]]]) -> Iterator[None]:
    """Choose from another table meanwhile, to try its tiles out."""
    held = _table()
    before = dict(held)
    try:
        held.clear()
        held.update({kind: [dict(entry) for entry in entries] for kind, entries in table.items()})
        yield
    finally:
        held.clear()
        held.update(before)
