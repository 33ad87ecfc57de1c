"""
The native decoder in torch operations: Llama, Mistral, Qwen2 and Qwen3 in one forward pass.

Pre-norm transformer (Llama: arXiv 2302.13971) with grouped-query attention, RMSNorm, rotary
embeddings and SwiGLU. Query, key and value are one projection, gate and up another. Numbers follow
transformers' implementations, which are the oracle of the tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from sglc_runtime.models.base import Attention, Batch, ModelSpec
from sglc_runtime.models.config import DecoderConfig
from sglc_runtime.models.linear import MIN_ROWS, Linear
from sglc_runtime.models.rope import rope_tables
from sglc_runtime.models.weights import LayerWeights, Projection, WeightReader
from sglc_runtime.parallel.group import Group, gather_logits, lookup

Rotation = tuple[Tensor, Tensor]
"""Cosines and signed sines [T, 1, D] of a pass's positions."""


def spec_of(config: DecoderConfig, dtype: torch.dtype) -> ModelSpec:
    """What the engine sees of a native decoder."""
    return ModelSpec(
        architecture=config.architecture,
        num_layers=config.num_layers,
        num_heads=config.num_heads,
        num_kv_heads=config.num_kv_heads,
        head_dim=config.head_dim,
        vocab_size=config.vocab_size,
        context_length=config.context_length,
        dtype=dtype,
        windows=config.windows,
        eos_ids=config.eos_ids,
        bos_id=config.bos_id,
    )


@dataclass(frozen=True, slots=True)
class Layer:
    """One transformer block."""

    window: int | None
    input_norm: Tensor
    qkv: Linear
    q_norm: Tensor | None
    k_norm: Tensor | None
    o: Linear
    post_norm: Tensor
    gate_up: Linear
    down: Linear


def _layer(weights: LayerWeights, packed: bool) -> Layer:
    def linear(projection: Projection) -> Linear:
        return Linear(projection.weight, projection.bias, packed=packed)

    return Layer(
        window=weights.window,
        input_norm=weights.input_norm,
        qkv=linear(weights.qkv),
        q_norm=weights.q_norm,
        k_norm=weights.k_norm,
        o=linear(weights.o),
        post_norm=weights.post_norm,
        gate_up=linear(weights.gate_up),
        down=linear(weights.down),
    )


class NativeModel:
    """
    A decoder on any device and in any data type; create with `load_native`.

    With a group, `reader` gives this process's part of the weights, and all processes of the group
    run every pass; logits come on rank 0.
    """

    implementation = "native"
    invariant = False
    """Do without kernels that give a row other bits alone than in a batch."""

    def __init__(
        self, reader: WeightReader, group: Group | None = None, *, packed: bool = True
    ) -> None:
        """`packed` lays weights out for the CPU, where it has a layout of its own."""
        config = reader.local
        assert reader.dtype is not None
        self.spec = spec_of(config, reader.dtype)
        self._least = MIN_ROWS if packed and reader.device.type == "cpu" else 1
        self._group = group
        self._embedding = reader.embedding()
        self._layers = tuple(_layer(weights, packed) for weights in reader.layers())
        self._norm = reader.norm()
        head = reader.head()
        weight = self._embedding if head is None else head
        self._head = Linear(weight, keep=head is None, packed=packed)
        self._eps = config.norm_eps
        self._scale = config.head_dim**-0.5
        self._cos, self._sin = rope_tables(
            config.rope, config.head_dim, config.context_length, reader.dtype, reader.device
        )

    def _rms(self, x: Tensor, weight: Tensor) -> Tensor:
        """RMSNorm over the last dimension (arXiv 1910.07467)."""
        if x.dtype == torch.float32:
            return F.rms_norm(x, weight.shape, weight, self._eps)
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self._eps)
        return weight * wide.to(x.dtype)

    def _sum(self, x: Tensor) -> Tensor:
        return x if self._group is None else self._group.all_reduce(x)

    @torch.no_grad()
    def forward(self, batch: Batch, attention: Attention) -> Tensor:
        """Logits [R, vocab] (float32) of `batch.rows`."""
        x = self.hidden(batch.ids, batch.positions, attention)
        if not len(batch.rows):
            return x.new_empty(0, self.spec.vocab_size, dtype=torch.float32)
        return self.logits(x[batch.rows])

    def hidden(self, ids: Tensor, positions: Tensor, attention: Attention) -> Tensor:
        """What the last norm gets [T, hidden]; a single row may come twice."""
        rows, least = len(ids), self._least
        x = lookup(ids, self._embedding, self._group)
        rotation = self._rotation(positions)
        if rows < least:
            x = x.expand(least, -1).contiguous()
        for index, layer in enumerate(self._layers):
            qkv = layer.qkv(self._rms(x, layer.input_norm))[:rows]
            out = self._attend(index, layer, qkv, rotation, attention)
            if rows < least:
                out = out.expand(least, -1).contiguous()
            x = x + self._sum(layer.o(out))
            gate, up = layer.gate_up(self._rms(x, layer.post_norm)).chunk(2, -1)
            x = x + self._sum(layer.down(F.silu(gate) * up))
        return x

    def logits(self, x: Tensor) -> Tensor:
        """Logits [R, vocab] (float32) of rows [R, hidden] that `hidden` gave; R is not 0."""
        wanted = len(x)
        if wanted < self._least:
            x = x.expand(self._least, -1).contiguous()
        part = self._head(self._rms(x, self._norm))[:wanted]
        return gather_logits(part, self.spec.vocab_size, self._group).float()

    def _rotation(self, positions: Tensor) -> Rotation:
        return self._cos[positions, None], self._sin[positions, None]

    def _attend(
        self, index: int, layer: Layer, qkv: Tensor, rotation: Rotation, attention: Attention
    ) -> Tensor:
        """Norm and rotate queries and keys of `qkv` [T, (H + 2 * Hk) * D]; attend: [T, H * D]."""
        heads, kv_heads, dim = self.spec.num_heads, self.spec.num_kv_heads, self.spec.head_dim
        rows = len(qkv)
        qkv = qkv.view(rows, heads + 2 * kv_heads, dim)
        qk, v = qkv[:, : heads + kv_heads], qkv[:, heads + kv_heads :]
        if layer.q_norm is not None and layer.k_norm is not None:
            q, k = qk[:, :heads], qk[:, heads:]
            qk = torch.cat([self._rms(q, layer.q_norm), self._rms(k, layer.k_norm)], 1)
        cos, sin = rotation
        qk = qk * cos + qk.roll(dim // 2, -1) * sin
        out = attention(
            index, qk[:, :heads], qk[:, heads:], v, scale=self._scale, window=layer.window
        )
        return out.reshape(rows, heads * dim)
