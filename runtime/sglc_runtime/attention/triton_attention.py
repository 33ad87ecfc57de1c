"""Attention on GPUs: Triton kernels over pieces of the batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sglc_runtime.attention.pieces import Column, Cut, Pieces, plan_pieces
from sglc_runtime.attention.pool import KvPool
from sglc_runtime.attention.sharing import Traffic, unshare
from sglc_runtime.attention.tiles import choose_tile
from sglc_runtime.kernels.triton.attend import Tile, attend
from sglc_runtime.kernels.triton.merge import merge
from sglc_runtime.kernels.triton.store import store
from sglc_runtime.models.base import Batch, ModelSpec

SPLIT = 512
"""Keys of a piece. Shorter ones fill the GPU better at small batches, and are merged more."""


class TritonAttention(KvPool):
    """
    Attention over the KV pool in Triton.

    `fixed` cuts at the same positions always, with one shape of tile: a row's result then depends
    on its own keys alone. Runs on CPU tensors where `TRITON_INTERPRET=1` was set before Triton was
    imported, which is for tests.
    """

    name = "triton"

    def __init__(
        self,
        spec: ModelSpec,
        slots: int,
        device: torch.device,
        dtype: torch.dtype,
        *,
        fixed: bool = False,
        split: int = SPLIT,
    ) -> None:
        super().__init__(spec, slots, device, dtype)
        self.deterministic = fixed
        self._split = split
        self._traffic = Traffic.of(spec.num_heads, spec.num_kv_heads, spec.head_dim, dtype.itemsize)

    def bind(self, batch: Batch) -> TritonBoundAttention:
        """Cut a batch into pieces; raises ValueError where the runs of a row have a gap."""
        return TritonBoundAttention(self, batch)

    def plan(self, batch: Batch, positions: list[int], window: int | None) -> tuple[Tile, Pieces]:
        """The tile for a batch, and its pieces."""
        spec = self.spec
        group = spec.num_heads // spec.num_kv_heads
        single = len({row for run in batch.runs for row in (run.row_start, run.row_end)})
        decoding = single > len(positions)
        tile = choose_tile(
            spec.head_dim, group, self.dtype, decoding=decoding, fixed=self.deterministic
        )
        cut = Cut(tile.block_m // group, self._split, self.deterministic)
        runs = list(batch.runs)
        if not self.deterministic:
            runs = unshare(runs, cut.rows, self._traffic)
        return tile, plan_pieces(runs, positions, cut, window=window)


@dataclass(frozen=True, slots=True)
class _OnDevice:
    tile: Tile
    table: Tensor
    slots: Tensor
    part_starts: Tensor
    parts: Tensor
    out: Tensor
    lse: Tensor


class TritonBoundAttention:
    """`Attention` of one batch."""

    def __init__(self, backend: TritonAttention, batch: Batch) -> None:
        self._backend = backend
        self._batch = batch
        self._rows = batch.positions.tolist()
        self._positions = batch.positions.to(torch.int32)
        self._plans: dict[int | None, _OnDevice] = {}
        for window in dict.fromkeys(backend.spec.windows):
            self._plan(window)

    def __call__(
        self,
        layer: int,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        *,
        scale: float,
        window: int | None = None,
        softcap: float | None = None,
        sinks: Tensor | None = None,
    ) -> Tensor:
        """Store k and v, attend; see `Attention`."""
        store(_by_row(k), _by_row(v), *self.pool(layer), self._batch.out_slots)
        return self.attend(layer, q, scale=scale, window=window, softcap=softcap, sinks=sinks)

    def pool(self, layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values [slots, Hk, D] of a layer."""
        return self._backend.keys[layer], self._backend.values[layer]

    def attend(
        self,
        layer: int,
        q: Tensor,
        *,
        scale: float,
        window: int | None = None,
        softcap: float | None = None,
        sinks: Tensor | None = None,
    ) -> Tensor:
        """Attend to what is in the pool; see `SplitAttention`."""
        keys, values = self.pool(layer)
        plan = self._plans.get(window) or self._plan(window)
        q = _by_row(q)
        attend(
            q, keys, values, plan.table, plan.slots, self._positions, plan.out, plan.lse,
            plan.tile, scale=scale, window=window, softcap=softcap,
            upcast=not q.is_cuda and q.dtype == torch.bfloat16,
        )  # fmt: skip
        out = torch.empty(q.shape, dtype=q.dtype, device=q.device)
        merge(plan.out, plan.lse, plan.part_starts, plan.parts, out, sinks)
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
            part_starts,
            parts,
            torch.empty(pieces.partials, spec.num_heads, spec.head_dim, device=device),
            torch.empty(pieces.partials, spec.num_heads, device=device),
        )
        self._plans[window] = plan
        return plan


def _by_row(x: Tensor) -> Tensor:
    """`x` [T, H, D] with the heads of a row side by side, as the kernels read them."""
    return x if x.stride(2) == 1 and x.stride(1) == x.shape[2] else x.contiguous()
