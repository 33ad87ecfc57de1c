"""Builds an engine from its configuration: weights, pool, attention, start-up check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import torch

from sglc_runtime.attention.make import (
    AttentionUnavailable,
    PooledAttention,
    attention_for,
    bytes_per_slot,
)
from sglc_runtime.attention.pool import pool_dtype
from sglc_runtime.attention.sizing import default_share, free_memory, pass_bytes, pool_slots
from sglc_runtime.config import EngineConfig
from sglc_runtime.device.current import use_device
from sglc_runtime.device.executor import DecodeExecutor
from sglc_runtime.device.memory import advice, naming_options
from sglc_runtime.engine import EngineLoop
from sglc_runtime.errors import EngineError
from sglc_runtime.models.base import Model, ModelSpec
from sglc_runtime.models.c_native import CModel
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.finite import describe_nonfinite
from sglc_runtime.models.generation_defaults import generation_defaults
from sglc_runtime.models.load import EMBEDDED, LoadedModel, load_model
from sglc_runtime.models.native import NativeModel
from sglc_runtime.models.self_check import SLOTS as CHECK_SLOTS
from sglc_runtime.models.self_check import self_check
from sglc_runtime.models.threads import choose_threads, use_threads
from sglc_runtime.options import invalid
from sglc_runtime.parallel.start import (
    followers_loading,
    free_for_each,
    make_pools,
    team_for,
    with_followers,
    with_their_pools,
)
from sglc_runtime.protocol import EngineInfo
from sglc_runtime.speculation.start import make_speculation
from sglc_runtime.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from sglc_runtime.parallel.team import Team

LARGEST = {
    "kv_slots": 2**31,
    "max_running": 2**31,
    "max_waiting": 2**31,
    "chunk_tokens": 2**31,
    "cuda_graph_max_bs": 2**31,
    "threads": 1024,
    "tp_size": 64,
}
"""Options that count something, and the most they can be."""


def start_engine(
    config: EngineConfig, *, run_ahead: bool | None = None
) -> tuple[EngineLoop, EngineInfo]:
    """
    Load and check. Raises EngineError with the kind and message of a `Fatal` event.

    `run_ahead` asks for an executor of decode steps (`device.executor`), for tests on CPUs; by
    default GPUs have one.
    """
    device = _checked(config)
    config = msgspec.structs.replace(config, device=str(device))
    folder = EMBEDDED if config.model is None else Path(config.model).expanduser()
    run_ahead = device.type == "cuda" if run_ahead is None else run_ahead
    with team_for(config, folder, device) as team:
        return _start(config, folder, device, team, run_ahead and team is None)


def _start(
    config: EngineConfig, folder: Path, device: torch.device, team: Team | None, run_ahead: bool
) -> tuple[EngineLoop, EngineInfo]:
    threads = config.threads or max(1, choose_threads(_weights(folder)) // config.tp_size)
    use_threads(threads, torch_too=True)
    use_device(device)
    before = free_memory(device) if device.type == "cuda" else None
    with followers_loading(team, config, threads):
        model, tokenizer, recommended = _load(config, folder, team)
    spec = model.spec
    if isinstance(model, NativeModel):
        model.invariant = config.deterministic
    use_threads(threads, torch_too=not isinstance(model, CModel))
    slots, attention = _pool(config, spec, device, team, before, spare=int(run_ahead))
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
    compiled = config.enable_torch_compile and _compile(model, attention, device)
    with naming_options("pass"), torch.inference_mode():
        deterministic = self_check(model, attention)
    failed = attention.deterministic and not deterministic and model.implementation == "native"
    # The check fails too where logits are NaN; only then is it worth reading every weight.
    if failed and config.load_format == "auto" and (broken := describe_nonfinite(folder)):
        raise EngineError("bad_checkpoint", broken)
    engine.speculation = make_speculation(
        config, engine.cache, engine.counters, spec, tokenizer, deterministic
    )
    if config.warmup:
        _try_pass(config, model, attention, slots, device)
    captured: tuple[int, ...] = ()
    if run_ahead:
        engine.executor, captured = _executor(config, model, attention, slots, device)
    info = EngineInfo(
        model=config.model or EMBEDDED.as_posix(),
        architecture=spec.architecture,
        context_length=spec.context_length,
        vocab_size=spec.vocab_size,
        dtype=str(spec.dtype).removeprefix("torch."),
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


def _checked(config: EngineConfig) -> torch.device:
    """The device of a configuration whose options can be used, as far as that is known ahead."""
    try:
        msgspec.convert(msgspec.to_builtins(config), EngineConfig)
    except (msgspec.ValidationError, TypeError) as error:
        raise EngineError("internal", invalid(error)) from None
    for name, most in LARGEST.items():
        value = getattr(config, name)
        if value is not None and value < 1:
            raise EngineError("internal", f"{name} must be at least 1, not {value}")
        if value is not None and value > most:
            raise EngineError("internal", f"{name} must be at most {most}, not {value}")
    if config.device == "auto":
        # Steps of the embedded model are shorter than launching kernels.
        large = config.model is not None and torch.cuda.is_available()
        return torch.device("cuda" if large else "cpu")
    try:
        device = torch.device(config.device)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise EngineError("internal", f"unknown device {config.device!r}; use cpu or cuda")
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    if (device.index or 0) >= count:
        found = f"{count} of them" if count else "no GPU"
        message = f"device {config.device!r} asked for, but torch finds {found} here"
        raise EngineError("internal", message)
    return device


def _load(
    config: EngineConfig, folder: Path, team: Team | None
) -> tuple[LoadedModel, Tokenizer, dict[str, float]]:
    """Model, tokenizer, and the sampling parameters that the checkpoint recommends."""
    try:
        recommended = generation_defaults(folder)
        model, tokenizer = load_model(
            config.model,
            device=config.device,
            dtype=config.dtype,
            implementation=config.implementation,
            trust_remote_code=config.trust_remote_code,
            quantization=config.quantization,
            lora=config.lora_path,
            load_format=config.load_format,
            group=None if team is None else team.group,
            compiled=config.enable_torch_compile,
        )
    except LoadError as error:
        raise EngineError(error.kind, error.message) from error
    except ValueError as error:
        raise EngineError("internal", str(error)) from error
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise EngineError("internal", advice("weights", error)) from error
    return with_followers(team, model), tokenizer, recommended


def _pool(
    config: EngineConfig,
    spec: ModelSpec,
    device: torch.device,
    team: Team | None,
    before: int | None,
    *,
    spare: int = 0,
) -> tuple[int, PooledAttention]:
    """
    How many slots the engine hands out, and attention with at least `spare` more than that.

    `before` is what was free on a GPU before the weights came.
    """
    share = config.mem_fraction_static
    if share is None:
        # Without a limit, one prompt as long as the context counts.
        rows = min(config.most_rows, max(spec.context_length, 8192))
        needed = pass_bytes(spec, rows, config.most_running)
        share = default_share(before, needed)
    try:
        slots = pool_slots(
            bytes_per_slot(spec, pool_dtype(config.kv_cache_dtype, spec)),
            free_for_each(team, device),
            kv_slots=config.kv_slots,
            mem_fraction_static=share,
            before=before,
            most=config.most_running * spec.context_length,
        )
    except ValueError as error:
        raise EngineError("internal", str(error)) from error
    try:
        # The start-up check needs a few slots more than a very small pool has.
        room = max(slots + spare, CHECK_SLOTS)
        make_pools(team, room)
        attention = attention_for(config, spec, room, device)
        return slots, with_their_pools(team, attention, device)
    except (AttentionUnavailable, ValueError) as error:
        raise EngineError("internal", str(error)) from error
    except (RuntimeError, MemoryError) as error:
        raise EngineError("internal", advice("pool", error)) from error


def _compile(model: Model, attention: PooledAttention, device: torch.device) -> bool:
    """Whether the forward pass runs compiled: found out now, because compiling takes long."""
    from sglc_runtime.models.compiled import CompiledModel

    with naming_options("pass"), torch.inference_mode():
        return isinstance(model, CompiledModel) and model.try_out(attention, device)


def _try_pass(
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


def _executor(
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


def _weights(folder: Path) -> int:
    """Number of weights, roughly: most checkpoints store two bytes for each."""
    files = [*folder.glob("*.safetensors"), *folder.glob("*.bin")]
    return sum(file.stat().st_size for file in files) // 2
