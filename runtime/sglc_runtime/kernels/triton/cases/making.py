"""Tensors for cases: the same numbers every time, none on "meta"."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

DTYPES = (torch.float32, torch.float16, torch.bfloat16)


def normal(
    device: torch.device, dtype: torch.dtype, *shape: int, seed: int = 0, deviation: float = 1.0
) -> Tensor:
    """Normally distributed numbers, rounded to `dtype`."""
    if device.type == "meta":
        return torch.empty(shape, dtype=dtype, device=device)
    generator = torch.Generator(device).manual_seed(seed)
    made = torch.empty(shape, dtype=torch.float32, device=device)
    return made.normal_(0.0, deviation, generator=generator).to(dtype)


def integers(device: torch.device, below: int, *shape: int, seed: int = 0) -> Tensor:
    """int64 numbers from 0 to below `below`."""
    if device.type == "meta":
        return torch.empty(shape, dtype=torch.int64, device=device)
    generator = torch.Generator(device).manual_seed(seed)
    return torch.randint(below, shape, generator=generator, device=device)


def places(device: torch.device, rows: int, *, seed: int = 0) -> Tensor:
    """int64 [rows]: a slot for each row out of twice as many, in no order."""
    if device.type == "meta":
        return torch.empty(rows, dtype=torch.int64, device=device)
    generator = torch.Generator(device).manual_seed(seed)
    return torch.randperm(2 * rows, generator=generator, device=device)[:rows]


def poisoned(device: torch.device, dtype: torch.dtype, *shape: int) -> Tensor:
    """What a kernel has to overwrite: NaN, or the lowest integer."""
    worst = float("nan") if dtype.is_floating_point else torch.iinfo(dtype).min
    return torch.full(shape, worst, dtype=dtype, device=device)


@contextmanager
def poisoned_memory() -> Iterator[None]:
    """
    Fill what is allocated without values, buffers of wrappers too, with NaN meanwhile.

    torch does so in its deterministic mode.
    """
    before = torch.are_deterministic_algorithms_enabled()
    lenient = torch.is_deterministic_algorithms_warn_only_enabled()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before, warn_only=lenient)


def pool(device: torch.device, dtype: torch.dtype, slots: int, heads: int, dim: int) -> Tensor:
    """One layer's keys or values [slots, heads, dim], laid out like `KvPool`; all poisoned."""
    return poisoned(device, dtype, heads, slots, dim).transpose(0, 1)
