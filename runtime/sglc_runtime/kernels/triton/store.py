"""Store a pass's keys and values in the pool."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def store_kernel(
    key, value, keys, values, slots, key_step, value_step, pool_step, WIDTH: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """One program copies one row: key and value [WIDTH] to the row's slot."""
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    inside = at < WIDTH
    slot = tl.load(slots + row).to(tl.int64)
    from_key = tl.load(key + row * key_step + at, mask=inside)
    from_value = tl.load(value + row * value_step + at, mask=inside)
    tl.store(keys + slot * pool_step + at, from_key.to(keys.dtype.element_ty), mask=inside)
    tl.store(values + slot * pool_step + at, from_value.to(values.dtype.element_ty), mask=inside)


def store(key: Tensor, value: Tensor, keys: Tensor, values: Tensor, slots: Tensor) -> None:
    """
    Store key and value [T, Hk, D] in `keys` and `values` [slots, Hk, D] at `slots` [T] (int64).

    Heads of a row must lie side by side; rows may lie apart.
    """
    rows, heads, dim = key.shape
    width = heads * dim
    store_kernel[(rows,)](
        key, value, keys, values, slots, key.stride(0), value.stride(0), keys.stride(0),
        WIDTH=width, BLOCK=triton.next_power_of_2(width),
    )  # fmt: skip
