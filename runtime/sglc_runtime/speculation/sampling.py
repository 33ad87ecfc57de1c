"""What a draft model's logits say, drawn with the noise that the target will draw with."""

from __future__ import annotations

from collections.abc import Sequence as Many
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sglc_runtime.sampling.truncation import Truncation, sample_plain, sample_truncated

if TYPE_CHECKING:
    from sglc_runtime.generation import SampleRun


def pick(logits: Tensor, runs: Many[SampleRun], depth: int) -> list[int]:
    """
    A token of each run from its row of `logits` [R, vocab], `depth` tokens ahead.

    Temperature and limits are the run's own; penalties, bans and grammars are left out.
    """
    tokens: list[int] = logits.argmax(-1).tolist()
    for truncated in (False, True):
        members = [
            row for row, run in enumerate(runs) if not run.greedy and run.truncated is truncated
        ]
        if not members:
            continue
        chosen = [runs[row] for row in members]
        temperature = torch.tensor([run.sampling.temperature for run in chosen])
        scaled = logits[torch.tensor(members)] / temperature[:, None]
        noise = torch.tensor(
            [run.noise[len(run.tokens) + depth] for run in chosen], dtype=torch.float64
        )
        if truncated:
            picked = sample_truncated(scaled, noise, [_limits(run) for run in chosen])
        else:
            picked = sample_plain(scaled, noise)
        for row, token in zip(members, picked, strict=True):
            tokens[row] = token
    return tokens


def _limits(run: SampleRun) -> Truncation:
    sampling = run.sampling
    return Truncation(sampling.top_k, sampling.top_p, sampling.min_p)
