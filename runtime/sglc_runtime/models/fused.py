"""
The native decoder for GPUs: what lies between two matrix products is one kernel.

A layer is four products (by torch, cuBLAS on GPUs), `rope_store`, attention, two `add_norm` and
`swiglu`. Nothing waits for the device, and shapes alone decide what is launched, so a forward pass
can be captured in a CUDA graph.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sglc_runtime.attention.make import why_not_triton
from sglc_runtime.kernels.triton.norm import LARGEST as LARGEST_HIDDEN
from sglc_runtime.kernels.triton.norm import add_norm, norm
from sglc_runtime.kernels.triton.one_row import Norm, one_row
from sglc_runtime.kernels.triton.rope_store import LARGEST as LARGEST_HEAD
from sglc_runtime.kernels.triton.rope_store import HeadNorms, rope_store
from sglc_runtime.kernels.triton.swiglu import swiglu
from sglc_runtime.models.base import Attention, Batch, SplitAttention
from sglc_runtime.models.config import DecoderConfig
from sglc_runtime.models.linear import Linear
from sglc_runtime.models.native import Layer, NativeModel
from sglc_runtime.models.weights import WeightReader
from sglc_runtime.parallel.group import Group, gather_logits, lookup


class FusedModel(NativeModel):
    """
    A decoder on a GPU, or on CPU tensors in Triton's interpreter; create with `load_native`.

    Attention that can also attend alone (`SplitAttention`) finds keys and values stored already;
    any other gets them rotated. One row alone takes kernels of its own, unless `invariant` is set.
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
        if split is not None and self._takes_one_row(batch):
            return self._forward_one_row(x, batch, split)
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

    def _takes_one_row(self, batch: Batch) -> bool:
        return len(batch.ids) == len(batch.rows) == 1 and self._group is None and not self.invariant

    def _forward_one_row(self, x: Tensor, batch: Batch, attention: SplitAttention) -> Tensor:
        """A decode step of one sequence: everything between two attentions is in products."""
        for index, layer in enumerate(self._layers):
            qkv = _product(x, layer.qkv, Norm(layer.input_norm, self._eps))
            out = self._attend_stored(index, layer, qkv, batch, attention)
            one_row(out, _weight(layer.o), x, bias=layer.o.bias, residual=x)
            gated = _product(x, layer.gate_up, Norm(layer.post_norm, self._eps), gated=True)
            one_row(gated, _weight(layer.down), x, bias=layer.down.bias, residual=x)
        return _product(x, self._head, Norm(self._norm, self._eps), dtype=torch.float32)

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


def _product(
    x: Tensor,
    linear: Linear,
    norm: Norm,
    *,
    gated: bool = False,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """The normed row `x` [1, K] through a linear layer, and SwiGLU behind it."""
    weight = _weight(linear)
    out = x.new_empty(1, len(weight) // (1 + gated), dtype=dtype)
    one_row(x, weight, out, bias=linear.bias, norm=norm, gated=gated)
    return out


def _weight(linear: Linear) -> Tensor:
    assert linear.weight is not None, "packed for a CPU"
    return linear.weight


def _gated(gate_up: Tensor) -> Tensor:
    out = gate_up.new_empty(len(gate_up), gate_up.shape[1] // 2)
    swiglu(gate_up, out)
    return out


def suits_fused(config: DecoderConfig, device: torch.device) -> bool:
    """Whether this decoder is the one for a model: on GPUs, where the kernels take its sizes."""
    return (
        device.type == "cuda"
        and why_not_triton(device) is None
        and config.head_dim <= LARGEST_HEAD
        and config.hidden_size <= LARGEST_HIDDEN
    )
