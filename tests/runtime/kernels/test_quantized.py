"""Quantised linear kernels against integer arithmetic in NumPy, bit for bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc_runtime.models.packing import Quantization
from tests.runtime.kernels.layers import Layer, quantized_linear
from tests.runtime.kernels.test_linear import set_threads

__all__ = ["set_threads"]
BITS: dict[Quantization, int] = {"int8": 8, "int4": 4}
quantizations = pytest.mark.parametrize("quantization", ["int8", "int4"])


@quantizations
@settings(max_examples=60, deadline=None)
@given(
    inputs=st.sampled_from([1, 7, 32, 64, 96, 257, 513]),
    outputs=st.sampled_from([1, 15, 16, 64, 100]),
    rows=st.integers(1, 40),
    stored=st.booleans(),
    scale=st.sampled_from([1e-20, 0.02, 1.0, 1e6]),
    seed=st.integers(0, 1000),
)
def test_against_integers(
    quantization: Quantization,
    inputs: int,
    outputs: int,
    rows: int,
    stored: bool,
    scale: float,
    seed: int,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(outputs, inputs, generator=generator).bfloat16()
    x = torch.randn(rows, inputs, generator=generator) * scale
    x[0, : min(inputs, 40)] = 0.0
    weight[-1, : min(inputs, 40)] = 0.0
    layer = Layer(weight if stored else weight.float(), quantization=quantization)
    got = layer(x)
    want = quantized_linear(x.numpy(), weight.float().numpy(), BITS[quantization])
    assert np.array_equal(got.numpy(), want)
    for row in {0, rows // 2, rows - 1}:
        assert torch.equal(layer(x[row : row + 1])[0], got[row]), "a row depends on the others"
        assert torch.equal(layer(x[: row + 1])[row], got[row])


@quantizations
def test_largest_sums_do_not_overflow(quantization: Quantization) -> None:
    """Every weight and every input at its limit, signs in all combinations."""
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    weight = signs.repeat(8, 48)
    x = signs.repeat(1, 48)
    got = Layer(weight, quantization=quantization)(x)
    want = quantized_linear(x.numpy(), weight.numpy(), BITS[quantization])
    assert np.array_equal(got.numpy(), want)
    assert got.abs().max() > 90


@quantizations
@pytest.mark.parametrize("rows", [1, 2, 5, 70, 140])
def test_bitwise_the_same_on_any_number_of_threads(
    rows: int, quantization: Quantization, set_threads: Callable[[int], None]
) -> None:
    generator = torch.Generator().manual_seed(rows)
    bias = torch.randn(700, generator=generator)
    layer = Layer(torch.randn(700, 530, generator=generator), bias, quantization=quantization)
    x, residual = torch.randn(rows, 530, generator=generator), torch.randn(rows, 700)
    made = []
    for threads in (1, 2, 3):
        set_threads(threads)
        made.append(layer(x, residual))
    assert torch.equal(made[0], made[1])
    assert torch.equal(made[0], made[2])
    assert torch.equal(made[0], residual + layer(x)), "bias or residual misplaced"


@quantizations
def test_numbers_that_are_none_stay_visible(quantization: Quantization) -> None:
    layer = Layer(torch.randn(20, 64), quantization=quantization)
    for bad in (torch.nan, torch.inf, -torch.inf):
        x = torch.randn(3, 64)
        x[1, 40] = bad
        got = layer(x)
        assert got[1].isnan().all()
        assert got[[0, 2]].isfinite().all()


@pytest.mark.parametrize(("quantization", "most"), [("int8", 0.008), ("int4", 0.09)])
def test_error_against_float64(quantization: Quantization, most: float) -> None:
    """Relative to the size of the result; the scales of normal weights and inputs."""
    generator = torch.Generator().manual_seed(2)
    weight = torch.randn(256, 1024, generator=generator)
    x = torch.randn(32, 1024, generator=generator)
    want = x.double() @ weight.double().T
    error = (Layer(weight, quantization=quantization)(x) - want).norm() / want.norm()
    assert most / 3 < error < most
