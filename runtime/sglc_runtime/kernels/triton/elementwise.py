"""
Shapes of the programs of kernels that work row by row: a table, read from `elementwise.json`.

A kernel has one shape for a size, whatever the number of rows, so that the bits of a row do not
depend on the others.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Shape(NamedTuple):
    """How many items (heads, rows or numbers, as the kernel counts) a program does, and warps."""

    block: int
    warps: int


@cache
def choose_shape(kernel: str, size: int) -> Shape:
    """The first entry of `kernel` that takes `size`; raises ValueError where there is none."""
    path = Path(__file__).with_name("elementwise.json")
    table: dict[str, list[dict[str, int]]] = json.loads(path.read_text(encoding="utf-8"))
    for entry in table[kernel]:
        if size <= entry["most"]:
            return Shape(entry["block"], entry["warps"])
    raise ValueError(f"the kernel {kernel} takes sizes up to {entry['most']}, not {size}")
