"""On a GPU: graphs, tokens of every kind, and what the host waits for."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from sglc_runtime.config import EngineConfig
from sglc_runtime.device.graphs import Graphs
from sglc_runtime.device.runner import DeviceExecutor
from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import Generate, Generated, Sampling, Submit, Text
from sglc_runtime.start import start_engine
from tests.runtime.engine.driving import checkpoint, only, run

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
PREFIX = "The quick brown fox jumps over the lazy dog. "
WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize", "cudaMemcpy")
"""Calls in which the host waits for the device."""


def make(**options: object) -> tuple[EngineLoop, DeviceExecutor]:
    settings = {"model": str(checkpoint()), "device": "cuda", "kv_slots": 4096, "max_running": 8}
    engine, info = start_engine(EngineConfig(**(settings | options)))  # type: ignore[arg-type]
    executor = engine.executor
    assert isinstance(executor, DeviceExecutor)
    assert info.cuda_graphs == executor.recorded_sizes
    return engine, executor


def submits(count: int, new_tokens: int = 24) -> list[Submit]:
    sampling = Sampling(max_new_tokens=new_tokens, temperature=0.0, ignore_eos=True)
    return [
        Submit(number, (Text(PREFIX + "a" * number),), (Generate(sampling, key=number),))
        for number in range(count)
    ]


def ids(engine: EngineLoop, count: int) -> list[tuple[int, ...]]:
    events = only(run(engine, submits(count)), Generated)
    return [event.samples[0].ids for event in sorted(events, key=lambda event: event.id)]


@pytest.mark.parametrize("warmup", [False, True])
def test_tokens_of_graphs_are_those_of_a_cpu(warmup: bool) -> None:
    plain, _ = start_engine(EngineConfig(model=str(checkpoint()), threads=1, device="cpu"))
    engine, executor = make(warmup=warmup)
    assert executor.recorded_sizes == (1, 2, 4, 8)
    for count in (1, 3, 8):
        assert ids(engine, count) == ids(plain, count)
    recorder = executor._recorder
    assert isinstance(recorder, Graphs)
    assert {1, 4, 8} <= {form.rows for form in recorder.recorded}


def test_without_graphs_tokens_are_the_same() -> None:
    engine, executor = make(disable_cuda_graph=True)
    assert executor.recorded_sizes == ()
    assert ids(engine, 3) == ids(make()[0], 3)


def test_the_host_waits_once_a_step_for_tokens() -> None:
    """A profile of steps that are replayed: one wait for an event each, and no other."""
    engine, _ = make()
    run(engine, submits(4))
    engine.submit(submits(4, new_tokens=60))
    for _ in range(10):  # prompts, and the first steps
        engine.step()
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        for _ in range(20):
            engine.step()
    calls = Counter(event.name for event in profile.events())
    waits = {name: calls[name] for name in WAITS if calls[name]}
    # The profiler itself waits for the device when it ends.
    waits.pop("cudaDeviceSynchronize", None)
    assert waits == {"cudaEventSynchronize": 20}
    assert calls["cudaGraphLaunch"] == 20
    while engine.step():
        pass
