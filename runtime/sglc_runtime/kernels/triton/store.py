"""Store a pass's keys and values in the pool."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from sglc_runtime.kernels.triton.launch import launch
from sglc_runtime.kernels.triton.rounding import mantissa, storable, to_pool


@triton.jit
def store_kernel(
    key, value, keys, values, slots, key_step, value_step, slot_step, head_step,
    DIM: tl.constexpr, WIDE: tl.constexpr, HEADS: tl.constexpr, MANY: tl.constexpr,
    MANTISSA: tl.constexpr,
):  # fmt: skip
    """
    Grid (T,). One program copies one row: key and value [HEADS, DIM] to the row's slot.

    `MANTISSA` is not 0 where the pool has an 8-bit format: see `to_pool`.
    """
    row = tl.program_id(0).to(tl.int64)
    head = tl.arange(0, MANY)
    d = tl.arange(0, WIDE)
    inside = (head < HEADS)[:, None] & (d < DIM)[None, :]
    source = head[:, None] * DIM + d[None, :]
    slot = tl.load(slots + row).to(tl.int64)
    target = slot * slot_step + head.to(tl.int64)[:, None] * head_step + d[None, :]
    from_key = tl.load(key + row * key_step + source, mask=inside).to(tl.float32)
    from_value = tl.load(value + row * value_step + source, mask=inside).to(tl.float32)
    tl.store(keys + target, to_pool(from_key, keys, MANTISSA), mask=inside)
    tl.store(values + target, to_pool(from_value, values, MANTISSA), mask=inside)


def store(key: Tensor, value: Tensor, keys: Tensor, values: Tensor, slots: Tensor) -> None:
    """
    Store key and value [T, Hk, D] in `keys` and `values` [slots, Hk, D] at `slots` [T] (int64).

    Heads of a row of `key` and `value` must lie side by side; rows may lie apart. A pool of an
    8-bit format takes what it cannot hold as its largest number.
    """
    rows, heads, dim = key.shape
    launch(
        store_kernel, (rows,),
        key, value, storable(keys), storable(values), slots,
        key.stride(0), value.stride(0), keys.stride(0), keys.stride(1),
        DIM=dim, WIDE=triton.next_power_of_2(dim),
        HEADS=heads, MANY=triton.next_power_of_2(heads), MANTISSA=mantissa(keys.dtype),
    )  # fmt: skip
