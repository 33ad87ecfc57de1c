"""Logits to tokens, for all rows of a pass at once, grouped by what they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sglc_runtime.constraints.restricting import restrict
from sglc_runtime.sampling.drawing import draw

if TYPE_CHECKING:
    from sglc_runtime.generation import SampleRun


def sample(logits: Tensor, rows: Sequence[int], runs: Sequence[SampleRun]) -> list[int]:
    """
    Next token of each run from its row of float32 logits [R, vocab]; several runs may share a row.

    Ties go to the lower token id. Log probabilities that runs asked for are recorded in them:
    they are the model's own, before penalties, masks and temperature. `logits` may be changed.
    """
    wanted = [i for i, run in enumerate(runs) if run.recorded]
    raw: Tensor | None = None
    if wanted:
        picked = torch.tensor([rows[i] for i in wanted], device=logits.device)
        raw = logits[picked].log_softmax(-1)
    at: Sequence[int] = rows
    if any(run.shaped for run in runs):
        if list(rows) != [*range(len(logits))]:
            logits = logits.index_select(0, torch.tensor(rows, device=logits.device))
            at = range(len(rows))
        for i, run in enumerate(runs):
            if run.penalties is not None:
                run.penalties.apply(logits[i])
        restrict(logits, runs)
    tokens = draw(logits, at, runs)
    if raw is not None:
        for place, i in enumerate(wanted):
            runs[i].record(raw[place], tokens[i])
    return tokens


def top_logprobs(row: Tensor, count: int) -> list[tuple[int, float]]:
    """The `count` most likely (id, log probability) of one row of log probabilities [vocab]."""
    if count <= 0:
        return []
    values, ids = row.topk(min(count, len(row)))
    pairs = zip(ids.tolist(), values.tolist(), strict=True)
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
