"""Where memory runs out, the message names the options that help."""

from __future__ import annotations

import logging
from typing import NoReturn

import pytest
import torch

from sglc_runtime.attention.sizing import default_share, pass_bytes, pool_slots
from sglc_runtime.config import EngineConfig
from sglc_runtime.device.graphs import Action, Graphs
from sglc_runtime.errors import EngineError
from sglc_runtime.models.base import Attention, Batch, Model, ModelSpec
from sglc_runtime.protocol import Generate, Generated, Sampling, Submit, Text
from sglc_runtime.start import start_engine
from tests.runtime.attention.cases import make_spec
from tests.runtime.device.late_lane import LateLane
from tests.runtime.device.replaying import ReplayCapture
from tests.runtime.device.stepping import ahead_engine, torch_engine
from tests.runtime.engine.driving import checkpoint, failure, make_engine, only, results, run

MESSAGE = "CUDA out of memory. Tried to allocate 2.00 GiB.\nIf reserved but unallocated ..."
GREEDY = Sampling(max_new_tokens=6, temperature=0.0, ignore_eos=True)


def run_out(*_: object, **__: object) -> NoReturn:
    raise torch.OutOfMemoryError(MESSAGE)


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("sglc_runtime.models.weights.WeightReader.norm", "dtype .*tp_size"),
        (
            "sglc_runtime.attention.pool._empty",
            "kv_slots or mem_fraction_static.*kv_cache_dtype to fp8_e4m3",
        ),
        (
            "sglc_runtime.attention.torch_attention._sdpa",
            "chunk_tokens, max_running or mem_fraction_static",
        ),
        ("sglc_runtime.start.self_check", "chunk_tokens, max_running or mem_fraction_static"),
        (
            "sglc_runtime.device.slot_table.SlotTable.__init__",
            "max_running, cuda_graph_max_bs or mem_fraction_static",
        ),
        (
            "sglc_runtime.device.runner.decode_step",
            "max_running, cuda_graph_max_bs or mem_fraction_static",
        ),
    ],
)
def test_a_start_without_memory(path: str, options: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path, run_out)
    config = EngineConfig(model=str(checkpoint()), attention="torch", threads=1, warmup=True)
    with pytest.raises(EngineError, match=rf"no memory for .*{options} \(CUDA out .* GiB\.\)$"):
        start_engine(config, run_ahead=True)


class Failing:
    """A model that has no memory for one of its passes."""

    def __init__(self, model: Model, passes: int) -> None:
        self.model = model
        self.spec: ModelSpec = model.spec
        self.left = passes

    def forward(self, batch: Batch, attention: Attention) -> torch.Tensor:
        """As the model does."""
        self.left -= 1
        if self.left == 0:
            run_out()
        return self.model.forward(batch, attention)


@pytest.mark.parametrize("passes", [1, 5])
def test_a_pass_without_memory_fails_who_is_in_it(passes: int) -> None:
    """A prompt's pass, then a step: the request that waits meanwhile is served as if alone."""
    engine = ahead_engine(max_running=1)
    engine.model = Failing(engine.model, passes)
    # Its steps go through the executor, which has the model of its own.
    monkey = engine.executor
    assert monkey is not None
    monkey._model = engine.model  # type: ignore[attr-defined]
    submits = [Submit(number, (Text("one two"),), (Generate(GREEDY),)) for number in range(2)]
    events = run(engine, submits)
    failed = failure(events)
    assert (failed.id, failed.kind) == (0, "out_of_memory")
    assert "chunk_tokens, max_running or mem_fraction_static" in failed.message
    (alone,) = only(run(make_engine(), submits[1:]), Generated)
    assert [event.samples for event in only(events, Generated)] == [alone.samples]


class Small(ReplayCapture):
    """Has memory for small graphs only."""

    def record(self, action: Action) -> Action:
        """As it does, up to three."""
        if self.recordings >= 1:
            run_out()
        return super().record(action)


def test_a_graph_without_memory_is_done_without(caplog: pytest.LogCaptureFixture) -> None:
    capture = Small()
    engine = torch_engine(LateLane(), Graphs(capture, 64))
    sampling = Sampling(max_new_tokens=4, temperature=0.9, ignore_eos=True, n=2)
    submits = [Submit(0, (Text("one two"),), (Generate(GREEDY),)),
               Submit(1, (Text("one two"),), (Generate(sampling),))]  # fmt: skip
    with caplog.at_level(logging.WARNING):
        events = run(engine, submits)
    assert "lower cuda_graph_max_bs or mem_fraction_static" in caplog.text
    assert capture.recordings == 1
    want = results(run(make_engine(), submits))
    assert [s.ids for s in results(events)[1, 0]] == [s.ids for s in want[1, 0]]  # type: ignore[attr-defined]


def test_the_share_of_a_gpu_holds_the_weights() -> None:
    gib = 1 << 30

    def slots(share: float, *, before: int = 80, free: int = 64) -> int:
        return pool_slots(
            gib // 1024, free * gib, kv_slots=None, mem_fraction_static=share, most=1 << 40,
            before=before * gib,
        )  # fmt: skip

    # 16 GiB of weights: 90% of 80 are 72, of which 56 are left.
    assert slots(0.9) == 56 * 1024
    assert slots(1.0) == 64 * 1024
    assert slots(0.5, free=60) == 20 * 1024
    with pytest.raises(
        ValueError, match=r"20% of the GPU's free memory \(80\.0 GiB\), the model's"
    ):
        slots(0.2)


def test_without_a_share_passes_find_room() -> None:
    """On a large GPU 15% are enough; a small one keeps what a whole pass takes."""
    large = make_spec(32, 8, 128, layers=32)
    needed = pass_bytes(large, 8192, 256)
    assert 3 << 30 < needed < 6 << 30  # float32
    assert default_share(80 << 30, needed) == 0.85
    small = default_share(16 << 30, needed)
    assert 0.6 < small < 0.85
    assert (16 << 30) * (1 - small) >= needed - 1
    assert default_share(1 << 30, needed) == 0.1
    assert default_share(None, needed) == 0.5
