"""SwiGLU (arXiv 2002.05202): the gate's SiLU times the other half of a fused projection."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from sglc_runtime.kernels.triton.elementwise import choose_shape
from sglc_runtime.kernels.triton.launch import launch
from sglc_runtime.kernels.triton.rounding import rounded


@triton.jit
def swiglu_kernel(
    gate_up, out, gate_step, out_step, size, BLOCK: tl.constexpr
):  # fmt: skip
    """Grid (T, size / BLOCK). `gate_up` [T, 2 * size] with the gate first, `out` [T, size]."""
    row = tl.program_id(0).to(tl.int64)
    at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = at < size
    like: tl.constexpr = out.dtype.element_ty
    source = gate_up + row * gate_step + at
    gate = tl.load(source, mask=inside, other=0.0).to(tl.float32)
    up = tl.load(source + size, mask=inside, other=0.0).to(tl.float32)
    # Rounded before the product, as where SiLU is an operation of its own.
    gate = rounded(gate / (1.0 + tl.exp(-gate)), like)
    tl.store(out + row * out_step + at, rounded(gate * up, like).to(like), mask=inside)


def swiglu(gate_up: Tensor, out: Tensor) -> None:
    """Fill `out` [T, N] with silu(gate) * up of `gate_up` [T, 2 * N], gates first in a row."""
    rows, size = out.shape
    shape = choose_shape("swiglu", size)
    launch(
        swiglu_kernel, (rows, triton.cdiv(size, shape.block)), gate_up, out,
        gate_up.stride(0), out.stride(0), size, BLOCK=shape.block, warps=shape.warps,
    )  # fmt: skip
