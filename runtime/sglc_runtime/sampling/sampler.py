"""Logits to tokens, for all rows of a pass at once, grouped by what they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sglc_runtime.constraints.restricting import restrict
from sglc_runtime.sampling.truncation import Truncation, sample_plain, sample_truncated

if TYPE_CHECKING:
    from sglc_runtime.generation import SampleRun


def sample(logits: Tensor, rows: Sequence[int], runs: Sequence[SampleRun]) -> list[int]:
    """
    Next token of each run from its row of float32 logits [R, vocab]; several runs may share a row.

    Ties go to the lower token id. Log probabilities that runs asked for are recorded in them:
    they are the model's own, before penalties, masks and temperature. `logits` may be changed.
    """
    if all(run.plain for run in runs):
        best = _likeliest(logits)
        return [best[row] for row in rows]
    chosen = logits
    if list(rows) != [*range(len(logits))]:
        chosen = logits.index_select(0, torch.tensor(rows, device=logits.device))
    wanted = [i for i, run in enumerate(runs) if run.sampling.logprobs or run.sampling.top_logprobs]
    raw = chosen[torch.tensor(wanted, device=logits.device)].log_softmax(-1) if wanted else None
    for i, run in enumerate(runs):
        if run.penalties is not None:
            run.penalties.apply(chosen[i])
    restrict(chosen, runs)
    tokens = _likeliest(chosen)
    plain = [i for i, run in enumerate(runs) if not run.greedy and not run.truncated]
    truncated = [i for i, run in enumerate(runs) if not run.greedy and run.truncated]
    if plain:
        picked = sample_plain(_scaled(chosen, runs, plain), _uniforms(chosen, runs, plain))
        for i, token in zip(plain, picked, strict=True):
            tokens[i] = token
    if truncated:
        limits = [
            Truncation(runs[i].sampling.top_k, runs[i].sampling.top_p, runs[i].sampling.min_p)
            for i in truncated
        ]
        picked = sample_truncated(
            _scaled(chosen, runs, truncated), _uniforms(chosen, runs, truncated), limits
        )
        for i, token in zip(truncated, picked, strict=True):
            tokens[i] = token
    if raw is not None:
        for place, i in enumerate(wanted):
            runs[i].record(raw[place], tokens[i])
    return tokens


def _likeliest(logits: Tensor) -> list[int]:
    """The largest logit of each row; the lower id where two are equal."""
    if logits.device.type == "cpu":
        # A tenth of the time that torch takes.
        best: list[int] = logits.numpy().argmax(-1).tolist()
    else:
        best = logits.argmax(-1).tolist()
    return best


def _scaled(logits: Tensor, runs: Sequence[SampleRun], members: list[int]) -> Tensor:
    temperature = torch.tensor(
        [runs[i].sampling.temperature for i in members], device=logits.device, dtype=logits.dtype
    )
    return logits[torch.tensor(members, device=logits.device)] / temperature[:, None]


def _uniforms(logits: Tensor, runs: Sequence[SampleRun], members: list[int]) -> Tensor:
    values = np.array([runs[i].noise[len(runs[i].tokens)] for i in members])
    return torch.from_numpy(values).to(logits.device)


def top_logprobs(row: Tensor, count: int) -> list[tuple[int, float]]:
    """The `count` most likely (id, log probability) of one row of log probabilities [vocab]."""
    if count <= 0:
        return []
    values, ids = row.topk(min(count, len(row)))
    pairs = zip(ids.tolist(), values.tolist(), strict=True)
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
