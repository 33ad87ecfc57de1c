"""Choose and create an attention backend."""

from __future__ import annotations

import importlib.util
import logging
import os
from functools import cache
from typing import Protocol

import torch
from torch import Tensor

from sglc_runtime.attention import c_attention
from sglc_runtime.attention.c_attention import CAttention
from sglc_runtime.attention.pool import pool_dtype
from sglc_runtime.attention.torch_attention import TorchAttention
from sglc_runtime.config import EngineConfig
from sglc_runtime.models.base import AttentionBackend, ModelSpec

log = logging.getLogger(__name__)
_OTHERS = "; `auto` as attention (attention_backend) takes what can be"


class PooledAttention(AttentionBackend, Protocol):
    """A backend with what the engine reports about it."""

    deterministic: bool
    """A row's result depends neither on the batch nor on chunking nor on forks."""
    slots: int
    keys: Tensor
    values: Tensor


class AttentionUnavailable(Exception):
    """The backend asked for cannot run here; the message says why."""


def bytes_per_slot(spec: ModelSpec, dtype: torch.dtype | None = None) -> int:
    """Bytes of KV pool that one token takes in all layers."""
    itemsize = torch.empty((), dtype=dtype or spec.dtype).element_size()
    return 2 * spec.num_layers * spec.num_kv_heads * spec.head_dim * itemsize


def attention_for(
    config: EngineConfig, spec: ModelSpec, slots: int, device: torch.device
) -> PooledAttention:
    """
    The backend and pool that a configuration asks for, as `make_attention` makes them.

    Processes that share a model make their parts here, so that all of them have the same.
    """
    dtype = pool_dtype(config.kv_cache_dtype, spec)
    return make_attention(
        config.attention, spec, slots, device, dtype, deterministic=config.deterministic
    )


def make_attention(
    name: str,
    spec: ModelSpec,
    slots: int,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
    *,
    deterministic: bool = False,
) -> PooledAttention:
    """
    Create backend `name` ("auto", "c", "torch", "triton") with a pool of `slots` token slots.

    `auto` is "triton" on a GPU, "c" on a CPU where a C compiler works and the pool is of a type
    that it takes, else "torch". `dtype` is the pool's, by default the model's. `deterministic` is
    for "triton": "c" is always, "torch" never. Raises `AttentionUnavailable` when the named backend
    cannot run here, and ValueError for an unknown name.
    """
    device = torch.device(device)
    dtype = dtype or spec.dtype
    if name not in ("auto", "c", "torch", "triton"):
        raise ValueError(f"unknown attention backend {name!r}")
    if name == "triton" or (name == "auto" and device.type == "cuda"):
        reason = why_not_triton(device)
        if reason is None:
            return _triton(spec, slots, device, dtype, deterministic)
        if name == "triton":
            raise AttentionUnavailable(f"the Triton kernels cannot be used: {reason}{_OTHERS}")
    if name in ("auto", "c"):
        reason = _why_not_c(device, dtype)
        if reason is None:
            return CAttention(spec, slots, dtype)
        if name == "c":
            raise AttentionUnavailable(f"the C attention kernel cannot be used: {reason}{_OTHERS}")
        log.warning("attention in torch operations, results depend on the batch: %s", reason)
    return TorchAttention(spec, slots, device, dtype)


def why_not_triton(device: torch.device) -> str | None:
    """Why the Triton kernels cannot run on `device`; None where they can."""
    if importlib.util.find_spec("triton") is None:
        return "Triton is not installed"
    if device.type != "cuda" and os.environ.get("TRITON_INTERPRET", "0") != "1":
        return f"they run on GPUs, not on {device}"
    return _why_no_driver() if device.type == "cuda" and torch.cuda.is_available() else None


@cache
def _why_no_driver() -> str | None:
    """Why Triton cannot launch anything: it compiles glue in C when it first meets a GPU."""
    from triton.runtime import driver

    try:
        driver.active.get_current_target()
    except Exception as error:  # whatever its compiler raises
        return (
            "Triton cannot reach the GPU, for which it needs a C compiler and Python's headers"
            f" ({type(error).__name__}: {error})"
        )
    return None


def _triton(
    spec: ModelSpec, slots: int, device: torch.device, dtype: torch.dtype, deterministic: bool
) -> PooledAttention:
    # Triton takes long to import, and CPUs do not need it.
    from sglc_runtime.attention.triton_attention import TritonAttention

    return TritonAttention(spec, slots, device, dtype, fixed=deterministic)


def _why_not_c(device: torch.device, dtype: torch.dtype) -> str | None:
    if device.type != "cpu":
        return f"it runs on CPUs, not on {device}"
    if dtype not in c_attention.DTYPES:
        return f"it takes pools of float32 and bfloat16, not of {dtype}"
    return c_attention.available()
