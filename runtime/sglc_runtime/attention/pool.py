"""KV pool tensors: one slot holds the key and value of one token, in every layer."""

from __future__ import annotations

import torch
from torch import Tensor

from sglc_runtime.models.base import ModelSpec


class KvPool:
    """
    Keys and values [layers, slots, kv_heads, head_dim]; contents of unused slots are garbage.

    In memory the slots of one KV head are neighbours (strides of [layers, kv_heads, slots,
    head_dim]), so that reading a prefix is one stream for each head.
    """

    def __init__(
        self, spec: ModelSpec, slots: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        shape = (spec.num_layers, spec.num_kv_heads, slots, spec.head_dim)
        self.spec = spec
        self.slots = slots
        self.device = device
        self.dtype = dtype
        self.keys = torch.empty(shape, dtype=dtype, device=device).transpose(1, 2)
        self.values = torch.empty(shape, dtype=dtype, device=device).transpose(1, 2)

    def copy_slots(self, source: Tensor, target: Tensor) -> None:
        """Copy keys and values of all layers from slots `source` [N] to slots `target` [N]."""
        self.keys[:, target] = self.keys[:, source]
        self.values[:, target] = self.values[:, source]
