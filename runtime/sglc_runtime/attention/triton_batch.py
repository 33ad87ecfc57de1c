"""Attention of one batch, cut into pieces on the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sglc_runtime.attention.pieces import Column, Ints, Pieces
from sglc_runtime.attention.triton_layers import TritonLayers
from sglc_runtime.kernels.triton.attend import Partials, Scores, Tile, attend
from sglc_runtime.kernels.triton.merge import Parts, merge
from sglc_runtime.models.base import Batch

if TYPE_CHECKING:
    from sglc_runtime.attention.triton_attention import TritonAttention


@dataclass(frozen=True, slots=True)
class _OnDevice:
    tile: Tile
    table: Tensor
    slots: Tensor
    parts: Parts | None
    """None where no row has several pieces."""
    partials: Partials
    masks: Tensor | None


class TritonBoundAttention(TritonLayers):
    """`Attention` of one batch."""

    def __init__(self, backend: TritonAttention, batch: Batch) -> None:
        super().__init__(backend, batch.out_slots)
        self._backend = backend
        self._batch = batch
        self._rows = batch.positions.tolist()
        self._plans: dict[int | None, _OnDevice] = {}
        for window in dict.fromkeys(backend.spec.windows):
            self._plan(window)

    def _attend(self, layer: int, q: Tensor, scores: Scores) -> Tensor:
        plan = self._plans.get(scores.window) or self._plan(scores.window)
        out = torch.empty(q.shape, dtype=q.dtype, device=q.device)
        attend(
            q, *self.pool(layer), plan.table, plan.slots, self._batch.positions,
            out, plan.partials, plan.tile, scores, plan.masks,
        )  # fmt: skip
        if plan.parts is not None:
            merge(plan.partials, plan.parts, out, scores.sinks)
        return out

    def _plan(self, window: int | None) -> _OnDevice:
        backend = self._backend
        spec, device = backend.spec, backend.device
        tile, pieces = backend.plan(self._batch, self._rows, window)
        starts, rows = _merged(pieces)
        # One copy for all tables: each would be a transfer of its own.
        tables = [
            pieces.table.ravel(), pieces.slots, starts, pieces.parts, rows, pieces.masks
        ]  # fmt: skip
        flat = torch.from_numpy(np.concatenate(tables)).to(device)
        table, slots, part_starts, parts, merged, masks = torch.split(flat, [*map(len, tables)])
        plan = _OnDevice(
            tile,
            table.view(-1, len(Column)),
            slots,
            Parts(part_starts, parts, rows=merged) if len(rows) else None,
            Partials.empty(pieces.partials, spec.num_heads, spec.head_dim, device),
            masks if len(pieces.masks) else None,
        )
        self._plans[window] = plan
        return plan


def _merged(pieces: Pieces) -> tuple[Ints, Ints]:
    """Where the lists of parts begin of the rows that have any, and these rows."""
    starts = pieces.part_starts
    rows = np.flatnonzero(starts[1:] > starts[:-1]).astype(np.int32)
    return np.append(starts[rows], starts[-1:]).astype(np.int32), rows
