"""Seeds of requests that bring none."""

from __future__ import annotations

import hashlib
import itertools
import secrets


class SeedSource:
    """
    Draws seeds of 63 bits: at random, or from `seed`, the n-th request's always the same.

    Requests that are made at once by several threads get theirs in the order in which they ask.
    """

    def __init__(self, seed: int | None) -> None:
        self._seed = seed
        self._drawn = itertools.count()

    def draw(self) -> int:
        """The next one."""
        if self._seed is None:
            return secrets.randbits(63)
        text = f"{self._seed}:{next(self._drawn)}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1
