"""
Decode attention over the slot table in torch operations: the oracle of the kernels.

It reads the whole width of the table for every row, so that nothing depends on how long sequences
are, and no value is looked at on the host. That makes it slow, and good for tests on any device.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from sglc_runtime.attention.decode_inputs import DecodeInputs
from sglc_runtime.attention.pool import bits, gathered, held


class Pool(Protocol):
    """Keys and values [layers, slots, kv_heads, head_dim]."""

    keys: Tensor
    values: Tensor


class TorchDecode:
    """Makes `Attention` over decode steps of any backend that has a pool of tensors."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def bind_decode(self, inputs: DecodeInputs) -> TorchDecodeAttention:
        """Attention of steps whose inputs lie there; `inputs.shared` is not looked at."""
        return TorchDecodeAttention(self.pool, inputs)


class TorchDecodeAttention:
    """`Attention` of one bucket."""

    def __init__(self, pool: Pool, inputs: DecodeInputs) -> None:
        self._pool = pool
        self._inputs = inputs
        width = inputs.slot_table.shape[1]
        self._places = torch.arange(width, device=inputs.slot_table.device)

    def __call__(
        self,
        layer: int,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        *,
        scale: float,
        window: int | None = None,
        softcap: float | None = None,
        sinks: Tensor | None = None,
    ) -> Tensor:
        """Store k and v, attend in float32; see `Attention`."""
        inputs = self._inputs
        keys, values = self._pool.keys[layer], self._pool.values[layer]
        bits(keys).index_copy_(0, inputs.out_slots, bits(held(k, keys.dtype)))
        bits(values).index_copy_(0, inputs.out_slots, bits(held(v, values.dtype)))
        slots = inputs.slot_table.index_select(0, inputs.table_rows).long()
        rows, heads, dim = q.shape
        kv_heads = k.shape[1]
        query = q.float().view(rows, kv_heads, heads // kv_heads, dim)
        scores = torch.einsum("bgrd,bcgd->bgrc", query, gathered(keys, slots).float()) * scale
        if softcap is not None:
            scores = torch.tanh(scores / softcap) * softcap
        distance = inputs.positions[:, None] - self._places
        visible = distance >= 0
        if window is not None:
            visible &= distance < window
        # Slots of places that are not visible may hold anything, NaN as well.
        scores = scores.masked_fill(~visible[:, None, None], -torch.inf)
        found = gathered(values, slots).float().masked_fill(~visible[..., None, None], 0.0)
        if sinks is not None:
            column = sinks.float().view(1, kv_heads, -1, 1).expand(rows, -1, -1, 1)
            weights = torch.cat([scores, column], -1).softmax(-1)[..., :-1]
        else:
            weights = scores.softmax(-1)
        out = torch.einsum("bgrc,bcgd->bgrd", weights, found)
        return out.reshape(rows, heads, dim).to(q.dtype)
