"""Options of `sglc run` for our own engine, by the names that SGLang's server has for them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import Enum
from typing import Annotated, Any

import typer

ENGINE = "Our engine"
MOST = 2**31 - 1
"""Of what is counted."""


class Attention(Enum):
    """Kernels that attend; see `docs/kernels.md`."""

    AUTO = "auto"
    C = "c"
    TORCH = "torch"
    TRITON = "triton"


class DType(Enum):
    """Types that a model computes in."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


class KvCacheDType(Enum):
    """Types that keys and values are kept in."""

    AUTO = "auto"
    FP8_E4M3 = "fp8_e4m3"
    FP8_E5M2 = "fp8_e5m2"


class SchedulePolicy(Enum):
    """Orders in which requests are begun; see `docs/engine-internals.md`."""

    DFS = "dfs"
    LPM = "lpm"
    FCFS = "fcfs"
    LOF = "lof"
    RANDOM = "random"


def _option(text: str, *names: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=ENGINE, show_default=False, **more)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Where and how our engine computes; None leaves the choice to it."""

    device: Annotated[
        str | None,
        _option("`cpu`, `cuda` or `cuda:N`; the default is a GPU where there is one."),
    ] = None
    dtype: Annotated[DType | None, _option("What the model computes in.")] = None
    attention_backend: Annotated[Attention | None, _option("Kernels that attend.")] = None
    tp: Annotated[
        int | None,
        _option(
            "Processes that share the model, each with a part of it: tensor parallelism.",
            "--tp",
            "--tp-size",
            "--tensor-parallel-size",
            min=1,
            max=64,
        ),
    ] = None
    mem_fraction_static: Annotated[
        float | None,
        _option(
            "Share of the memory for keys and values, on a GPU with the weights.", min=0, max=1
        ),
    ] = None
    max_total_tokens: Annotated[
        int | None,
        _option(
            "Tokens in the KV pool (kv_slots), in place of a share of the memory.",
            min=1,
            max=MOST,
        ),
    ] = None
    kv_cache_dtype: Annotated[
        KvCacheDType | None, _option("What keys and values are kept in: fp8 holds twice as many.")
    ] = None
    max_running_requests: Annotated[
        int | None,
        _option("Sequences in one batch (max_running).", min=1, max=MOST),
    ] = None
    chunked_prefill_size: Annotated[
        int | None,
        _option(
            "Token rows of one forward pass (chunk_tokens); -1 is no limit.",
            min=-1,
            max=MOST,
        ),
    ] = None
    schedule_policy: Annotated[
        SchedulePolicy | None, _option("Order in which requests are begun.")
    ] = None
    disable_radix_cache: Annotated[
        bool, _option("Forget keys and values when a request ends.", "--disable-radix-cache")
    ] = False
    disable_cuda_graph: Annotated[
        bool, _option("Launch every kernel of a decode step by itself.", "--disable-cuda-graph")
    ] = False
    disable_overlap_schedule: Annotated[
        bool,
        _option(
            "Read the tokens of a step before the next one is launched.",
            "--disable-overlap-schedule",
        ),
    ] = False
    enable_torch_compile: Annotated[
        bool,
        _option("Compile the model's forward pass with torch.compile.", "--enable-torch-compile"),
    ] = False
    warmup: Annotated[
        bool,
        _option("Capture CUDA graphs at the start and not when they are first needed.", "--warmup"),
    ] = False

    @property
    def given(self) -> dict[str, Any]:
        """What was said, by option."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value.value if isinstance(value, Enum) else value
            for name, value in values.items()
            if value is not None and value is not False
        }
