"""
Attention in torch operations, one sequence at a time: the oracle, and the path without a compiler.

Keys of a sequence are gathered from the pool, so its cost is a copy of the whole prefix per step.
Results depend on how the pass was cut (`deterministic = False`).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sglc_runtime.attention.pool import KvPool, bits, gathered, held
from sglc_runtime.models.base import Batch


class _Group(NamedTuple):
    """Consecutive rows with the same runs, which are rows of one sequence."""

    start: int
    end: int
    slots: Tensor
    distance: Tensor
    """int64 [rows, keys]: query position minus key position."""
    causal: bool
    """The rows are the last positions of the keys, in order."""


class TorchAttention(KvPool):
    """Attention over the KV pool with torch's scaled_dot_product_attention."""

    name = "torch"
    deterministic = False

    def bind(self, batch: Batch) -> TorchBoundAttention:
        """Gather indices of one batch; raises ValueError where the runs of a row have a gap."""
        return TorchBoundAttention(self, batch)


def _groups(batch: Batch) -> list[_Group]:
    total = len(batch.ids)
    runs_of: list[list[int]] = [[] for _ in range(total)]
    for index, run in enumerate(batch.runs):
        if not 0 <= run.row_start <= run.row_end <= total:
            raise ValueError("runs or slots lie outside the batch or the KV pool")
        for row in range(run.row_start, run.row_end):
            runs_of[row].append(index)
    groups = []
    start = 0
    device = batch.positions.device
    while start < total:
        end = start + 1
        while end < total and runs_of[end] == runs_of[start]:
            end += 1
        pieces, length = [], 0
        for index in runs_of[start]:
            run = batch.runs[index]
            if run.position != length:
                raise ValueError("the runs of a row have a gap or end before its position")
            pieces.append(torch.arange(run.slot_start, run.slot_start + run.length))
            length += run.length
        positions = batch.positions[start:end]
        if not pieces or int(positions.max()) >= length:
            raise ValueError("the runs of a row have a gap or end before its position")
        distance = positions[:, None] - torch.arange(length, device=device)
        last = torch.arange(length - (end - start), length, device=device)
        causal = torch.equal(positions, last)
        groups.append(_Group(start, end, torch.cat(pieces).to(device), distance, causal))
        start = end
    return groups


class TorchBoundAttention:
    """`Attention` of one batch."""

    def __init__(self, backend: TorchAttention, batch: Batch) -> None:
        self._backend = backend
        self._out_slots = batch.out_slots
        self._groups = _groups(batch)

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
        keys, values = self._backend.keys[layer], self._backend.values[layer]
        bits(keys)[self._out_slots] = bits(held(k, keys.dtype))
        bits(values)[self._out_slots] = bits(held(v, values.dtype))
        out = torch.empty(q.shape, dtype=q.dtype, device=q.device)
        for group in self._groups:
            found = gathered(keys, group.slots), gathered(values, group.slots)
            args = q[group.start : group.end], *found
            if softcap is None and sinks is None:
                out[group.start : group.end] = _sdpa(*args, group, scale, window)
            else:
                out[group.start : group.end] = _explicit(
                    *args, group, scale, window, softcap, sinks
                )
        return out


def _visible(group: _Group, window: int | None) -> Tensor:
    mask = group.distance >= 0
    return mask if window is None else mask & (group.distance < window)


def _sdpa(
    q: Tensor, k: Tensor, v: Tensor, group: _Group, scale: float, window: int | None
) -> Tensor:
    one = group.causal and len(q) == 1 and (window is None or len(k) <= window)
    out = F.scaled_dot_product_attention(
        q.transpose(0, 1)[None],
        k.to(q.dtype).transpose(0, 1)[None],
        v.to(q.dtype).transpose(0, 1)[None],
        attn_mask=None if one else _visible(group, window),
        scale=scale,
        enable_gqa=q.shape[1] != k.shape[1],
    )
    return out[0].transpose(0, 1)


def _explicit(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    group: _Group,
    scale: float,
    window: int | None,
    softcap: float | None,
    sinks: Tensor | None,
) -> Tensor:
    """
    Softmax written out in float32, with soft cap and sinks.

    Soft cap: Gemma 2 (arXiv 2408.00118). Sinks: a learned logit per head that takes part in the
    softmax and has no value (gpt-oss).
    """
    repeat = q.shape[1] // k.shape[1]
    keys = k.float().repeat_interleave(repeat, 1).permute(1, 2, 0)
    scores = (q.float().transpose(0, 1) @ keys) * scale
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    scores = scores.masked_fill(~_visible(group, window), -torch.inf)
    if sinks is not None:
        column = sinks.float()[:, None, None].expand(-1, len(q), 1)
        weights = torch.cat([scores, column], -1).softmax(-1)[..., :-1]
    else:
        weights = scores.softmax(-1)
    values = v.float().repeat_interleave(repeat, 1).transpose(0, 1)
    return (weights @ values).transpose(0, 1).to(q.dtype)
