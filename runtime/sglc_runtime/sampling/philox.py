"""
Counter-based noise: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy
as 1, 2, 3", SC 2011).

Token j of sample i under key k draws from (k, i, j) and from nothing else, so no batch, order of
arrival, retry or preemption can change it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox4x32(counter: tuple[Words, Words, Words, Words], key: tuple[int, int]) -> Words:
    """
    Ten Philox rounds over counters of 32-bit words held in uint64 arrays of one shape [N].

    Returns uint64 [4, N], each value a 32-bit word.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            (p1 >> _HALF) ^ c1 ^ np.uint64(k0),
            p1 & _LOW,
            (p0 >> _HALF) ^ c3 ^ np.uint64(k1),
            p0 & _LOW,
        )
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return np.stack((c0, c1, c2, c3))


def uniforms(key: int, sample: int, first: int, count: int) -> NDArray[np.float64]:
    """Uniforms in [0, 1) with 53 bits for tokens first .. first + count - 1: float64 [count]."""
    tokens = np.arange(first, first + count, dtype=np.uint64)
    fill = np.zeros_like(tokens)
    words = philox4x32(
        (tokens & _LOW, tokens >> _HALF, fill + np.uint64(sample & 0xFFFFFFFF), fill),
        (key & 0xFFFFFFFF, (key >> 32) & 0xFFFFFFFF),
    )
    bits = ((words[0] << _HALF) | words[1]) >> np.uint64(11)
    result: NDArray[np.float64] = bits.astype(np.float64) * 2.0**-53
    return result


class Noise:
    """The uniforms of one sample, computed in blocks because a block costs as much as one."""

    __slots__ = ("_block", "_first", "key", "sample")

    BLOCK = 64

    def __init__(self, key: int, sample: int) -> None:
        self.key = key
        self.sample = sample
        self._first = 0
        self._block: list[float] = []

    def __getitem__(self, token: int) -> float:
        index = token - self._first
        if not 0 <= index < len(self._block):
            self._first = token - token % self.BLOCK
            self._block = uniforms(self.key, self.sample, self._first, self.BLOCK).tolist()
            index = token - self._first
        return self._block[index]
