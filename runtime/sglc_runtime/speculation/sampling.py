"""What a draft model's logits say, drawn with the noise that the target will draw with."""

from __future__ import annotations

from collections.abc import Sequence as Many
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc_runtime.sampling.truncation import Truncation, sample_truncated

if TYPE_CHECKING:
    from sglc_runtime.generation import SampleRun


def pick(logits: Tensor, runs: Many[SampleRun], depth: int) -> list[int]:
    """
    A token of each run from its row of `logits` [R, vocab], `depth` tokens ahead.

    Temperature, limits and noise are the run's own; penalties, bans and grammars are left out.
    """
    return [_pick(logits[row], run, depth) for row, run in enumerate(runs)]


def _pick(row: Tensor, run: SampleRun, depth: int) -> int:
    if run.greedy:
        return int(row.argmax())
    sampling = run.sampling
    uniform = run.noise[len(run.tokens) + depth]
    if not run.truncated:
        return _draw(row.cpu().numpy(), sampling.temperature, uniform)
    limits = Truncation(sampling.top_k, sampling.top_p, sampling.min_p)
    noise = torch.tensor([uniform], dtype=torch.float64, device=row.device)
    return sample_truncated(row[None] / sampling.temperature, noise, [limits])[0]


def _draw(row: NDArray[np.float32], temperature: float, uniform: float) -> int:
    """As `sample_plain`, for one row and up to rounding: numpy calls cost less."""
    weights = np.exp((row - row.max()) / temperature)
    total = weights.cumsum(dtype=np.float64)
    return min(int(total.searchsorted(uniform * total[-1], side="right")), len(row) - 1)
