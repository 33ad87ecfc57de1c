"""What to change when memory runs out: every place where it may says which option helps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from sglc_runtime.errors import EngineError

Place = Literal["weights", "pool", "steps", "pass"]
ADVICE: dict[Place, tuple[str, str]] = {
    "weights": (
        "no memory for the weights",
        "choose a smaller dtype or share the model between GPUs with tp_size",
    ),
    "pool": (
        "no memory for the KV pool",
        "lower kv_slots or mem_fraction_static, or set kv_cache_dtype to fp8_e4m3",
    ),
    "steps": (
        "no memory for the buffers and graphs of decode steps",
        "lower max_running, cuda_graph_max_bs or mem_fraction_static",
    ),
    "pass": (
        "no memory for a pass of the model",
        "lower chunk_tokens, max_running or mem_fraction_static",
    ),
}
"""What is missing, and what to do about it."""


def ran_out(error: BaseException) -> bool:
    """Whether an error says that memory has run out."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError)


def advice(place: Place, error: BaseException) -> str:
    """A message that names the options to change."""
    missing, change = ADVICE[place]
    # Torch goes on about its allocator for lines.
    detail = str(error).strip().partition("\n")[0]
    return f"{missing}: {change}" + (f" ({detail})" if detail else "")


@contextmanager
def naming_options(place: Place) -> Iterator[None]:
    """A context of an engine's start in which running out of memory is an EngineError."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise EngineError("internal", advice(place, error)) from error


def failure(error: Exception) -> str:
    """What clients are told of a pass that failed half-way."""
    if ran_out(error):
        return advice("pass", error)
    return f"the engine failed: {type(error).__name__}: {error}"
