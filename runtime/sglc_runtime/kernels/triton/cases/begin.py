"""Cases of the beginning of a decode step."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from sglc_runtime.kernels.triton.cases.case import Case, Cost, Inputs, Outputs
from sglc_runtime.kernels.triton.cases.making import integers, places, poisoned

WIDTH = 50
"""Positions of a sequence."""
NUMBERS = 5 * 8 + 3 * 4
"""Bytes of a row, read and written."""


def cases() -> Iterator[Case]:
    """One program and several; whole blocks and others."""
    for rows in (1, 5, 32, 1500):
        yield _case(rows, small=True)
    for rows in (1, 64, 256):
        yield _case(rows, small=False)


def _case(rows: int, *, small: bool) -> Case:
    def inputs(device: torch.device) -> Inputs:
        # Half of the rows take an id of the step before.
        sources = integers(device, 2 * rows, rows, seed=2)
        table_rows = places(device, rows, seed=5)
        return {
            "ids": integers(device, 1 << 40, rows, seed=1),
            "sources": torch.where(sources < rows, sources, -1).to(torch.int32),
            "previous": integers(device, 1 << 40, rows, seed=3),
            "positions": integers(device, WIDTH, rows, seed=4),
            "out_slots": integers(device, 1 << 31, rows, seed=6),
            "table_rows": table_rows.to(torch.int32),
            "table": torch.zeros(2 * rows, WIDTH, dtype=torch.int32, device=device),
            "out": poisoned(device, torch.int64, rows),
        }

    shape = f"{rows} rows" if small else f"{rows} rows of a step"
    return Case("begin", shape, torch.float32, small, Cost(rows * NUMBERS), inputs, _run, _expect)


def _run(inputs: Inputs) -> Outputs:
    # Imported late: what lists cases need not import Triton.
    from sglc_runtime.kernels.triton.begin import begin

    begin(**inputs)
    return {"out": inputs["out"], "table": inputs["table"]}


def _expect(inputs: Inputs) -> Outputs:
    sources = inputs["sources"].long()
    table = inputs["table"].clone()
    table[inputs["table_rows"].long(), inputs["positions"]] = inputs["out_slots"].to(torch.int32)
    computed = inputs["previous"][sources.clamp(min=0)]
    return {"out": torch.where(sources >= 0, computed, inputs["ids"]), "table": table}
