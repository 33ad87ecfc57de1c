"""Constraints on the logits of a pass, all rows together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sglc_runtime.constraints.masks import forbidden_tokens

if TYPE_CHECKING:
    from sglc_runtime.generation import SampleRun


def restrict(logits: Tensor, runs: Sequence[SampleRun]) -> None:
    """Give what constraints and `min_new_tokens` forbid no probability, in place: [runs, vocab]."""
    for row, run in enumerate(runs):
        if run.constraint is None and run.banned:
            logits[row, torch.tensor(run.banned, device=logits.device)] = -torch.inf
    rows = [row for row, run in enumerate(runs) if run.constraint is not None]
    if not rows:
        return
    masks = [run.constraint.mask for run in runs if run.constraint is not None]
    known = [mask for mask in masks if mask is not None]
    assert len(known) == len(rows), "a mask was not begun"
    forbidden = forbidden_tokens(known, logits.shape[-1], logits.device)
    for place, row in enumerate(rows):
        if (forced := runs[row].forced()) is not None:
            forbidden[place] = True
            forbidden[place, forced] = False
            continue
        _go_on(forbidden[place], runs[row])
        if (end := runs[row].may_end(forbidden[place])) is not None:
            _leave(logits[row], forbidden[place], end, runs[row])
    if len(rows) == len(runs):
        logits.masked_fill_(forbidden, -torch.inf)
    else:
        at = torch.tensor(rows, device=logits.device)
        logits[at] = logits[at].masked_fill_(forbidden, -torch.inf)


def _go_on(forbidden: Tensor, run: SampleRun) -> None:
    """Forbid too what would end the text too early, where that leaves anything."""
    if run.banned:
        longer = forbidden.clone()
        longer[torch.tensor(run.banned, device=forbidden.device)] = True
        if not longer.all():
            forbidden.copy_(longer)


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
