"""
Where randomness comes from: pure functions from a place in a program to a 64-bit key.

The engine draws counter-based noise (Philox) from (key, sample, token). The key depends on the
run's seed, the state's path and how many `gen`s the state ran before, and on nothing else: no
arrival order, batch position or retry enters.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

SeedPath = tuple[int, ...]
"""Path of a state inside its run: for each fork on the way, the fork's number and the child's."""


def mix(*parts: int | str) -> int:
    """64 bits from a sequence of integers and strings; different sequences do not collide."""
    whole = "".join(
        [
            f"s{len(part.encode())}:{part}" if isinstance(part, str) else _integer(str(part))
            for part in parts
        ]
    )
    return int.from_bytes(hashlib.blake2b(whole.encode(), digest_size=8).digest(), "little")


def _integer(digits: str) -> str:
    return f"i{len(digits)}:{digits}"


def gen_key(seed: int, path: SeedPath, index: int) -> int:
    """Key of the `index`-th `gen` (or `select`) of the state at `path`."""
    return mix(seed, "gen", *path, "#", index)


def run_seed(seed: int, path: SeedPath, number: int) -> int:
    """Seed of the `number`-th run that the state at `path` starts."""
    return mix(seed, "run", *path, "#", number)


def row_seed(seed: int, row: int) -> int:
    """Seed of a row of a batch."""
    return mix(seed, "row", row)


def fork_path(path: SeedPath, fork: int, child: int) -> SeedPath:
    """Path of a child of the `fork`-th fork of the state at `path`."""
    return (*path, fork, child)


def draw_seed(backend: Any = None) -> int:
    """
    A fresh seed of 63 bits for a run that was given none: random, or what `backend` gives.

    Our engine gives a sequence of its own where it was started with `random_seed`.
    """
    draw = getattr(getattr(backend, "endpoint", backend), "draw_seed", None)
    return draw() if callable(draw) else secrets.randbits(63)
