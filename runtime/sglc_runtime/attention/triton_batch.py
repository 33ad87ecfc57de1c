"""Attention of one batch, cut into pieces on the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sglc_runtime.attention.pieces import Ints
from sglc_runtime.attention.triton_layers import TritonLayers
from sglc_runtime.kernels.triton.attend import Partials, Scores, Tile, attend
from sglc_runtime.kernels.triton.merge import Parts, merge
from sglc_runtime.models.base import Batch

if TYPE_CHECKING:
    from sglc_runtime.attention.triton_attention import TritonAttention

ALIGNMENT = 4
"""Numbers of tables: what 16 bytes hold, as Triton asks for."""


@dataclass(frozen=True, slots=True)
class _OnDevice:
    """A plan's tables; None for what there is nothing of."""

    tiles: Tensor | None
    slots: Tensor
    pieces: Tensor | None
    piece_slots: Tensor
    masks: Tensor | None
    merged: Parts | None
    partials: Partials


class TritonBoundAttention(TritonLayers):
    """`Attention` of one batch."""

    def __init__(self, backend: TritonAttention, batch: Batch) -> None:
        super().__init__(backend, batch.out_slots)
        self._backend = backend
        self._batch = batch
        self._rows = batch.positions.tolist()
        self._plans: dict[int | None, tuple[Tile, _OnDevice]] = {}
        for window in dict.fromkeys(backend.spec.windows):
            self._plan(window)

    def _attend(self, layer: int, q: Tensor, scores: Scores) -> Tensor:
        tile, plan = self._plans.get(scores.window) or self._plan(scores.window)
        out = torch.empty(q.shape, dtype=q.dtype, device=q.device)
        keys, values = self.pool(layer)
        positions = self._batch.positions
        if plan.tiles is not None:
            attend(
                q, keys, values, plan.tiles, plan.slots, positions, out, plan.partials,
                self._backend.extend_tile, scores,
            )  # fmt: skip
        if plan.pieces is not None:
            attend(
                q, keys, values, plan.pieces, plan.piece_slots, positions, out, plan.partials,
                tile, scores, plan.masks,
            )  # fmt: skip
        if plan.merged is not None:
            merge(plan.partials, plan.merged, out, scores.sinks, at_once=self._backend.at_once)
        return out

    def _plan(self, window: int | None) -> tuple[Tile, _OnDevice]:
        backend = self._backend
        tile, plan = backend.plan(self._batch, self._rows, window)
        pieces = plan.pieces
        tiles, slots, table, piece_slots, masks, starts, parts, rows = _send(
            [
                plan.tiles, plan.slots, pieces.table, pieces.slots, pieces.masks,
                pieces.part_starts, pieces.parts, plan.merged,
            ],
            backend.device,
        )  # fmt: skip
        spec = backend.spec
        count = pieces.partials if len(rows) else 0
        self._plans[window] = (
            tile,
            _OnDevice(
                tiles if len(tiles) else None,
                slots,
                table if len(table) else None,
                piece_slots,
                masks if len(masks) else None,
                Parts(starts, parts, rows=rows) if len(rows) else None,
                Partials.empty(count, spec.num_heads, spec.head_dim, backend.device),
            ),
        )
        return self._plans[window]


def _send(tables: list[Ints], device: torch.device) -> list[Tensor]:
    """
    The tables on the device, in one copy: each would be a transfer of its own.

    Each begins at a multiple of `ALIGNMENT`: kernels are compiled for what is known of their
    pointers, which must not change from batch to batch.
    """
    sizes = [table.size + -table.size % ALIGNMENT for table in tables]
    flat = np.zeros(sum(sizes), dtype=np.int32)
    at = 0
    for table, size in zip(tables, sizes, strict=True):
        flat[at : at + table.size] = table.ravel()
        at += size
    found = torch.split(torch.from_numpy(flat).to(device), sizes)
    return [part[: table.size].view(table.shape) for part, table in zip(found, tables, strict=True)]
