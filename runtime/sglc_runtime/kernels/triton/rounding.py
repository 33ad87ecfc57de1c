"""
Rounding to the types that models and pools hold, the same on every GPU and in the interpreter.

Integer arithmetic where Triton's conversions differ: numbers of 8 bits, for which older GPUs have
no instruction, and bfloat16 in the interpreter, which cuts it off.
"""

from __future__ import annotations

import os

import torch
import triton
import triton.language as tl
from torch import Tensor

FORMATS = {torch.float8_e4m3fn: 3, torch.float8_e5m2: 2}
"""Bits of the mantissa, which tell the two formats apart."""
CUTS = tl.constexpr(os.environ.get("TRITON_INTERPRET", "0") == "1")
"""The interpreter is at work, in the way that Triton finds out."""


@triton.jit
def rounded(x, like: tl.constexpr):  # fmt: skip
    """The number of type `like` that is nearest to `x` (float32), as float32 again."""
    if CUTS and like == tl.bfloat16:
        bits = x.to(tl.int32, bitcast=True)
        near = (bits + 0x7FFF + ((bits >> 16) & 1)) & -0x10000
        result = tl.where(x == x, near, bits).to(tl.float32, bitcast=True)
    else:
        result = x.to(like).to(tl.float32)
    return result


@triton.jit
def to_fp8(x, MANTISSA: tl.constexpr):  # fmt: skip
    """
    Bits (uint8) of the float8_e4m3fn or float8_e5m2 nearest to `x` (float32), ties to even.

    Larger numbers than the format has, infinity too, become its largest; NaN stays NaN. After
    torch's `fp8e4m3fn_from_fp32_value`.
    """
    BIAS: tl.constexpr = 7 if MANTISSA == 3 else 15
    LARGEST: tl.constexpr = 0x43E00000 if MANTISSA == 3 else 0x47600000
    SHIFT: tl.constexpr = 23 - MANTISSA
    # A float32 whose last bit is worth as much as the last bit of a subnormal of the format.
    MAGIC: tl.constexpr = (127 - BIAS + SHIFT + 1) << 23
    bits = x.to(tl.int32, bitcast=True)
    size = bits & 0x7FFFFFFF
    nan = size > 0x7F800000
    size = tl.minimum(size, LARGEST)
    magic = tl.full(size.shape, MAGIC, tl.int32)
    sum = size.to(tl.float32, bitcast=True) + magic.to(tl.float32, bitcast=True)
    subnormal = sum.to(tl.int32, bitcast=True) - magic
    odd = (size >> SHIFT) & 1
    normal = (size - ((127 - BIAS) << 23) + ((1 << (SHIFT - 1)) - 1) + odd) >> SHIFT
    code = tl.where(size < ((128 - BIAS) << 23), subnormal, normal)
    code = tl.where(nan, 0x7F, code)
    return (code | ((bits >> 24) & 0x80)).to(tl.uint8)


@triton.jit
def to_pool(x, pool, MANTISSA: tl.constexpr):  # fmt: skip
    """`x` (float32) as `pool` holds it; `MANTISSA` as `mantissa` says."""
    # No early return: the two have different types.
    like = pool.dtype.element_ty
    return rounded(x, like).to(like) if MANTISSA == 0 else to_fp8(x, MANTISSA)


@triton.jit
def from_pool(x, like: tl.constexpr, MANTISSA: tl.constexpr):  # fmt: skip
    """
    What a pool holds as type `like`; bytes of an 8-bit format exactly so.

    Not Triton's conversion, which older GPUs do not have for float8_e4m3fn. A NaN of that format
    becomes 480.
    """
    if MANTISSA == 0:
        result = x.to(like)
    elif MANTISSA == 2:
        # The upper half of a float16.
        result = (x.to(tl.uint16) << 8).to(tl.float16, bitcast=True).to(like)
    else:
        bits = x.to(tl.uint16)
        # The exponent of a float16 has another bias, by 8.
        half = (((bits & 0x80) << 8) | ((bits & 0x7F) << 7)).to(tl.float16, bitcast=True)
        wide = half if like == tl.float16 else half.to(tl.float32)
        result = (wide * 256.0).to(like)
    return result


def mantissa(dtype: torch.dtype) -> int:
    """Bits of the mantissa of an 8-bit format; 0 for types that Triton converts itself."""
    return FORMATS.get(dtype, 0)


def storable(pool: Tensor) -> Tensor:
    """The pool as `to_pool` writes it: bytes where it has an 8-bit format."""
    return pool.view(torch.uint8) if pool.dtype in FORMATS else pool
