"""Attention in float64, row by row of a sequence, with plain torch operations."""

from __future__ import annotations

import torch
from torch import Tensor

ROWS = 256
"""Rows at a time, so that the scores of a long prompt fit into memory."""


def dense_attention(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    positions: Tensor,
    *,
    scale: float,
    window: int | None = None,
    softcap: float | None = None,
    sinks: Tensor | None = None,
) -> Tensor:
    """
    Rows `query` [T, H, D] of one sequence at `positions` [T] over its keys and values [N, Hk, D].

    Gives [T, H, D] in float64. Key i has position i.
    """
    group = query.shape[1] // keys.shape[1]
    k = keys.double().repeat_interleave(group, 1)
    v = values.double().repeat_interleave(group, 1)
    at = torch.arange(len(keys), device=keys.device)
    found = [
        _rows(
            query[i : i + ROWS].double(), k, v,
            _visible(positions[i : i + ROWS], at, window), scale, softcap, sinks,
        )
        for i in range(0, len(query), ROWS)
    ]  # fmt: skip
    return torch.cat(found)


def _visible(positions: Tensor, at: Tensor, window: int | None) -> Tensor:
    seen = at[None, :] <= positions[:, None]
    return seen if window is None else seen & (at[None, :] > positions[:, None] - window)


def _rows(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    visible: Tensor,
    scale: float,
    softcap: float | None,
    sinks: Tensor | None,
) -> Tensor:
    scores = torch.einsum("thd,nhd->htn", query, keys) * scale
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    scores = scores.masked_fill(~visible, -torch.inf)
    if sinks is not None:
        extra = sinks.double()[:, None, None].expand(-1, len(query), 1)
        scores = torch.cat([scores, extra], 2)
    weights = scores.softmax(2)[:, :, : keys.shape[0]]
    return torch.einsum("htn,nhd->thd", weights, values)
