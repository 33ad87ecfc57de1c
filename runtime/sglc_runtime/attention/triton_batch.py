"""Attention of one batch, cut into pieces on the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sglc_runtime.attention.pieces import Column
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
    parts: Parts
    partials: Partials


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
            out, plan.partials, plan.tile, scores,
        )  # fmt: skip
        merge(plan.partials, plan.parts, out, scores.sinks)
        return out

    def _plan(self, window: int | None) -> _OnDevice:
        backend = self._backend
        spec, device = backend.spec, backend.device
        tile, pieces = backend.plan(self._batch, self._rows, window)
        # One copy for all tables: each would be a transfer of its own.
        flat = np.concatenate(
            [pieces.table.ravel(), pieces.slots, pieces.part_starts, pieces.parts]
        )
        sizes = [pieces.table.size, *map(len, (pieces.slots, pieces.part_starts, pieces.parts))]
        tables = torch.from_numpy(flat).to(device)
        table, slots, part_starts, parts = torch.split(tables, sizes)
        plan = _OnDevice(
            tile,
            table.view(-1, len(Column)),
            slots,
            Parts(part_starts, parts),
            Partials.empty(pieces.partials, spec.num_heads, spec.head_dim, device),
        )
        self._plans[window] = plan
        return plan
