"""Philox against the known answers of its authors, and as a source of noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc_runtime.sampling.philox import Noise, philox4x32, uniforms

ONES = 0xFFFFFFFF
# Known answers of Random123's philox4x32 with 10 rounds (kat_vectors).
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES,) * 4, (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_known_answers(
    counter: tuple[int, int, int, int], key: tuple[int, int], words: tuple[int, int, int, int]
) -> None:
    c0, c1, c2, c3 = (np.array([word], dtype=np.uint64) for word in counter)
    assert tuple(philox4x32((c0, c1, c2, c3), key)[:, 0].tolist()) == words


@given(st.integers(0, 2**64 - 1), st.integers(0, 1000), st.lists(st.integers(0, 500), max_size=9))
def test_noise_is_a_function_of_its_place(key: int, sample: int, tokens: list[int]) -> None:
    noise = Noise(key, sample)
    for token in tokens:
        assert noise[token] == uniforms(key, sample, token, 1)[0]


def test_places_are_independent_and_uniform() -> None:
    values = np.stack([uniforms(key, sample, 0, 500) for key in range(20) for sample in range(5)])
    assert len(np.unique(values)) == values.size
    assert ((values >= 0) & (values < 1)).all()
    counts, _ = np.histogram(values, bins=50, range=(0, 1))
    expected = values.size / 50
    assert ((counts - expected) ** 2 / expected).sum() < 90  # chi-square, 49 dof, p ~ 3e-4
