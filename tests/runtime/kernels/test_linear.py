"""Float linear kernels: right, and one order of summation for any number of rows and threads."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc_runtime.kernels.library import load_library
from tests.runtime.kernels.layers import Layer


@pytest.fixture
def set_threads() -> Generator[Callable[[int], None]]:
    library = load_library()
    before = library.sglc_threads()
    yield library.sglc_set_threads
    library.sglc_set_threads(before)


@settings(max_examples=60, deadline=None)
@given(
    inputs=st.sampled_from([1, 7, 64, 96, 257, 513, 1100]),
    outputs=st.sampled_from([1, 15, 16, 64, 100, 160]),
    rows=st.integers(1, 40),
    bias=st.booleans(),
    exact=st.booleans(),
    added=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_against_float64(
    inputs: int, outputs: int, rows: int, bias: bool, exact: bool, added: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(outputs, inputs, generator=generator)
    if exact:
        weight = weight.bfloat16().float()
    constant = torch.randn(outputs, generator=generator) if bias else None
    x = torch.randn(rows, inputs, generator=generator)
    residual = torch.randn(rows, outputs, generator=generator) if added else None
    narrow, wide = Layer(weight, constant, narrow=True), Layer(weight, constant)
    assert (narrow.linear.kind, wide.linear.kind) == (int(exact), 0)
    got = wide(x, residual)
    want = x.double() @ weight.double().T
    for term in (constant, residual):
        want = want if term is None else want + term.double()
    torch.testing.assert_close(got.double(), want, rtol=1e-5, atol=1e-5 * inputs**0.5)
    assert torch.equal(narrow(x, residual), got), "bfloat16 storage changed the result"
    if exact:
        stored = Layer(weight.bfloat16(), constant, narrow=True)
        assert torch.equal(stored(x, residual), got), "packed from bfloat16, the result changed"
    for row in {0, rows // 2, rows - 1}:
        alone = None if residual is None else residual[row : row + 1]
        before = None if residual is None else residual[: row + 1]
        assert torch.equal(wide(x[row : row + 1], alone)[0], got[row]), "depends on other rows"
        assert torch.equal(narrow(x[: row + 1], before)[row], got[row])


@pytest.mark.parametrize("rows", [1, 2, 3, 8, 24, 25, 97, 200])
@pytest.mark.parametrize("narrow", [False, True])
def test_bitwise_the_same_on_any_number_of_threads(
    rows: int, narrow: bool, set_threads: Callable[[int], None]
) -> None:
    generator = torch.Generator().manual_seed(rows)
    layer = Layer(torch.randn(700, 530, generator=generator).bfloat16().float(), narrow=narrow)
    x = torch.randn(rows, 530, generator=generator)
    made = []
    for threads in (1, 2, 3):
        set_threads(threads)
        made.append(layer(x))
    assert torch.equal(made[0], made[1])
    assert torch.equal(made[0], made[2])
    assert torch.equal(layer(x[rows // 2 :])[0], made[0][rows // 2])


def test_residual_may_be_the_output() -> None:
    layer = Layer(torch.randn(48, 40))
    x, residual = torch.randn(3, 40), torch.randn(3, 48)
    want = layer(x, residual)
    layer.library.sglc_run_linear(
        layer.address, x.data_ptr(), 3, residual.data_ptr(), residual.data_ptr(), None
    )
    assert torch.equal(residual, want)


def test_rows_of_a_packed_weight_are_its_embeddings() -> None:
    weight = torch.randn(75, 33).bfloat16()
    ids = torch.tensor([0, 7, 8, 15, 16, 74, 40])
    for narrow in (False, True):
        layer = Layer(weight, narrow=narrow)
        out = torch.full((len(ids), 33), torch.nan)
        embed = layer.library.sglc_embed
        assert embed(layer.address, ids.data_ptr(), len(ids), out.data_ptr()) == 0
        assert torch.equal(out, weight.float()[ids])
        for bad in (-1, 75):
            assert embed(layer.address, torch.tensor([bad]).data_ptr(), 1, out.data_ptr()) == 2
