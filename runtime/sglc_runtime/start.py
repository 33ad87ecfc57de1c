"""Builds an engine from its configuration: weights, pool, attention, start-up check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import torch

from sglc_runtime.attention.make import PooledAttention
from sglc_runtime.attention.sizing import free_memory
from sglc_runtime.config import EngineConfig
from sglc_runtime.device.current import use_device
from sglc_runtime.device.memory import naming_options
from sglc_runtime.engine import EngineLoop
from sglc_runtime.errors import EngineError
from sglc_runtime.models.c_native import CModel
from sglc_runtime.models.finite import describe_nonfinite
from sglc_runtime.models.load import EMBEDDED, LoadedModel
from sglc_runtime.models.native import NativeModel
from sglc_runtime.models.self_check import self_check
from sglc_runtime.models.threads import choose_threads, use_threads
from sglc_runtime.parallel.start import followers_loading, team_for
from sglc_runtime.protocol import EngineInfo
from sglc_runtime.speculation.start import make_speculation
from sglc_runtime.starting.checks import checked_device
from sglc_runtime.starting.model import count_weights, load
from sglc_runtime.starting.pool import make_pool
from sglc_runtime.starting.steps import compiles, make_executor_of, try_largest_pass

if TYPE_CHECKING:
    from sglc_runtime.parallel.team import Team


def start_engine(
    config: EngineConfig, *, run_ahead: bool | None = None
) -> tuple[EngineLoop, EngineInfo]:
    """
    Load and check. Raises EngineError with the kind and message of a `Fatal` event.

    `run_ahead` asks for an executor of decode steps (`device.executor`), for tests on CPUs; by
    default GPUs have one.
    """
    device = checked_device(config)
    config = msgspec.structs.replace(config, device=str(device))
    folder = EMBEDDED if config.model is None else Path(config.model).expanduser()
    run_ahead = device.type == "cuda" if run_ahead is None else run_ahead
    with team_for(config, folder, device) as team:
        return _start(config, folder, device, team, run_ahead and team is None)


def _start(
    config: EngineConfig, folder: Path, device: torch.device, team: Team | None, run_ahead: bool
) -> tuple[EngineLoop, EngineInfo]:
    threads = config.threads or max(1, choose_threads(count_weights(folder)) // config.tp_size)
    use_threads(threads, torch_too=True)
    use_device(device)
    before = free_memory(device) if device.type == "cuda" else None
    with followers_loading(team, config, threads):
        model, tokenizer, recommended = load(config, folder, team)
    if isinstance(model, NativeModel):
        model.invariant = config.deterministic
    use_threads(threads, torch_too=not isinstance(model, CModel))
    slots, attention = make_pool(config, model.spec, device, team, before, spare=int(run_ahead))
    engine = EngineLoop(
        model,
        tokenizer,
        attention,
        kv_slots=slots,
        device=device,
        max_running=config.most_running,
        max_waiting=config.max_waiting,
        eviction=config.eviction,
        schedule_policy=config.schedule_policy,
        radix_cache=not config.disable_radix_cache,
        chunk_tokens=config.most_rows,
    )
    engine.on_close = None if team is None else team.close
    engine.context.jump_forward = config.jump_forward
    engine.decoding.overlap = not config.disable_overlap_schedule
    compiled = config.enable_torch_compile and compiles(model, attention, device)
    deterministic = _self_check(config, folder, model, attention)
    engine.speculation = make_speculation(
        config, engine.cache, engine.counters, model.spec, tokenizer, deterministic
    )
    if config.warmup:
        try_largest_pass(config, model, attention, slots, device)
    captured: tuple[int, ...] = ()
    if run_ahead:
        engine.executor, captured = make_executor_of(config, model, attention, slots, device)
    info = EngineInfo(
        model=config.model or EMBEDDED.as_posix(),
        architecture=model.spec.architecture,
        context_length=model.spec.context_length,
        vocab_size=model.spec.vocab_size,
        dtype=str(model.spec.dtype).removeprefix("torch."),
        device=config.device,
        attention=attention.name,
        implementation=model.implementation,
        kv_slots=slots,
        threads=threads,
        deterministic=deterministic,
        sampling_defaults=recommended,
        speculation="off" if engine.speculation is None else engine.speculation.kind,
        quantization=config.quantization,
        tp_size=config.tp_size,
        compiled=compiled,
        cuda_graphs=captured,
    )
    return engine, info


def _self_check(
    config: EngineConfig, folder: Path, model: LoadedModel, attention: PooledAttention
) -> bool:
    """Whether results depend on a sequence's own path alone; see `self_check`."""
    with naming_options("pass"), torch.inference_mode():
        deterministic = self_check(model, attention)
    failed = attention.deterministic and not deterministic and model.implementation == "native"
    # The check fails too where logits are NaN; only then is it worth reading every weight.
    if failed and config.load_format == "auto" and (broken := describe_nonfinite(folder)):
        raise EngineError("bad_checkpoint", broken)
    return deterministic
