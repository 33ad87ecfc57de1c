"""Shapes of the programs of `one_row`: a table, read from `one_row.json`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Block(NamedTuple):
    """What a program does: outputs, inputs at a time, and its warps."""

    outputs: int
    inputs: int
    warps: int


@cache
def choose_block(outputs: int, inputs: int, *, gated: bool, wide: bool) -> Block:
    """
    The first entry for at least that many `outputs`; `wide` numbers have four bytes.

    Few outputs are spread over many programs; inputs at a time are cut to what there are.
    """
    path = Path(__file__).with_name("one_row.json")
    table: list[dict[str, int]] = json.loads(path.read_text(encoding="utf-8"))
    for entry in table:
        if outputs >= entry["from"]:
            break
    # A gated program has two tiles of weights, a wide one twice the bytes.
    height = max(1, entry["outputs"] // (2 if gated else 1))
    width = entry["inputs"] // (2 if wide else 1)
    while width // 2 >= inputs and width > 16:
        width //= 2
    return Block(height, width, entry["warps"])
