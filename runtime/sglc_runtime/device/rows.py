"""
The inputs of a step on the host: what changes at every step, and what only with its members.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sglc_runtime.device.executor import DecodeStep
from sglc_runtime.device.inputs import HostBlock

if TYPE_CHECKING:
    from sglc_runtime.generation import SampleRun

SIGNED = 1 << 63


class BucketRows:
    """Inputs of steps of one size. Rows behind those of the step are padding."""

    def __init__(self, rows: int, *, pad_row: int, pad_slot: int) -> None:
        self.rows = rows
        self.block = HostBlock(rows)
        self._pad_row = pad_row
        self._pad_slot = pad_slot
        self._runs: tuple[SampleRun, ...] = ()
        self.pad(0)

    def pad(self, start: int) -> None:
        """Make rows from `start` on padding: position 0, a slot of its own, the likeliest token."""
        block = self.block
        for name in ("ids", "positions", "keys", "samples", "tokens", "own_starts", "top_ks",
                     "masked", "inverse_temperatures", "min_ps"):  # fmt: skip
            block[name][start:] = 0
        block["sources"][start:] = -1
        block["out_slots"][start:] = self._pad_slot
        block["table_rows"][start:] = self._pad_row
        block["top_ps"][start:] = 1
        self._runs = self._runs[:start]

    def fill(
        self,
        step: DecodeStep,
        ids: Sequence[int],
        sources: Sequence[int],
        table_rows: Sequence[int],
        slots: Sequence[int],
        own_starts: NDArray[np.int32] | int,
    ) -> None:
        """Write a step's inputs, without masks; `own_starts` [B] or the same for all rows."""
        block, count = self.block, len(step.work)
        block["ids"][:count] = ids
        block["sources"][:count] = sources
        block["positions"][:count] = [work.start for work in step.work]
        block["out_slots"][:count] = slots
        block["table_rows"][:count] = table_rows
        block["tokens"][:count] = step.tokens
        block["own_starts"][:] = own_starts
        if step.runs != self._runs:
            self._members(step.runs)

    def _members(self, runs: tuple[SampleRun, ...]) -> None:
        """Write what stays the same for as long as the same samples are in the step."""
        block, count = self.block, len(runs)
        if count < len(self._runs):
            self.pad(count)
        top_ks, inverse, top_ps, min_ps = zip(*(run.terms for run in runs), strict=True)
        block["top_ks"][:count] = np.clip(top_ks, -1, np.iinfo(np.int32).max)
        block["inverse_temperatures"][:count] = inverse
        block["top_ps"][:count] = top_ps
        block["min_ps"][:count] = min_ps
        block["keys"][:count] = [signed(run.noise.key) for run in runs]
        block["samples"][:count] = [run.noise.sample for run in runs]
        self._runs = runs


def signed(key: int) -> int:
    """The int64 with the bits of an unsigned number of 64."""
    return (key + SIGNED) % (2 * SIGNED) - SIGNED
