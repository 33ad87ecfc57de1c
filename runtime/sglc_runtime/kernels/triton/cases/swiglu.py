"""Cases of SwiGLU."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from sglc_runtime.kernels.triton.cases.case import Case, Cost, Inputs, Outputs
from sglc_runtime.kernels.triton.cases.making import DTYPES, normal, poisoned
from sglc_runtime.kernels.triton.swiglu import swiglu

SMALL = ((3, 64), (2, 1100), (1, 2736))
"""Rows and numbers of a row."""
LARGE = ((1, 3072), (1, 14336), (64, 3072), (64, 14336), (8192, 14336))


def cases() -> Iterator[Case]:
    """Widths that are whole blocks and others."""
    for dtype in DTYPES:
        for rows, size in SMALL:
            yield _case(rows, size, dtype, small=True)
    for rows, size in LARGE:
        yield _case(rows, size, torch.bfloat16, small=False)


def _case(rows: int, size: int, dtype: torch.dtype, *, small: bool) -> Case:
    def inputs(device: torch.device) -> Inputs:
        return {
            "gate_up": normal(device, dtype, rows, 2 * size, seed=1, deviation=4.0),
            "out": poisoned(device, dtype, rows, size),
        }

    cost = Cost(3 * rows * size * dtype.itemsize)
    return Case("swiglu", f"{rows} rows of {size}", dtype, small, cost, inputs, _run, _expect)


def _run(inputs: Inputs) -> Outputs:
    swiglu(inputs["gate_up"], inputs["out"])
    return {"out": inputs["out"]}


def _expect(inputs: Inputs) -> Outputs:
    gate, up = inputs["gate_up"].double().chunk(2, -1)
    return {"out": gate * torch.sigmoid(gate) * up}
