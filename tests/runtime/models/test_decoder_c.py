"""The C decoder's linear layers: right, and one order of summation for any number of rows."""

from __future__ import annotations

from ctypes import byref
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sglc_runtime.attention.make import make_attention
from sglc_runtime.models import c_native
from sglc_runtime.models.base import Batch, Run
from sglc_runtime.models.c_native import CModel, Kernels, Packer
from sglc_runtime.models.load_native import load_native
from sglc_runtime.models.weights import Projection
from tests.runtime.models.driving import greedy
from tests.runtime.tiny_checkpoints import write_checkpoint

CPU = torch.device("cpu")


class Layer:
    """One packed linear layer, called like a module."""

    def __init__(self, weight: Tensor, bias: Tensor | None, *, narrow: bool) -> None:
        self.kernels = Kernels()
        self.packer = Packer(self.kernels, narrow=narrow)
        self.linear = self.packer.linear(Projection(weight, bias))
        self.outputs = len(weight)

    def __call__(self, x: Tensor) -> Tensor:
        x = x.contiguous()
        out = torch.empty(len(x), self.outputs)
        assert self.kernels.linear(byref(self.linear), x.data_ptr(), len(x), out.data_ptr()) == 0
        return out


@settings(max_examples=60, deadline=None)
@given(
    inputs=st.sampled_from([1, 7, 64, 96, 513, 1100]),
    outputs=st.sampled_from([1, 15, 16, 64, 100, 160]),
    rows=st.integers(1, 40),
    bias=st.booleans(),
    exact=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_linear(inputs: int, outputs: int, rows: int, bias: bool, exact: bool, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(outputs, inputs, generator=generator)
    if exact:
        weight = weight.bfloat16().float()
    added = torch.randn(outputs, generator=generator) if bias else None
    x = torch.randn(rows, inputs, generator=generator)
    narrow, wide = Layer(weight, added, narrow=True), Layer(weight, added, narrow=False)
    assert (narrow.linear.bf16, wide.linear.bf16) == (int(exact), 0)
    got = wide(x)
    want = x.double() @ weight.double().T
    if added is not None:
        want = want + added.double()
    torch.testing.assert_close(got.double(), want, rtol=1e-5, atol=1e-5 * inputs**0.5)
    assert torch.equal(narrow(x), got), "bfloat16 storage changed the result"
    for row in {0, rows // 2, rows - 1}:
        assert torch.equal(wide(x[row : row + 1])[0], got[row]), "a row depends on the others"
        assert torch.equal(narrow(x[: row + 1])[row], got[row])


def test_stored_bfloat16_gives_the_same_continuations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Narrow storage is a matter of speed only."""
    folder = write_checkpoint(tmp_path, "llama", dtype=torch.bfloat16)
    made = []
    for keep in (0, 10**9):
        monkeypatch.setattr(c_native, "KEEP_FLOAT32", keep)
        model = load_native(folder, device=CPU, dtype="float32", in_c=True)
        assert isinstance(model, CModel)
        made.append(greedy(model, make_attention("c", model.spec, 128), [[5, 6, 7]], 20))
    assert made[0] == made[1]


def test_bad_positions_and_rows_are_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, "llama")
    model = load_native(folder, device=CPU, dtype="auto", in_c=True)
    assert isinstance(model, CModel)
    attention = make_attention("c", model.spec, 1024)

    def forward(position: int, row: int) -> None:
        one = torch.tensor([0])
        run = Run(0, 1, 0, position + 1, 0)
        batch = Batch(one, torch.tensor([position]), one, torch.tensor([row]), (run,))
        model.forward(batch, attention.bind(batch))

    forward(511, 0)
    with pytest.raises(ValueError, match="context"):
        forward(512, 0)
    with pytest.raises(ValueError, match="outside the batch"):
        forward(3, 1)


def test_no_rows_wanted_gives_no_logits(tmp_path: Path) -> None:
    """Chunks of a prompt that is not complete yet."""
    folder = write_checkpoint(tmp_path, "qwen3")
    for in_c in (False, True):
        model = load_native(folder, device=CPU, dtype="auto", in_c=in_c)
        attention = make_attention("c", model.spec, 16)
        every, none = torch.arange(5), torch.empty(0, dtype=torch.int64)
        batch = Batch(every, every, every, none, (Run(0, 5, 0, 5, 0),))
        assert model.forward(batch, attention.bind(batch)).shape == (0, model.spec.vocab_size)
