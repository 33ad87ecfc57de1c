"""What the engine and its peers have in common: prompts in, greedy ids and two times out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Prompt = list[int]


@dataclass(frozen=True, slots=True)
class Told:
    """One call of a side."""

    ids: list[list[int]]
    """Generated ids of every prompt, in the prompts' order."""
    first: float
    """Seconds until every prompt had its first token."""
    whole: float
    """Seconds until all were through."""

    @property
    def decode(self) -> float:
        """Seconds after the first token."""
        return self.whole - self.first

    @property
    def decode_speed(self) -> float:
        """Tokens a second after the first one, all prompts together."""
        return sum(len(ids) - 1 for ids in self.ids) / max(self.decode, 1e-9)

    @property
    def speed(self) -> float:
        """Tokens a second of the whole call, prompts included."""
        return sum(map(len, self.ids)) / self.whole


class Side(Protocol):
    """Something that continues prompts greedily and stops only at a number of tokens."""

    def run(self, prompts: Sequence[Prompt], new: int) -> Told:
        """Continue each prompt by `new` ids, with nothing remembered from earlier calls."""
