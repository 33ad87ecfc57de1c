"""Engines with an executor on the CPU."""

from __future__ import annotations

from typing import cast

import torch

from sglc_runtime.attention.make import PooledAttention
from sglc_runtime.config import EngineConfig
from sglc_runtime.device.executor import DecodeStep, Pending
from sglc_runtime.device.graphs import Recorder
from sglc_runtime.device.lane import Lane, lane_of
from sglc_runtime.device.make import make_executor
from sglc_runtime.device.runner import DeviceExecutor
from sglc_runtime.device.step import SampleOnDevice
from sglc_runtime.engine import EngineLoop
from sglc_runtime.kernels.triton.sampling_shape import SamplingShape
from sglc_runtime.models.load_native import load_native
from sglc_runtime.sampling.device import DeviceSampler
from sglc_runtime.start import start_engine
from tests.runtime.engine.driving import checkpoint

CPU = torch.device("cpu")


def ahead_engine(**options: object) -> EngineLoop:
    """An engine with an executor; its sizes are those of `make_engine`."""
    settings = {"model": str(checkpoint()), "kv_slots": 4096, "threads": 1} | options
    engine, _ = start_engine(EngineConfig(**settings), run_ahead=True)  # type: ignore[arg-type]
    return engine


def late_engine(lane: Lane, **options: object) -> EngineLoop:
    """The same on a device of the test's own."""
    engine = ahead_engine(**options)
    _replace(engine, lane, None)
    return engine


def torch_engine(lane: Lane, recorder: Recorder) -> EngineLoop:
    """That with a model in torch operations, whose steps can be recorded."""
    engine = ahead_engine(kv_slots=256)
    engine.model = load_native(checkpoint(), device=CPU, dtype="float32", in_c=False)
    _replace(engine, lane, recorder)
    return engine


def kernel_engine() -> EngineLoop:
    """An engine whose executor samples in kernels."""
    engine = ahead_engine(max_running=4)
    sample = DeviceSampler(4, engine.context.vocab_size, CPU, SamplingShape(128, 4, 512, 8, 512))
    _replace(engine, lane_of(CPU), None, sample)
    return engine


def generic_engine(lane: Lane, recorder: Recorder) -> EngineLoop:
    """That with a model of transformers."""
    engine = ahead_engine(kv_slots=256, implementation="transformers")
    _replace(engine, lane, recorder)
    return engine


def _replace(
    engine: EngineLoop,
    lane: Lane,
    recorder: Recorder | None,
    sample: SampleOnDevice | None = None,
) -> None:
    attention = cast(PooledAttention, engine.attention)
    slots = engine.cache.allocator.num_slots
    config = EngineConfig(max_running=engine.limits.max_running)
    engine.executor = make_executor(
        config, engine.model, attention, slots, CPU, lane=lane, recorder=recorder, sample=sample
    )


class Watched:
    """An executor, and how many steps it was given."""

    def __init__(self, engine: EngineLoop) -> None:
        assert isinstance(engine.executor, DeviceExecutor)
        self.inner = engine.executor
        self.steps: list[DecodeStep] = []
        engine.executor = self

    def accepts(self, step: DecodeStep) -> bool:
        """See `DecodeExecutor`."""
        return self.inner.accepts(step)

    def launch(self, step: DecodeStep, previous: Pending | None) -> Pending:
        """See `DecodeExecutor`."""
        self.steps.append(step)
        return self.inner.launch(step, previous)

    @property
    def ahead(self) -> int:
        """Steps that took ids from the step before."""
        return sum(max(step.sources) >= 0 for step in self.steps)
