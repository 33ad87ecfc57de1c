"""Sampling of one row in float64, sorted whole, and noise for which rounding cannot decide."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from sglc_runtime.sampling.philox import uniforms

SLACK = 2e-6
"""More than float32 exponentials and their sums may be off by, as a share of all."""
TRIES = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """What a row asks for; `inverse` is that of the temperature, 0 for the likeliest token."""

    inverse: float
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    masked: bool = False


class ReferenceRow:
    """One row of logits [vocab] with its mask (int32 [vocab / 32])."""

    def __init__(self, logits: Tensor, mask: Tensor, asked: Asked) -> None:
        self.asked = asked
        x = logits.double()
        if asked.masked:
            shifts = torch.arange(32, dtype=torch.int32, device=mask.device)
            bits = ((mask[:, None] >> shifts) & 1).flatten()[: len(x)]
            x = x.masked_fill(bits == 0, -torch.inf)
        self.best = int(x.argmax())
        self._limited = asked.top_k > 0 or asked.top_p < 1 or asked.min_p > 0
        order = torch.arange(len(x), device=x.device)
        if self._limited:
            x, order = x.sort(stable=True, descending=True)
        self._order = order
        self._weights = ((x - x.max()) * asked.inverse).exp()
        self._after = self._weights.cumsum(0)

    def uniform(self, key: int, sample: int) -> float:
        """The noise of a case: token 7 i of sample i."""
        return float(uniforms(key, sample, 7 * sample, 1)[0])

    def token(self, uniform: float, move_p: float = 0.0, move_min: float = 0.0) -> int:
        """The token for `uniform`, with limits moved by a share."""
        asked = self.asked
        if asked.inverse == 0:
            return self.best
        number = len(self._weights)
        if self._limited:
            keep = self._weights >= asked.min_p * (1 + move_min)
            if asked.top_p < 1:
                before = self._after - self._weights
                keep &= before <= (asked.top_p + move_p) * self._after[-1]
            number = int(keep.sum())
            number = min(number, asked.top_k) if asked.top_k > 0 else number
        target = uniform * self._after[number - 1]
        place = int(torch.searchsorted(self._after[:number], target, right=True))
        return int(self._order[min(place, number - 1)])

    def certain(self, uniform: float) -> bool:
        """Whether rounding cannot change the token."""
        moves = product((-SLACK, SLACK), repeat=3)
        found = {self.token(min(max(uniform + u, 0.0), 1.0), p, m) for u, p, m in moves}
        return len(found) == 1


def key_without_ties(row: ReferenceRow, sample: int) -> int:
    """The first key whose noise makes the token of a row certain."""
    if row.asked.inverse == 0:
        return 0
    for key in range(TRIES):
        if row.certain(row.uniform(key, sample)):
            return key
    raise ValueError(f"no noise of {TRIES} makes the token of row {sample} certain")
