"""What runs the passes and decode steps of an engine, and what is compiled or tried before."""

from __future__ import annotations

import torch

from sglc_runtime.attention.make import PooledAttention
from sglc_runtime.config import EngineConfig
from sglc_runtime.device.executor import DecodeExecutor
from sglc_runtime.device.memory import naming_options
from sglc_runtime.errors import EngineError
from sglc_runtime.models.base import Model


def compiles(model: Model, attention: PooledAttention, device: torch.device) -> bool:
    """Whether the forward pass runs compiled: found out now, because compiling takes long."""
    from sglc_runtime.models.compiled import CompiledModel

    with naming_options("pass"), torch.inference_mode():
        return isinstance(model, CompiledModel) and model.try_out(attention, device)


def try_largest_pass(
    config: EngineConfig,
    model: Model,
    attention: PooledAttention,
    slots: int,
    device: torch.device,
) -> None:
    """Compute the largest prompt that a pass takes."""
    from sglc_runtime.device.warm import try_pass

    with naming_options("pass"):
        rows = min(config.most_rows, slots, model.spec.context_length)
        try_pass(model, attention, rows, device)


def make_executor_of(
    config: EngineConfig,
    model: Model,
    attention: PooledAttention,
    slots: int,
    device: torch.device,
) -> tuple[DecodeExecutor | None, tuple[int, ...]]:
    """
    What runs decode steps, where attention has kernels for them, and the sizes that are captured.

    With `warmup` all of them have run once.
    """
    # Most engines run on CPUs and do not need it.
    from sglc_runtime.device.make import make_executor, runs_decode

    if device.type != "cpu" and not runs_decode(attention):
        return None, ()
    try:
        with naming_options("steps"):
            executor = make_executor(config, model, attention, slots, device)
            if config.warmup:
                executor.warm_up()
    except ValueError as error:
        raise EngineError("internal", str(error)) from error
    return executor, executor.recorded_sizes
