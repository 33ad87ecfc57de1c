"""Packed masks against plain lists of allowed tokens, on every path that spreads them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sglc_runtime.constraints.bitmaps import forbid, forbid_by_shifts, packed, single, unpacked


@given(st.integers(1, 200), st.integers(1, 4), st.integers(0, 2**31))
def test_both_ways_forbid_what_is_not_allowed(vocab: int, rows: int, seed: int) -> None:
    noise = np.random.default_rng(seed)
    allowed = noise.random((rows, vocab)) < noise.random((rows, 1))
    masks = [packed(row) for row in allowed]
    logits = torch.from_numpy(noise.standard_normal((rows, vocab)).astype(np.float32))
    wanted = torch.where(torch.from_numpy(allowed), logits, -torch.inf)
    by_table, by_shifts = logits.clone(), logits.clone()
    forbid(by_table, masks)
    forbid_by_shifts(by_shifts, torch.from_numpy(np.stack(masks)))
    assert torch.equal(by_table, wanted)
    assert torch.equal(by_shifts, wanted)


@pytest.mark.parametrize(("token", "vocab"), [(0, 1), (31, 32), (31, 40), (32, 33), (70, 71)])
def test_a_mask_of_one_token(token: int, vocab: int) -> None:
    """Bit 31 is the sign of its word."""
    assert unpacked(single(token, vocab), vocab).nonzero()[0].tolist() == [token]
    logits = torch.zeros(1, vocab)
    forbid_by_shifts(logits, torch.from_numpy(single(token, vocab)[None]))
    assert logits[0].isfinite().nonzero().flatten().tolist() == [token]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu() -> None:
    allowed = np.random.default_rng(1).random((3, 151_936)) < 0.5
    logits = torch.zeros(3, 151_936, device="cuda")
    forbid(logits, [packed(row) for row in allowed])
    assert np.array_equal(logits.isfinite().cpu().numpy(), allowed)
