"""Weights of a checkpoint in the layouts that the C kernels read, one layer at a time."""

from __future__ import annotations

from ctypes import CDLL
from typing import Literal

import torch
from torch import Tensor

from sglc_runtime.kernels.structs import Kind, Layer, Linear
from sglc_runtime.models.weights import LayerWeights, Projection

Quantization = Literal["none", "int8", "int4"]
QUANTIZED = {"int8": Kind.INT8, "int4": Kind.INT4}


class Packer:
    """
    Packs weights and keeps the memory that the structs point to.

    `narrow` stores weights whose values are all bfloat16 numbers as such, which changes no result;
    `quantization` stores integers in groups of 32 inputs with one scale each.
    """

    def __init__(self, library: CDLL, *, narrow: bool, quantization: Quantization = "none") -> None:
        self._library = library
        self._narrow = narrow
        self._quantized = QUANTIZED.get(quantization)
        self._kept: list[Tensor] = []

    def keep(self, tensor: Tensor) -> int:
        """Address of the tensor's values as contiguous float32, alive as long as this packer."""
        self._kept.append(tensor.detach().to(torch.float32).contiguous())
        return self._kept[-1].data_ptr()

    def linear(self, projection: Projection) -> Linear:
        """A packed copy of the projection, of which nothing else is kept."""
        weight = projection.weight.detach().contiguous()
        if weight.dtype != torch.bfloat16:
            weight = weight.to(torch.float32)
        outputs, inputs = weight.shape
        kind = self._kind(weight)
        packed = torch.empty(
            self._library.sglc_packed_size(kind, inputs, outputs), dtype=torch.uint8
        )
        self._library.sglc_large_pages(packed.data_ptr(), len(packed))
        source = Kind.BFLOAT16 if weight.dtype == torch.bfloat16 else Kind.FLOAT32
        self._library.sglc_pack(weight.data_ptr(), source, inputs, outputs, kind, packed.data_ptr())
        self._kept.append(packed)
        bias = None if projection.bias is None else self.keep(projection.bias)
        return Linear(packed.data_ptr(), bias, inputs, outputs, kind)

    def _kind(self, weight: Tensor) -> Kind:
        if self._quantized is not None:
            return self._quantized
        if not self._narrow:
            return Kind.FLOAT32
        exact = weight.dtype == torch.bfloat16 or self._library.sglc_is_bf16(
            weight.data_ptr(), weight.numel()
        )
        return Kind.BFLOAT16 if exact else Kind.FLOAT32

    def layer(self, weights: LayerWeights) -> Layer:
        """One transformer block."""
        return Layer(
            self.linear(weights.qkv),
            self.linear(weights.o),
            self.linear(weights.gate_up),
            self.linear(weights.down),
            self.keep(weights.input_norm),
            self.keep(weights.post_norm),
            None if weights.q_norm is None else self.keep(weights.q_norm),
            None if weights.k_norm is None else self.keep(weights.k_norm),
        )

    @property
    def bytes(self) -> int:
        """Memory of everything kept."""
        return sum(tensor.nbytes for tensor in self._kept)
