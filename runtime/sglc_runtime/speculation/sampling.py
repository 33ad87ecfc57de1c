"""What a draft model's logits say, drawn with the noise that the target will draw with."""

from __future__ import annotations

from collections.abc import Sequence as Many
from typing import TYPE_CHECKING, cast

from torch import Tensor

from sglc_runtime.sampling.drawing import draw

if TYPE_CHECKING:
    from sglc_runtime.generation import SampleRun


class Ahead:
    """A run as it will be when it has `depth` more tokens, as far as drawing looks at it."""

    __slots__ = ("greedy", "noise", "sampling", "terms", "tokens", "truncated")

    def __init__(self, run: SampleRun, depth: int) -> None:
        self.greedy = run.greedy
        self.truncated = run.truncated
        self.sampling = run.sampling
        self.terms = run.terms
        self.noise = run.noise
        self.tokens = range(len(run.tokens) + depth)


def pick(logits: Tensor, runs: Many[SampleRun], depth: int) -> list[int]:
    """
    A token of each run from its row of `logits` [R, vocab], `depth` tokens ahead.

    Temperature, limits and noise are the run's own; penalties, bans and grammars are left out.
    """
    ahead = [cast("SampleRun", Ahead(run, depth)) for run in runs]
    return draw(logits, range(len(runs)), ahead)
