"""Keys and values of 8 bits: half the memory, and every backend reads what the pool then holds."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import Tensor

from sglc_runtime.attention.make import AttentionUnavailable, bytes_per_slot, make_attention
from sglc_runtime.attention.pool import FP8, held, pool_dtype
from sglc_runtime.models.base import Batch, Run
from tests.runtime.attention.cases import make_spec
from tests.runtime.attention.test_against_float64 import oracle

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
TYPES = pytest.mark.parametrize("dtype", FP8.values(), ids=FP8.keys())


@TYPES
def test_numbers_out_of_range_become_the_largest(dtype: torch.dtype) -> None:
    largest = torch.finfo(dtype).max
    x = torch.tensor([0.1, -3.0, largest, 1.1 * largest, 1e30, -1e30, torch.inf, torch.nan])
    kept = held(x, dtype).float()
    assert kept[2:7].tolist() == [largest, largest, largest, -largest, largest]
    assert kept[7].isnan()
    torch.testing.assert_close(kept[:2], x[:2], rtol=0.13, atol=0)
    assert torch.equal(held(x, torch.float32)[:7], x[:7])


def test_a_slot_takes_half_of_16_bits() -> None:
    spec = make_spec(4, 2, 32, layers=3, dtype=torch.bfloat16)
    assert pool_dtype("auto", spec) == torch.bfloat16
    for name, dtype in FP8.items():
        assert pool_dtype(name, spec) == dtype
        assert 2 * bytes_per_slot(spec, dtype) == bytes_per_slot(spec)
        made = make_attention("torch", spec, 50, dtype=dtype)
        assert made.keys.nbytes + made.values.nbytes == 50 * bytes_per_slot(spec, dtype)


def attended(name: str, dtype: torch.dtype, chunks: list[int], scale: float) -> tuple[Tensor, ...]:
    """Rows of one sequence in chunks, with a key out of range, and what they are made of."""
    generator = torch.Generator().manual_seed(3)
    q, k, v = (torch.randn(sum(chunks), heads, 32, generator=generator) for heads in (4, 2, 2))
    k[5], v[5] = k[5] * 1e6, v[5] * 1e6
    made = make_attention(name, make_spec(4, 2, 32), 64, DEVICE, dtype, deterministic=True)
    outs, done = [], 0
    for count in chunks:
        end = done + count
        batch = Batch(
            ids=torch.zeros(count, dtype=torch.int64, device=DEVICE),
            positions=torch.arange(done, end, device=DEVICE),
            out_slots=torch.arange(done, end, device=DEVICE) + 7,
            rows=torch.arange(count, device=DEVICE),
            runs=(Run(0, count, 7, end, 0),),
        )
        rows = slice(done, end)
        parts = (x[rows].to(DEVICE) for x in (q, k, v))
        outs.append(made.bind(batch)(0, *parts, scale=scale).cpu())
        done = end
    return torch.cat(outs), q, k, v


@TYPES
@pytest.mark.parametrize("name", ["torch", "triton"])
def test_attention_over_what_the_pool_holds(name: str, dtype: torch.dtype) -> None:
    """Rounded keys and values, in float64; those of the same pass are rounded as well."""
    got, q, k, v = attended(name, dtype, [11, 1, 4], 1e-3)
    rounded = (held(x, dtype).float() for x in (k, v))
    want = oracle(q, *rounded, torch.arange(16), 1e-3, None, None, None)
    assert got.isfinite().all()
    assert (got.double() - want).abs().max() < 2e-6 * want.abs().max()


@TYPES
def test_fixed_cuts_do_not_depend_on_chunks(dtype: torch.dtype) -> None:
    whole, cut = (attended("triton", dtype, chunks, 1e-3)[0] for chunks in ([14], [5, 1, 8]))
    # The interpreter's matrix product gives a row other bits at another place of the tile.
    slack = 0.0 if DEVICE.type == "cuda" else 1e-6
    assert (whole - cut).abs().max() <= slack * whole.abs().max()


@TYPES
def test_slots_are_copied_as_they_are(dtype: torch.dtype) -> None:
    made = make_attention("torch", make_spec(2, 2, 8, layers=3), 10, dtype=dtype)
    noise = torch.Generator().manual_seed(1)
    for pool in (made.keys, made.values):
        # Every pattern, NaN too.
        pool.view(torch.uint8).random_(0, 256, generator=noise)
    before = [pool.view(torch.uint8).clone() for pool in (made.keys, made.values)]
    made.copy_slots(torch.tensor([1, 2]), torch.tensor([7, 5]))
    for pool, old in zip((made.keys, made.values), before, strict=True):
        now = pool.view(torch.uint8)
        assert torch.equal(now[:, [7, 5]], old[:, [1, 2]])
        assert torch.equal(now[:, [0, 1, 9]], old[:, [0, 1, 9]])


@TYPES
def test_the_c_kernel_does_not_take_it(
    dtype: torch.dtype, caplog: pytest.LogCaptureFixture
) -> None:
    spec = make_spec(2, 2, 8)
    with pytest.raises(
        AttentionUnavailable, match=f"pools of float32 and bfloat16, not of {dtype}"
    ):
        make_attention("c", spec, 10, dtype=dtype)
    with caplog.at_level(logging.WARNING):
        assert make_attention("auto", spec, 10, dtype=dtype).name == "torch"
    assert str(dtype) in caplog.text
