"""Shapes of the sampling kernels' programs: a table, read from `sampling.json`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple


class SamplingShape(NamedTuple):
    """How rows are cut; tokens do not depend on it."""

    chunk: int
    """Tokens of a program of the kernels that read whole rows; a power of two."""
    chunk_warps: int
    block: int
    """Candidates that a search looks at together; a power of two."""
    block_warps: int
    room: int
    """Candidates of a row that are noted; with more of them a search reads the whole row."""


@cache
def sampling_shape() -> SamplingShape:
    """What the table says."""
    path = Path(__file__).with_name("sampling.json")
    return SamplingShape(**json.loads(path.read_text(encoding="utf-8")))
