"""Constraints on the logits of a pass, all rows together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sglc_runtime.constraints.bitmaps import forbid, packed, single, unpacked
from sglc_runtime.constraints.matcher import Mask

if TYPE_CHECKING:
    from sglc_runtime.generation import SampleRun


def restrict(logits: Tensor, runs: Sequence[SampleRun]) -> None:
    """Give what constraints and `min_new_tokens` forbid no probability, in place: [runs, vocab]."""
    rows: list[int] = []
    masks: list[Mask] = []
    for row, run in enumerate(runs):
        if run.constraint is not None:
            rows.append(row)
            masks.append(_mask(logits[row], run))
        elif run.banned:
            logits[row, torch.tensor(run.banned, device=logits.device)] = -torch.inf
    if len(rows) == len(runs):
        forbid(logits, masks)
    elif rows:
        at = torch.tensor(rows, device=logits.device)
        some = logits.index_select(0, at)
        forbid(some, masks)
        logits.index_copy_(0, at, some)


def _mask(row: Tensor, run: SampleRun) -> Mask:
    """What may follow; where the text may end, EOS gets its share of `row` [vocab]."""
    assert run.constraint is not None
    mask = run.constraint.mask
    assert mask is not None, "a mask was not begun"
    vocab = row.shape[-1]
    if (forced := run.forced()) is not None:
        return single(forced, vocab)
    if not (run.banned or run.may_end):
        return mask
    allowed = unpacked(mask, vocab)
    if run.banned:
        longer = allowed.copy()
        longer[run.banned] = False
        if longer.any():
            allowed, mask = longer, packed(longer)
    if run.may_end and (end := next((t for t in run.ends if allowed[t]), None)) is not None:
        _leave(row, torch.from_numpy(~allowed).to(row.device), end, run)
    return mask


def _leave(row: Tensor, forbidden: Tensor, end: int, run: SampleRun) -> None:
    """
    Where the grammar lets the text end, going on in a way that it forbids is to end it.

    Few models say EOS in the middle of a line: after "8.8.8.8" they want a line break, and with
    EOS and digits left alone to compete the address would grow until it cannot. So EOS gets the
    probability of all that is forbidden; at temperature 0, where only the likeliest token counts,
    that is the likeliest forbidden one, unless the grammar can follow its first bytes.
    """
    if not run.greedy:
        temperature = run.sampling.temperature
        leaving = torch.where(forbidden, row, -torch.inf)
        leaving[end] = row[end]
        row[end] = (leaving / temperature).logsumexp(-1) * temperature
        return
    best = int(row.argmax())
    if forbidden[best] and not run.can_begin(best, forbidden):
        row[end] = torch.inf
