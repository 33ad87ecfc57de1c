"""Cases of the store that norms and rotates first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from sglc_runtime.kernels.triton.cases.case import Case, Cost, Inputs, Outputs
from sglc_runtime.kernels.triton.cases.making import (
    DTYPES,
    integers,
    normal,
    places,
    poisoned,
    pool,
)
from sglc_runtime.kernels.triton.cases.stored import comparable, stored
from sglc_runtime.kernels.triton.rope_store import HeadNorms, rope_store
from sglc_runtime.kernels.triton.rounding import FORMATS

EPS = 1e-6


class _Shape(NamedTuple):
    rows: int
    heads: int
    kv_heads: int
    dim: int
    normed: bool = False


SMALL = (
    _Shape(3, 4, 2, 32),
    _Shape(2, 7, 1, 64, True),
    _Shape(2, 6, 2, 80, True),
    _Shape(3, 5, 5, 96),
    _Shape(1, 8, 4, 128, True),
    _Shape(2, 2, 1, 256),
)
LARGE = (
    _Shape(1, 16, 8, 128, True),
    _Shape(64, 16, 8, 128, True),
    _Shape(1, 32, 8, 128),
    _Shape(64, 32, 8, 128),
    _Shape(8192, 32, 8, 128),
    _Shape(64, 32, 32, 96),
    _Shape(64, 32, 32, 80),
    _Shape(64, 14, 2, 64),
    _Shape(64, 8, 4, 256, True),
)


def cases() -> Iterator[Case]:
    """With and without norms, and pools of 8 bits."""
    for dtype in DTYPES:
        for shape in SMALL:
            yield _case(shape, dtype, dtype, small=True)
    for held in FORMATS:
        yield _case(_Shape(3, 4, 2, 80), torch.float16, held, small=True)
    for shape in LARGE:
        yield _case(shape, torch.bfloat16, torch.bfloat16, small=False)
    yield _case(LARGE[3], torch.bfloat16, torch.float8_e4m3fn, small=False)


def _case(shape: _Shape, dtype: torch.dtype, held: torch.dtype, *, small: bool) -> Case:
    rows, heads, kv_heads, dim, normed = shape
    context, slots = 64 if small else 4096, 2 * rows

    def inputs(device: torch.device) -> Inputs:
        cos, sin = _tables(device, dtype, context, dim, quarters=held.itemsize == 1)
        query, key = (normal(device, dtype, dim, seed=seed) for seed in (4, 5))
        return {
            "qkv": normal(device, dtype, rows, (heads + 2 * kv_heads) * dim, seed=1, deviation=3.0),
            "positions": integers(device, context, rows, seed=2),
            "slots": places(device, rows, seed=3),
            "cos": cos,
            "sin": sin,
            "norms": HeadNorms(query, key, EPS) if normed else None,
            "keys": pool(device, held, slots, kv_heads, dim),
            "values": pool(device, held, slots, kv_heads, dim),
            "query": poisoned(device, dtype, rows, heads, dim),
        }

    numbers = (2 * heads + 2 * kv_heads) * dtype.itemsize + 2 * kv_heads * held.itemsize
    # Half of a row of each table, position and slot.
    cost = Cost(rows * (numbers * dim + dim * dtype.itemsize + 16))
    name = f"{rows} rows, {heads}/{kv_heads} heads of {dim}{', normed' * normed}"
    if held != dtype:
        name += f", pool {str(held).removeprefix('torch.')}"
    return Case("rope_store", name, dtype, small, cost, inputs, _run, _expect)


def _tables(
    device: torch.device, dtype: torch.dtype, context: int, dim: int, *, quarters: bool
) -> tuple[Tensor, Tensor]:
    """
    Cosines and sines of any angles; with `quarters` of right angles only.

    Those give the same numbers in every precision, and so one right answer in 8 bits.
    """
    turns = integers(device, 4 if quarters else 1000, context, dim // 2, seed=6)
    angles = turns * (torch.pi / 2) if quarters else turns / 500 * torch.pi
    cos, sin = angles.cos(), angles.sin()
    if quarters:
        cos, sin = cos.round(), sin.round()
    return torch.cat([cos, cos], -1).to(dtype), torch.cat([-sin, sin], -1).to(dtype)


def _run(inputs: Inputs) -> Outputs:
    query, keys, values = inputs["query"], inputs["keys"], inputs["values"]
    rope_store(
        inputs["qkv"], inputs["positions"], inputs["slots"], inputs["cos"], inputs["sin"],
        keys, values, query, inputs["norms"],
    )  # fmt: skip
    return {"query": query, "keys": comparable(keys), "values": comparable(values)}


def _expect(inputs: Inputs) -> Outputs:
    query, keys, positions = inputs["query"], inputs["keys"], inputs["positions"]
    heads, kv_heads, dim = query.shape[1], keys.shape[1], query.shape[2]
    qkv = inputs["qkv"].double().view(len(query), heads + 2 * kv_heads, dim)
    q, k, v = qkv.split([heads, kv_heads, kv_heads], 1)
    if inputs["norms"] is not None:
        q, k = _normed(q, inputs["norms"].query), _normed(k, inputs["norms"].key)
    cos, sin = (inputs[name].double()[positions, None] for name in ("cos", "sin"))
    q, k = (x * cos + x.roll(dim // 2, -1) * sin for x in (q, k))
    slots = inputs["slots"]
    return {
        "query": q,
        "keys": stored(k, keys, slots),
        "values": stored(v, inputs["values"], slots),
    }


def _normed(x: Tensor, weight: Tensor) -> Tensor:
    return weight.double() * x * torch.rsqrt((x * x).mean(-1, keepdim=True) + EPS)
