"""Cases of `store`: rows of a fused projection go to slots of the pool."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from sglc_runtime.kernels.triton.cases.case import Case, Cost, Inputs, Outputs
from sglc_runtime.kernels.triton.cases.making import DTYPES, normal, pool
from sglc_runtime.kernels.triton.cases.stored import comparable, stored
from sglc_runtime.kernels.triton.rounding import FORMATS
from sglc_runtime.kernels.triton.store import store

SMALL = ((5, 2, 32), (3, 3, 80), (1, 8, 64), (4, 1, 96), (3, 2, 128), (2, 5, 256))
"""Rows, KV heads, dimension."""
REALISTIC = ((1, 8, 128), (64, 8, 128), (8192, 8, 128), (256, 1, 64))


@dataclass(frozen=True, slots=True)
class _Store:
    rows: int
    heads: int
    dim: int
    dtype: torch.dtype
    held: torch.dtype
    """The pool's type."""

    def inputs(self, device: torch.device) -> Inputs:
        """Keys and values are columns of one wider tensor; half of the pool's slots stay unused."""
        wide = self.heads * self.dim
        fused = normal(device, self.dtype, self.rows, 3 * wide, deviation=200.0)
        key, value = (
            fused[:, at : at + wide].unflatten(1, (self.heads, self.dim)) for at in (0, 2 * wide)
        )
        slots = 2 * self.rows
        order = (torch.arange(self.rows, dtype=torch.int64) * 2 + 1).flip(0)
        return {
            "key": key,
            "value": value,
            "keys": pool(device, self.held, slots, self.heads, self.dim),
            "values": pool(device, self.held, slots, self.heads, self.dim),
            "slots": order.to(device),
        }

    @staticmethod
    def run(inputs: Inputs) -> Outputs:
        store(**inputs)
        return {name: comparable(inputs[name]) for name in ("keys", "values")}

    def expect(self, inputs: Inputs) -> Outputs:
        """Slots that nobody stores to keep what they held."""
        return {
            held: stored(inputs[new], inputs[held], inputs["slots"])
            for new, held in (("key", "keys"), ("value", "values"))
        }

    def case(self, small: bool) -> Case:
        row = 2 * self.heads * self.dim * (self.dtype.itemsize + self.held.itemsize)
        shape = f"{self.rows} rows, {self.heads} heads of {self.dim}"
        if self.held != self.dtype:
            shape += f", pool {str(self.held).removeprefix('torch.')}"
        return Case(
            kernel="store",
            shape=shape,
            dtype=self.dtype,
            small=small,
            cost=Cost(row * self.rows + 8 * self.rows),
            inputs=self.inputs,
            run=self.run,
            expect=self.expect,
        )


def cases() -> Iterator[Case]:
    """A row's key and value to its slot."""
    for dtype in DTYPES:
        for rows, heads, dim in SMALL:
            yield _Store(rows, heads, dim, dtype, dtype).case(True)
    for rows, heads, dim in REALISTIC:
        yield _Store(rows, heads, dim, torch.bfloat16, torch.bfloat16).case(False)
    for held in FORMATS:
        yield _Store(4, 3, 96, torch.float16, held).case(True)
        yield _Store(64, 8, 128, torch.bfloat16, held).case(False)
