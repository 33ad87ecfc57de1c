"""KV pool tensors: one slot holds the key and value of one token, in every layer."""

from __future__ import annotations

import mmap
from math import prod

import torch
from torch import Tensor

from sglc_runtime.models.base import ModelSpec


class KvPool:
    """
    Keys and values [layers, slots, kv_heads, head_dim]; contents of unused slots are garbage.

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
        self.keys[:, target] = self.keys[:, source]
        self.values[:, target] = self.values[:, source]


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
