"""Whether two sides compute the same model: where their greedy ids part, it must be a near tie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from sglc_runtime.bench.engine_side import EngineSide
from sglc_runtime.bench.sides import Prompt

CHECKED = 16
"""Tokens compared for each prompt."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a peer's greedy ids are ours."""

    compared: int
    """Tokens chosen after the same ids on both sides."""
    same: int
    gap: float
    """Largest lead that our own choice had over the peer's, in our logits; 0 where all agree."""
    spread: float
    """Standard deviation of our logits: a choice at random would be several of these away."""

    def fine(self, tolerance: float) -> bool:
        """Every difference is a tie within `tolerance` standard deviations of the logits."""
        return self.gap <= tolerance * self.spread

    def said(self, tolerance: float) -> str:
        """For people."""
        if self.same == self.compared:
            return f"all {self.compared} tokens compared are the same"
        tie = "a near tie" if self.fine(tolerance) else "NOT rounding: do not trust this row"
        text = f"{self.same} of {self.compared} tokens compared are the same"
        return f"{text}, others within {self.gap:.3f} of our best logit ({tie})"


def agree(side: EngineSide, prompts: Sequence[Prompt], peer: Sequence[Sequence[int]]) -> Agreement:
    """Run the prompts and compare with a peer's ids for them, up to each first difference."""
    parted = [False] * len(prompts)
    compared = same = 0
    gap = spread = 0.0

    def see(prompt: int, token: int, row: Tensor) -> None:
        nonlocal compared, same, gap, spread
        if parted[prompt] or token >= len(peer[prompt]):
            return
        compared += 1
        lead = float(row.max()) - float(row[peer[prompt][token]])
        if int(row.argmax()) == peer[prompt][token]:
            same += 1
        else:
            parted[prompt] = True
            gap = max(gap, lead)
        spread = max(spread, float(row.float().std()))

    side.watched(prompts, min(CHECKED, min(map(len, peer))), see)
    return Agreement(compared, same, gap, spread)
