"""Cases of the norms with and without the addition before them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from sglc_runtime.kernels.triton.cases.case import Case, Cost, Inputs, Outputs
from sglc_runtime.kernels.triton.cases.making import DTYPES, integers, normal, poisoned
from sglc_runtime.kernels.triton.norm import add_norm, norm

EPS = 1e-5
SMALL = ((3, 64), (2, 200), (1, 1024), (2, 3000), (1, 16384))
"""Rows and numbers of a row."""
LARGE = ((1, 4096), (64, 1024), (64, 4096), (64, 5120), (8192, 4096), (64, 16384))


def cases() -> Iterator[Case]:
    """Both forms, and rows that are picked."""
    for dtype in DTYPES:
        for rows, size in SMALL:
            yield _case("norm", rows, size, dtype, small=True)
            yield _case("add_norm", rows, size, dtype, small=True)
        yield _case("add_norm", 7, 96, dtype, small=True, picked=4)
    for rows, size in LARGE:
        yield _case("add_norm", rows, size, torch.bfloat16, small=False)
    yield _case("norm", 64, 4096, torch.bfloat16, small=False)
    yield _case("add_norm", 8192, 4096, torch.bfloat16, small=False, picked=64)


def _case(
    kernel: str, rows: int, size: int, dtype: torch.dtype, *, small: bool, picked: int = 0
) -> Case:
    def inputs(device: torch.device) -> Inputs:
        return {
            "x": normal(device, dtype, rows, size, seed=1, deviation=3.0),
            "delta": normal(device, dtype, rows, size, seed=2),
            "weight": normal(device, dtype, size, seed=3),
            "rows": integers(device, rows, picked) if picked else None,
            "total": None if picked else poisoned(device, dtype, rows, size),
            "out": poisoned(device, dtype, picked or rows, size),
        }

    # x and delta, or x alone, are read, and the sum and its norm, or the norm, are written.
    tensors = (3 if picked else 4) if kernel == "add_norm" else 2
    bytes = ((picked or rows) * tensors + 1) * size * dtype.itemsize
    shape = f"{rows} rows of {size}" + (f", {picked} picked" if picked else "")
    run, expect = (_run_add, _expect_add) if kernel == "add_norm" else (_run, _expect)
    return Case(kernel, shape, dtype, small, Cost(bytes), inputs, run, expect)


def _run(inputs: Inputs) -> Outputs:
    norm(inputs["x"], inputs["weight"], EPS, inputs["out"], inputs["rows"])
    return {"out": inputs["out"]}


def _run_add(inputs: Inputs) -> Outputs:
    add_norm(
        inputs["x"], inputs["delta"], inputs["weight"], EPS, inputs["total"], inputs["out"],
        inputs["rows"],
    )  # fmt: skip
    outputs = {"out": inputs["out"]}
    return outputs if inputs["total"] is None else outputs | {"total": inputs["total"]}


def _expect(inputs: Inputs) -> Outputs:
    return {"out": _normed(inputs["x"].double(), inputs)}


def _expect_add(inputs: Inputs) -> Outputs:
    total = inputs["x"].double() + inputs["delta"].double()
    if inputs["rows"] is not None:
        return {"out": _normed(total[inputs["rows"]], inputs)}
    return {"out": _normed(total, inputs), "total": total}


def _normed(x: Tensor, inputs: Inputs) -> Tensor:
    factor = torch.rsqrt((x * x).mean(-1, keepdim=True) + EPS)
    normed: Tensor = inputs["weight"].double() * x * factor
    return normed
