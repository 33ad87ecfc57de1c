"""Compiled models against the same models as they are; attention as one opaque operation."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.utils import counters

from sglc_runtime.attention.make import make_attention
from sglc_runtime.config import EngineConfig
from sglc_runtime.kernels.build import CompilerUnavailable, find_compiler
from sglc_runtime.kernels.triton.launch import recording
from sglc_runtime.models import compiled
from sglc_runtime.models.base import Batch, Run
from sglc_runtime.models.compiled import CompiledModel, compile_model
from sglc_runtime.models.fused import FusedModel
from sglc_runtime.models.generic import load_generic
from sglc_runtime.models.load_native import load_native
from sglc_runtime.models.native import NativeModel
from sglc_runtime.models.opaque import OpaqueAttention, running
from sglc_runtime.start import start_engine
from tests.runtime.engine.driving import checkpoint
from tests.runtime.models.driving import greedy
from tests.runtime.models.test_native import prompts
from tests.runtime.tiny_checkpoints import Family, write_checkpoint

CPU = torch.device("cpu")
NEW = 6
CASES: dict[str, tuple[Family, dict[str, Any], str]] = {
    "mistral": ("mistral", {"sliding_window": 16, "num_hidden_layers": 2}, "aot_eager"),
    "qwen3": ("qwen3", {"attention_bias": True, "num_hidden_layers": 1}, "eager"),
}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Code that was compiled for another test counts towards torch's limit."""
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


def graphs() -> int:
    assert not counters["graph_break"]
    return int(counters["stats"]["unique_graphs"])


def native(folder: Path) -> NativeModel:
    model = load_native(folder, device=CPU, dtype="float32", in_c=False, packed=False)
    assert isinstance(model, NativeModel)
    return model


@pytest.mark.parametrize("name", list(CASES))
def test_native_tokens_are_the_same(name: str, tmp_path: Path) -> None:
    """Rows of every number by two graphs for each half, whole: fullgraph is an error otherwise."""
    family, overrides, backend = CASES[name]
    plain = native(write_checkpoint(tmp_path, family, **overrides))
    model = compile_model(plain, CPU, backend)
    attention = make_attention("torch", plain.spec, 512)
    with torch.inference_mode():
        assert model.try_out(attention, CPU)
        assert graphs() == 3  # one row and several, of which one is wanted
        got = greedy(model, attention, prompts(384), NEW)
        assert graphs() == 4
        assert got == greedy(plain, attention, prompts(384), NEW)
    assert model.compiled
    assert graphs() == 4


def test_keys_are_stored_where_no_row_is_wanted(tmp_path: Path) -> None:
    """The last layer's attention has no part in the result then."""
    plain = native(write_checkpoint(tmp_path, num_hidden_layers=1))
    every = torch.arange(5)
    batch = Batch(every + 7, every, every, every[:0], (Run(0, 5, 0, 5, 0),))
    pools = []
    for model in (plain, compile_model(plain, CPU, "aot_eager")):
        attention = make_attention("torch", plain.spec, 5)
        assert model.forward(batch, attention.bind(batch)).shape == (0, 384)
        pools.append(attention)
    assert graphs() == 1
    torch.testing.assert_close(pools[1].keys, pools[0].keys)
    torch.testing.assert_close(pools[1].values, pools[0].values)


def test_generic_tokens_are_the_same(tmp_path: Path) -> None:
    """One graph for the whole model with several rows, and one with one."""
    folder = write_checkpoint(tmp_path, "mistral", num_hidden_layers=1, sliding_window=16)
    plain = load_generic(folder, device=CPU, dtype="float32")
    model = compile_model(plain, CPU, "eager")
    attention = make_attention("torch", plain.spec, 512)
    with torch.inference_mode():
        got = greedy(model, attention, prompts(384)[1:2], NEW, chunk=20)
        assert got == greedy(plain, attention, prompts(384)[1:2], NEW)
    assert model.compiled
    assert graphs() == 2


def test_the_decoder_for_gpus_is_compiled_as_torch_operations(tmp_path: Path) -> None:
    """So that kernels of ours run where that fails, and Inductor's where it does not."""
    folder = write_checkpoint(tmp_path, "qwen3", num_hidden_layers=1)
    plain = native(folder)
    fused = load_native(folder, device=CPU, dtype="float32", in_c=False, fused=True)
    assert isinstance(fused, FusedModel)
    every = torch.arange(5)
    batch = Batch(every + 7, every, every, every[3:], (Run(0, 5, 0, 5, 0),))
    attention = make_attention("torch", plain.spec, 5)
    with recording() as launches:
        got = compile_model(fused, CPU, "eager").forward(batch, attention.bind(batch))
    assert not launches
    torch.testing.assert_close(
        got, plain.forward(batch, attention.bind(batch)), rtol=1e-4, atol=1e-4
    )
    with recording() as launches:
        compile_model(fused, CPU, broken).forward(batch, attention.bind(batch))
    assert launches


def broken(*_: object) -> Callable[..., object]:
    raise ValueError("no such instruction")


def test_what_cannot_be_compiled_runs_as_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain = native(write_checkpoint(tmp_path, num_hidden_layers=1))
    model = compile_model(plain, CPU, broken)
    attention = make_attention("torch", plain.spec, 512)
    with caplog.at_level(logging.WARNING):
        assert not model.try_out(attention, CPU)
        got = greedy(model, attention, prompts(384)[:1], NEW)
    assert got == greedy(plain, attention, prompts(384)[:1], NEW)
    (record,) = [each for each in caplog.records if each.name == compiled.__name__]
    assert "no such instruction" in record.message


def test_errors_of_a_pass_are_not_errors_of_the_compiler(tmp_path: Path) -> None:
    plain = native(write_checkpoint(tmp_path, num_hidden_layers=1))
    model = compile_model(plain, CPU, "eager")
    ids = torch.arange(3)
    batch = Batch(ids, ids, ids, ids, ())

    def fails(*_: object, **__: object) -> Tensor:
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        model.forward(batch, fails)
    assert model.compiled


class Sums:
    """An attention that notes its calls and may return the same memory each time."""

    def __init__(self, *, reuses_output: bool = False) -> None:
        self.calls: list[int] = []
        self.reuses_output = reuses_output
        self._out = torch.empty(5, 2, 4)

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor, **options: Any) -> Tensor:
        """See `Attention`."""
        self.calls.append(layer)
        found = q * options["scale"] + k + v
        return self._out.copy_(found) if self.reuses_output else found


def pass_of(attention: OpaqueAttention) -> Callable[[Tensor], Tensor]:
    def forward(x: Tensor) -> Tensor:
        first = attention(0, 2 * x, x, x, scale=0.5)
        attention(1, x, x, x, scale=0.5, window=3)
        return 3 * attention(2, first + 1, first, x, scale=0.25) + first

    return forward


@pytest.mark.parametrize("reuses_output", [False, True])
@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=pytest.mark.slow)])
def test_no_call_is_left_out_or_moved(backend: str, reuses_output: bool) -> None:
    if backend == "inductor":
        try:
            find_compiler()
        except CompilerUnavailable as reason:
            pytest.skip(f"Inductor needs a C++ compiler: {reason}")
        if reuses_output:
            pytest.skip("once is enough: a compiler of C++ takes 10 seconds")
    x, forward = torch.randn(5, 2, 4), pass_of(OpaqueAttention(CPU))
    attention = Sums(reuses_output=reuses_output)
    with running(attention), torch.inference_mode():
        got = torch.compile(forward, backend=backend, fullgraph=True)(x)
    assert attention.calls == [0, 1, 2]
    with running(Sums()):
        torch.testing.assert_close(got, forward(x))


def test_the_engine_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "BACKEND", "eager")
    config = EngineConfig(
        model=str(checkpoint()), enable_torch_compile=True, kv_slots=64, threads=1
    )
    engine, info = start_engine(config)
    assert isinstance(engine.model, CompiledModel)
    assert info.compiled
    assert info.implementation == "native"
    monkeypatch.setattr(compiled, "BACKEND", broken)
    assert not start_engine(config)[1].compiled
