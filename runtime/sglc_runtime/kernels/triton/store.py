"""Store a pass's keys and values in the pool."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from sglc_runtime.kernels.triton.launch import launch


@triton.jit
def store_kernel(
    key, value, keys, values, slots, key_step, value_step, slot_step, head_step,
    DIM: tl.constexpr, WIDE: tl.constexpr, HEADS: tl.constexpr, MANY: tl.constexpr,
):  # fmt: skip
    """One program copies one row: key and value [HEADS, DIM] to the row's slot."""
    row = tl.program_id(0)
    head = tl.arange(0, MANY)
    d = tl.arange(0, WIDE)
    inside = (head < HEADS)[:, None] & (d < DIM)[None, :]
    source = head[:, None] * DIM + d[None, :]
    slot = tl.load(slots + row).to(tl.int64)
    target = slot * slot_step + head.to(tl.int64)[:, None] * head_step + d[None, :]
    from_key = tl.load(key + row * key_step + source, mask=inside)
    from_value = tl.load(value + row * value_step + source, mask=inside)
    tl.store(keys + target, from_key.to(keys.dtype.element_ty), mask=inside)
    tl.store(values + target, from_value.to(values.dtype.element_ty), mask=inside)


def store(key: Tensor, value: Tensor, keys: Tensor, values: Tensor, slots: Tensor) -> None:
    """
    Store key and value [T, Hk, D] in `keys` and `values` [slots, Hk, D] at `slots` [T] (int64).

    Heads of a row of `key` and `value` must lie side by side; rows may lie apart.
    """
    rows, heads, dim = key.shape
    launch(
        store_kernel, (rows,),
        key, value, keys, values, slots,
        key.stride(0), value.stride(0), keys.stride(0), keys.stride(1),
        DIM=dim, WIDE=triton.next_power_of_2(dim),
        HEADS=heads, MANY=triton.next_power_of_2(heads),
    )  # fmt: skip
