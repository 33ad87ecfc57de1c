"""One packed linear layer, and what its quantised forms have to compute, in NumPy."""

from __future__ import annotations

from ctypes import CDLL, addressof
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sglc_runtime.kernels.library import load_library
from sglc_runtime.models.packing import Packer, Quantization
from sglc_runtime.models.weights import Projection

Array = np.ndarray[Any, np.dtype[Any]]
GROUP = 32


class Layer:
    """A linear layer called like a module; what lies around its output is poisoned."""

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor | None = None,
        *,
        narrow: bool = False,
        quantization: Quantization = "none",
        library: CDLL | None = None,
    ) -> None:
        self.library = library or load_library()
        self.packer = Packer(self.library, narrow=narrow, quantization=quantization)
        self.linear = self.packer.linear(Projection(weight, bias))
        self.outputs, self.inputs = weight.shape
        self.address = addressof(self.linear)

    def __call__(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        x = x.contiguous()
        rows = len(x)
        size = self.library.sglc_linear_scratch(self.linear.kind, self.inputs, rows)
        scratch = torch.full((size,), 255, dtype=torch.uint8)
        out = torch.full((rows + 2, self.outputs), torch.nan)
        added = None if residual is None else residual.data_ptr()
        self.library.sglc_run_linear(
            self.address, x.data_ptr(), rows, out[1].data_ptr(), added, scratch.data_ptr()
        )
        assert out[[0, -1]].isnan().all(), "written outside of the output"
        return out[1:-1]


def groups_of(x: Array) -> Array:
    """Rows [n, inputs] as [n, groups, 32], zeros at the end."""
    padded = np.zeros((len(x), -(-x.shape[1] // GROUP) * GROUP), np.float32)
    padded[:, : x.shape[1]] = x
    return padded.reshape(len(x), -1, GROUP)


def bfloat16(x: Array) -> Array:
    """Rounded to the nearest bfloat16 number, as float32."""
    return torch.from_numpy(x).bfloat16().float().numpy()


def quantized_weights(weight: Array, bits: int) -> tuple[Array, Array]:
    """Integers [outputs, groups, 32] and scales [outputs, groups] of weight [outputs, inputs]."""
    groups = groups_of(weight)
    at = np.abs(groups).argmax(-1)[..., None]
    most = np.take_along_axis(groups, at, -1)[..., 0]
    scales = bfloat16(np.abs(most) / np.float32(127) if bits == 8 else most / np.float32(-8))
    low, high = (-127, 127) if bits == 8 else (-8, 7)
    with np.errstate(divide="ignore", invalid="ignore"):
        q = np.clip(np.rint(groups / scales[..., None]), low, high)
    return np.where(scales[..., None] != 0, q, 0).astype(np.int64), scales


def quantized_rows(x: Array) -> tuple[Array, Array]:
    """Integers [rows, groups, 32] and scales [rows, groups] of x [rows, inputs]."""
    groups = groups_of(x)
    most = np.abs(groups).max(-1)
    inverse = np.where(most > 0, np.float32(127) / np.where(most > 0, most, 1), 0)
    q = np.rint(groups * inverse[..., None].astype(np.float32))
    return q.astype(np.int64), most / np.float32(127)


def quantized_linear(x: Array, weight: Array, bits: int) -> Array:
    """`x @ weight.T` as the kernels compute it: exact integer sums, groups added in order."""
    w, w_scales = quantized_weights(weight, bits)
    q, x_scales = quantized_rows(x)
    dots = np.einsum("rgi,ogi->gro", q, w).astype(np.float64)
    scales = np.einsum("rg,og->gro", x_scales, w_scales)  # products of float32, rounded to it
    assert scales.dtype == np.float32
    total = np.zeros(dots.shape[1:], np.float32)
    for dot, scale in zip(dots, scales, strict=True):  # one rounding, as a fused multiply-add
        total = (dot * scale.astype(np.float64) + total.astype(np.float64)).astype(np.float32)
    return total
