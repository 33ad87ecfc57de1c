"""KV pool tensors: one slot holds the key and value of one token, in every layer."""

from __future__ import annotations

import mmap
from math import prod

import torch
from torch import Tensor

from sglc_runtime.models.base import ModelSpec

FP8 = {"fp8_e4m3": torch.float8_e4m3fn, "fp8_e5m2": torch.float8_e5m2}
"""Types of 8 bits by their names as options (OCP 8-bit floating point, arXiv 2209.05433)."""


def pool_dtype(kv_cache_dtype: str, spec: ModelSpec) -> torch.dtype:
    """What `EngineConfig.kv_cache_dtype` keeps keys and values of a model in."""
    return FP8.get(kv_cache_dtype, spec.dtype)


def held(x: Tensor, dtype: torch.dtype) -> Tensor:
    """
    Keys or values as a pool of `dtype` holds them.

    What exceeds the range of a type of 8 bits becomes its largest number; torch's own conversion
    makes it infinite or NaN, which one does depends on the type and on torch's version.
    """
    if dtype not in FP8.values():
        return x.to(dtype)
    largest = torch.finfo(dtype).max
    return x.clamp(-largest, largest).to(dtype)


def bits(pool: Tensor) -> Tensor:
    """Keys or values to be moved as they are: of 8 bits as uint8, which all operations take."""
    return pool.view(torch.uint8) if pool.dtype in FP8.values() else pool


def gathered(pool: Tensor, slots: Tensor) -> Tensor:
    """Keys or values of one layer [slots, kv_heads, head_dim] at `slots`, of any shape."""
    return bits(pool)[slots].view(pool.dtype)


class KvPool:
    """
    Keys and values [layers, slots, kv_heads, head_dim]; contents of unused slots are garbage.

    `dtype` is the model's or one of 8 bits.

    In memory the slots of one KV head are neighbours (strides of [layers, kv_heads, slots,
    head_dim]), so that reading a prefix is one stream for each head. On CPUs memory is taken when
    it is first written to; slots that were never used cost nothing. Raises MemoryError or
    RuntimeError when the system has no room for the pool.
    """

    def __init__(
        self, spec: ModelSpec, slots: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        shape = (spec.num_layers, spec.num_kv_heads, slots, spec.head_dim)
        self.spec = spec
        self.slots = slots
        self.device = device
        self.dtype = dtype
        self.keys = _empty(shape, dtype, device).transpose(1, 2)
        self.values = _empty(shape, dtype, device).transpose(1, 2)

    def copy_slots(self, source: Tensor, target: Tensor) -> None:
        """Copy keys and values of all layers from slots `source` [N] to slots `target` [N]."""
        for pool in (bits(self.keys), bits(self.values)):
            pool[:, target] = pool[:, source]


def _empty(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Memory that the system hands out page by page when it is written to, where it can."""
    size = prod(shape) * dtype.itemsize
    flags = getattr(mmap, "MAP_NORESERVE", None)
    if device.type != "cpu" or flags is None or not size:
        return torch.empty(shape, dtype=dtype, device=device)
    try:
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | flags)
    except (OSError, OverflowError, ValueError) as error:
        raise MemoryError(f"the system has no room for {size} bytes: {error}") from error
    return torch.frombuffer(memory, dtype=dtype).view(shape)
