"""Runs an engine's decode passes through its executor, one at a time."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from sglc_runtime.batching import Work
from sglc_runtime.device.executor import DecodeStep
from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import Command, EngineConfig, Event
from sglc_runtime.start import start_engine
from tests.runtime.engine.driving import checkpoint


def ahead_engine(**options: object) -> EngineLoop:
    """An engine with an executor, on the CPU."""
    settings = {"model": str(checkpoint()), "kv_slots": 2048, "threads": 1} | options
    engine, _ = start_engine(EngineConfig(**settings), run_ahead=True)  # type: ignore[arg-type]
    return engine


def step_of(work: Sequence[Work], version: int) -> DecodeStep | None:
    """The pass as a decode step, if it is one."""
    if not all(w.end - w.start == 1 and len(w.sequence.samples) == 1 for w in work):
        return None
    if not all(w.end == len(w.sequence.ids) for w in work):
        return None
    runs = tuple(w.sequence.samples[0] for w in work)
    return DecodeStep(
        tuple(work), runs, tuple(len(run.tokens) for run in runs), (-1,) * len(work), version
    )


@torch.inference_mode()
def run_through(engine: EngineLoop, commands: Sequence[Command]) -> tuple[list[Event], int]:
    """Carry commands out to the end; events, and how many passes went through the executor."""
    engine.submit(commands)
    executor = engine.executor
    assert executor is not None
    count = 0
    while engine.admission.running or engine.admission.waiting:
        work = engine.admission.schedule(engine.lifecycle.fail)
        step = step_of(work, engine.cache.tree.version)
        if step is not None and executor.accepts(step):
            count += 1
            tokens = executor.launch(step, None).tokens()
            for item, run, token in zip(step.work, step.runs, tokens, strict=True):
                item.sequence.computed = item.end
                engine.accepting._accept(item.sequence, run, token)
        else:
            packed = engine.packer.pack(work, engine.cache.tree.version)
            engine.accepting.prepare(packed.work)
            logits = engine.model.forward(packed.batch, engine.attention.bind(packed.batch))
            engine.accepting.take(packed.work, logits)
        engine.check_integrity()
    return engine.take_events(), count
