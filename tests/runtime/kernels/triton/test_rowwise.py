"""Kernels around attention: 8-bit numbers, and bits as torch's operations give them."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sglc_runtime.kernels.triton.cases.making import pool
from sglc_runtime.kernels.triton.elementwise import choose_shape
from sglc_runtime.kernels.triton.launch import recording
from sglc_runtime.kernels.triton.norm import LARGEST, add_norm, norm
from sglc_runtime.kernels.triton.rope_store import HeadNorms, rope_store
from sglc_runtime.kernels.triton.store import store
from sglc_runtime.kernels.triton.swiglu import swiglu
from sglc_runtime.models.rope import rope_tables
from sglc_runtime.models.rope_config import RopeConfig

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("held", [torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
def test_8_bit_numbers_are_the_nearest_and_saturate(held: torch.dtype) -> None:
    """Every float16, and numbers of all magnitudes: torch rounds alike, but does not saturate."""
    every = torch.arange(2**16).to(torch.int16).view(torch.float16).float()
    generator = torch.Generator().manual_seed(0)
    wide = torch.randn(2**16, generator=generator) * 10 ** (
        torch.rand(2**16, generator=generator) * 16 - 10
    )
    x = torch.cat([every, wide]).view(1, -1, 64).to(DEVICE)
    keys = torch.zeros(1, x.shape[1], 64, device=DEVICE).to(held)
    store(x, x, keys, keys.clone(), torch.tensor([0], device=DEVICE))
    largest = torch.finfo(held).max
    want = x.clamp(-largest, largest).to(held)
    nan = x.isnan()
    assert torch.equal(keys.float().isnan(), nan)
    assert torch.equal(keys.view(torch.uint8)[~nan], want.view(torch.uint8)[~nan])


def rms(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """As transformers writes it."""
    wide = x.float()
    wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps)
    return weight * wide.to(x.dtype)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16], ids=str)
@settings(deadline=None, max_examples=10)
@given(
    heads=st.integers(1, 9),
    kv_heads=st.integers(1, 5),
    dim=st.sampled_from([16, 24, 64, 80]),
    normed=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_rotation_has_the_bits_of_torch(
    kind: torch.dtype, heads: int, kv_heads: int, dim: int, normed: bool, seed: int
) -> None:
    """In 16 bits, where products of two numbers are exact in float32."""
    torch.manual_seed(seed)
    slots = torch.tensor([4, 1], device=DEVICE)
    qkv = torch.randn(2, (heads + 2 * kv_heads) * dim).to(DEVICE, kind)
    positions = torch.tensor([seed % 7, 30], device=DEVICE)
    cos, sin = rope_tables(RopeConfig(1e4, "default"), dim, 32, kind, DEVICE)
    keys, values = (pool(DEVICE, kind, 6, kv_heads, dim) for _ in range(2))
    out = torch.full((2, heads, dim), torch.nan, dtype=kind, device=DEVICE)
    weights = torch.randn(2, dim).to(DEVICE, kind)
    norms = HeadNorms(weights[0], weights[1], 1e-6) if normed else None
    rope_store(qkv, positions, slots, cos, sin, keys, values, out, norms)
    q, k, v = qkv.view(2, -1, dim).split([heads, kv_heads, kv_heads], 1)
    if normed:
        q, k = rms(q, weights[0], 1e-6), rms(k, weights[1], 1e-6)
    q, k = (x * cos[positions, None] + x.roll(dim // 2, -1) * sin[positions, None] for x in (q, k))
    # A sum of squares has another order: now and then a number differs in its last bit.
    exact = {"rtol": 2e-2, "atol": 1e-2} if normed else {"rtol": 0.0, "atol": 0.0}
    torch.testing.assert_close(out, q, **exact)
    torch.testing.assert_close(keys[slots], k, **exact)
    assert torch.equal(values[slots], v)
    unused = torch.tensor([0, 2, 3, 5], device=DEVICE)
    assert keys[unused].isnan().all()
    assert values[unused].isnan().all()


def test_the_sum_may_replace_its_input() -> None:
    torch.manual_seed(0)
    x, delta = torch.randn(2, 3, 72).to(DEVICE, torch.float16)
    weight = torch.randn(72).to(DEVICE, torch.float16)
    want = x + delta
    out = torch.empty_like(x)
    add_norm(x, delta, weight, 1e-6, x, out)
    assert torch.equal(x, want)
    torch.testing.assert_close(out, rms(want, weight, 1e-6))


def test_rows_of_views() -> None:
    """Rows that lie apart, as parts of a larger tensor do."""
    torch.manual_seed(0)
    x = torch.randn(4, 200).to(DEVICE)[:, 10:74]
    weight, out = torch.ones(64, device=DEVICE), torch.empty(4, 64, device=DEVICE)
    norm(x, weight, 1e-6, out)
    torch.testing.assert_close(out, rms(x, weight, 1e-6))
    gate_up, half = torch.randn(4, 70).to(DEVICE)[:, 4:68], torch.empty(4, 32, device=DEVICE)
    swiglu(gate_up, half)
    gate, up = gate_up.chunk(2, -1)
    torch.testing.assert_close(half, F.silu(gate) * up)


def test_sizes_that_no_program_holds_are_refused() -> None:
    x = torch.zeros(1, LARGEST + 1, device=DEVICE)
    with pytest.raises(ValueError, match="up to 16384"):
        norm(x, x[0], 1e-6, torch.empty_like(x))
    assert choose_shape("norm", LARGEST).warps == 16


@pytest.mark.parametrize("size", [16, 33, 64, 96, 200, 1024, 4096, 16384])
def test_no_two_threads_of_a_norm_have_the_same_number(size: int) -> None:
    """One would read `x` while the other writes the sum there."""
    x, weight = (torch.empty(*shape, size, device="meta") for shape in ((3,), ()))
    with recording() as launches:
        add_norm(x, torch.empty_like(x), weight, 1e-5, x, torch.empty_like(x))
    assert launches[0].warps == 1 or 32 * launches[0].warps <= launches[0].constants["WIDE"]
