"""
Shared prefixes of decode steps: planned when the members of the batch change, read on the device.

The plan is `attention.shared_plan`'s; here it is kept up to date, and its tables lie at fixed
addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from sglc_runtime.attention.decode_inputs import SharedPieces
from sglc_runtime.attention.shared_plan import AHEAD, SharedPlan, TreeShape, plan_shared
from sglc_runtime.attention.sharing import LEAST_BLOCKS, Traffic
from sglc_runtime.batching import shared_runs
from sglc_runtime.device.executor import DecodeStep
from sglc_runtime.models.base import ModelSpec

PIECES = 255
"""Room for pieces. With one more, for the rows' own, the kernel that splits holds them at once."""
LASTS = 2 * AHEAD
"""Tokens after which a plan for the same rows is made anew."""
PARTS = 16
"""Room for partial results of shared pieces, for each row."""
LEAST_PARTS = 512
"""And for few rows, whose prefixes are cut into as many pieces as the device has programs."""
ALIGNMENT = 16
"""Numbers; see `inputs.ALIGNMENT`."""


def parts_room(rows: int) -> int:
    """Partial results of shared pieces that a step of so many rows has at most."""
    return max(PARTS * rows, LEAST_PARTS)


class SharingBackend(Protocol):
    """A backend whose decode attention reads shared pieces."""

    spec: ModelSpec
    dtype: torch.dtype
    deterministic: bool
    programs: int
    shared_rows: int
    decode_block: int
    """Keys that a program reads at a time."""


def tree_shape(attention: SharingBackend) -> TreeShape:
    """What plans have to fit, with no room for parts yet."""
    spec = attention.spec
    itemsize = attention.dtype.itemsize
    return TreeShape(
        tile_rows=attention.shared_rows,
        kv_heads=spec.num_kv_heads,
        traffic=Traffic.of(spec.num_heads, spec.num_kv_heads, spec.head_dim, itemsize),
        programs=attention.programs,
        pieces=PIECES,
        parts=0,
        block=attention.decode_block,
        shortest=LEAST_BLOCKS * attention.decode_block,
    )


class SharedTables:
    """The plan of the steps that run now, for steps of up to `most` rows."""

    def __init__(
        self,
        most: int,
        shape: TreeShape,
        width: int,
        window: int | None,
        device: torch.device,
    ) -> None:
        """
        `width` is that of the slot table; `window` the largest of the layers, None where one of
        them sees everything.
        """
        self._shape = shape
        self._width = width
        self._window = window
        starts = -(-(most + 1) // ALIGNMENT) * ALIGNMENT
        self._table = ALIGNMENT + starts
        self._parts = self._table + 8 * shape.pieces + (-8 * shape.pieces) % ALIGNMENT
        size = self._parts + parts_room(most)
        self.block = torch.zeros(size, dtype=torch.int32, device=device)
        self._key: tuple[object, ...] = ()
        self._plan: SharedPlan | None = None

    def views(self, rows: int) -> SharedPieces:
        """The tables as a step of `rows` rows reads them."""
        block, shape = self.block, self._shape
        return SharedPieces(
            table=block[self._table : self._table + 8 * shape.pieces].view(-1, 8),
            count=block[:1],
            part_starts=block[ALIGNMENT : ALIGNMENT + rows + 1],
            parts=block[self._parts : self._parts + parts_room(rows)],
        )

    def plan(
        self, step: DecodeStep, table_rows: Sequence[int], rows: int
    ) -> tuple[SharedPlan | None, bool]:
        """
        The plan of a step that has `rows` rows with padding, and whether it is a new one.

        None where nothing is worth sharing.
        """
        # Lengths enter the plan only as what is worth doing: one of them stands for all.
        age = step.work[0].start // LASTS
        key = (step.version, rows, tuple(table_rows), step.runs, age)
        if key == self._key:
            return self._plan, False
        self._key = key
        self._plan = self._make(step, table_rows, rows)
        return self._plan, True

    def forget(self) -> None:
        """The device may not have got the plan."""
        self._key = ()

    def contents(self, plan: SharedPlan) -> NDArray[np.int32]:
        """What `block` has to hold for a plan."""
        data = np.zeros(self._parts + len(plan.parts), dtype=np.int32)
        data[0] = plan.count
        data[ALIGNMENT : ALIGNMENT + len(plan.part_starts)] = plan.part_starts
        data[self._table : self._table + plan.table.size] = plan.table.ravel()
        data[self._parts :] = plan.parts
        return data

    def _make(self, step: DecodeStep, table_rows: Sequence[int], rows: int) -> SharedPlan | None:
        sequences = [work.sequence for work in step.work]
        order, runs = shared_runs([(sequence, 1) for sequence in sequences])
        if order != sequences:
            return None
        plan = plan_shared(
            runs,
            [work.start for work in step.work],
            table_rows,
            replace(self._shape, parts=parts_room(rows)),
            width=self._width,
            rows=rows,
            window=self._window,
        )
        return plan if plan.count else None
