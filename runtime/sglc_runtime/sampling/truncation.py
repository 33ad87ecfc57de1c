"""
Inverse-CDF sampling with one uniform a token, with and without top-k, top-p and min-p.

Rows never meet: softmax, sort and running sums go along each row alone, so a row's token does not
depend on what else is in the batch.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

HEAD = 64
"""Candidates looked at first; a row whose kept set may reach further is sorted whole."""
SORT_WHOLE = 4 * HEAD
"""Vocabularies up to this size are sorted whole at once."""


class Truncation(NamedTuple):
    """Limits of one row, as SGLang defines them: all on the untruncated distribution."""

    top_k: int
    """Keep this many; <= 0 keeps all."""
    top_p: float
    """Keep a token if the mass before it is at most this."""
    min_p: float
    """Keep a token if its probability is at least this share of the largest."""


def sample_plain(logits: Tensor, uniforms: Tensor) -> list[int]:
    """A token id per row of scaled logits [R, vocab] for uniforms [R] in [0, 1)."""
    return _pick(logits.softmax(-1).double(), uniforms).tolist()


def sample_truncated(logits: Tensor, uniforms: Tensor, limits: list[Truncation]) -> list[int]:
    """As `sample_plain`, among the tokens that each row's limits keep, likeliest first."""
    probabilities = logits.softmax(-1).double()
    vocab = probabilities.shape[-1]
    if vocab <= SORT_WHOLE:
        return _from_sorted(*_sorted(probabilities), uniforms, limits)[0]
    # Candidates by id first, so that the stable sort breaks ties by id.
    head = probabilities.topk(HEAD, dim=-1).indices.sort(-1).values
    values, order = probabilities.gather(-1, head).sort(stable=True, dim=-1, descending=True)
    tokens, certain = _from_sorted(values, head.gather(-1, order), uniforms, limits)
    unsure = [row for row, sure in enumerate(certain) if not sure]
    if unsure:
        rows = torch.tensor(unsure, device=logits.device)
        whole = _sorted(probabilities[rows])
        again, _ = _from_sorted(*whole, uniforms[rows], [limits[row] for row in unsure])
        for row, token in zip(unsure, again, strict=True):
            tokens[row] = token
    return tokens


def _sorted(probabilities: Tensor) -> tuple[Tensor, Tensor]:
    values, ids = probabilities.sort(stable=True, dim=-1, descending=True)
    return values, ids


def _from_sorted(
    values: Tensor, ids: Tensor, uniforms: Tensor, limits: list[Truncation]
) -> tuple[list[int], list[bool]]:
    """
    Tokens from likeliest-first `values` of `ids` [R, n], and whether nothing beyond n mattered.

    The kept set is certain when it ends above the last value: all before it were seen, in order.
    """
    device = values.device
    count = values.shape[-1]
    top_k = torch.tensor([lim.top_k if lim.top_k > 0 else count for lim in limits], device=device)
    top_p = torch.tensor([lim.top_p for lim in limits], device=device, dtype=values.dtype)
    min_p = torch.tensor([lim.min_p for lim in limits], device=device, dtype=values.dtype)
    keep = torch.arange(count, device=device)[None] < top_k[:, None]
    keep &= values.cumsum(-1) - values <= top_p[:, None]
    keep &= values >= min_p[:, None] * values[:, :1]
    kept = torch.where(keep, values, 0.0)
    place = _pick(kept, uniforms)
    last = torch.where(keep, values, torch.inf).amin(-1)
    return ids.gather(-1, place[:, None])[:, 0].tolist(), (last > values[:, -1]).tolist()


def _pick(weights: Tensor, uniforms: Tensor) -> Tensor:
    """Index per row of non-negative `weights` [R, n] where their running sum passes uniform."""
    total = weights.cumsum(-1)
    whole = total[:, -1:].contiguous()
    place = torch.searchsorted(total, uniforms[:, None].to(total.dtype) * whole, right=True)
    return torch.minimum(place, torch.searchsorted(total, whole))[:, 0]
