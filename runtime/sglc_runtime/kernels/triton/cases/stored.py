"""What a pool holds after a store, in a form that can be compared."""

from __future__ import annotations

import torch
from torch import Tensor


def comparable(pool: Tensor) -> Tensor:
    """The pool, as bits where it has 8 of them: numbers lie further apart there than errors may."""
    return pool.view(torch.uint8) if pool.dtype.itemsize == 1 else pool


def stored(x: Tensor, pool: Tensor, slots: Tensor) -> Tensor:
    """What `comparable` gives for a pool that was poisoned, with `x` [T, Hk, D] at `slots`."""
    whole = torch.full(pool.shape, torch.nan, dtype=torch.float64, device=x.device)
    if pool.dtype.itemsize > 1:
        whole[slots] = x.double()
        return whole
    largest = torch.finfo(pool.dtype).max
    whole[slots] = x.double().clamp(-largest, largest)
    return comparable(whole.float().to(pool.dtype))
