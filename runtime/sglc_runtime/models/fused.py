"""
The native decoder for GPUs: what lies between two matrix products is one kernel.

A layer is four products (by torch, cuBLAS on GPUs), `rope_store`, attention, two `add_norm` and
`swiglu`. Nothing waits for the device, and shapes alone decide what is launched, so a forward pass
can be captured in a CUDA graph.
"""

from __future__ import annotations

import importlib.util

import torch
from torch import Tensor

from sglc_runtime.kernels.triton.norm import LARGEST as LARGEST_HIDDEN
from sglc_runtime.kernels.triton.norm import add_norm, norm
from sglc_runtime.kernels.triton.rope_store import LARGEST as LARGEST_HEAD
from sglc_runtime.kernels.triton.rope_store import HeadNorms, rope_store
from sglc_runtime.kernels.triton.swiglu import swiglu
from sglc_runtime.models.base import Attention, Batch, SplitAttention
from sglc_runtime.models.config import DecoderConfig
from sglc_runtime.models.native import Layer, NativeModel
from sglc_runtime.models.weights import WeightReader
from sglc_runtime.parallel.group import Group, gather_logits, lookup


class FusedModel(NativeModel):
    """
    A decoder on a GPU, or on CPU tensors in Triton's interpreter; create with `load_native`.

    Attention that can also attend alone (`SplitAttention`) finds keys and values stored already;
    any other gets them rotated.
    """

    def __init__(self, reader: WeightReader, group: Group | None = None) -> None:
        super().__init__(reader, group, packed=False)
        self._head_norms = tuple(
            None
            if layer.q_norm is None or layer.k_norm is None
            else HeadNorms(layer.q_norm, layer.k_norm, self._eps)
            for layer in self._layers
        )

    @torch.no_grad()
    def forward(self, batch: Batch, attention: Attention) -> Tensor:
        """Logits [R, vocab] (float32) of `batch.rows`."""
        split = attention if isinstance(attention, SplitAttention) else None
        x = lookup(batch.ids, self._embedding, self._group)
        delta: Tensor | None = None
        for index, layer in enumerate(self._layers):
            qkv = layer.qkv(self._normed(x, delta, layer.input_norm))
            if split is None:
                out = self._attend(index, layer, qkv, self._rotation(batch.positions), attention)
            else:
                out = self._attend_stored(index, layer, qkv, batch, split)
            normed = self._normed(x, self._sum(layer.o(out)), layer.post_norm)
            delta = self._sum(layer.down(_gated(layer.gate_up(normed))))
        if not len(batch.rows):
            return x.new_empty(0, self.spec.vocab_size, dtype=torch.float32)
        part = self._head(self._normed(x, delta, self._norm, batch.rows))
        return gather_logits(part, self.spec.vocab_size, self._group).float()

    def _normed(
        self, x: Tensor, delta: Tensor | None, weight: Tensor, rows: Tensor | None = None
    ) -> Tensor:
        """Add `delta` to `x` and norm that; of `rows` alone, where `x` is not needed any more."""
        out = x.new_empty(len(x) if rows is None else len(rows), x.shape[1])
        if delta is None:
            norm(x, weight, self._eps, out, rows)
        else:
            add_norm(x, delta, weight, self._eps, x if rows is None else None, out, rows)
        return out

    def _attend_stored(
        self, index: int, layer: Layer, qkv: Tensor, batch: Batch, attention: SplitAttention
    ) -> Tensor:
        """Attention [T, H * D] behind the kernel that rotates and stores."""
        spec = self.spec
        q = qkv.new_empty(len(qkv), spec.num_heads, spec.head_dim)
        rope_store(
            qkv, batch.positions, batch.out_slots, self._cos, self._sin,
            *attention.pool(index), q, self._head_norms[index],
        )  # fmt: skip
        out = attention.attend(index, q, scale=self._scale, window=layer.window)
        return out.reshape(len(qkv), spec.num_heads * spec.head_dim)


def _gated(gate_up: Tensor) -> Tensor:
    out = gate_up.new_empty(len(gate_up), gate_up.shape[1] // 2)
    swiglu(gate_up, out)
    return out


def suits_fused(config: DecoderConfig, device: torch.device) -> bool:
    """Whether this decoder is the one for a model: on GPUs, where the kernels take its sizes."""
    return (
        device.type == "cuda"
        and importlib.util.find_spec("triton") is not None
        and config.head_dim <= LARGEST_HEAD
        and config.hidden_size <= LARGEST_HIDDEN
    )
