"""Engines that speculate hard, and proposers that are right, wrong or both."""

from __future__ import annotations

from collections.abc import Sequence as Many

from sglc_runtime.engine import EngineLoop
from sglc_runtime.sequence import Sequence
from sglc_runtime.speculation.cached import CachedProposer
from sglc_runtime.speculation.ngram import NgramProposer
from sglc_runtime.speculation.proposer import Guess, Proposer
from sglc_runtime.speculation.speculation import Speculation
from tests.runtime.engine.driving import make_engine


class Spoilt:
    """Another proposer's guesses with some tokens changed, by length and place."""

    def __init__(self, inner: Proposer, every: int) -> None:
        self.inner = inner
        self.every = every

    def propose(self, sequences: Many[Sequence], counts: Many[int]) -> list[Guess]:
        """See `Proposer`."""
        return [
            Guess(
                [
                    token if (len(sequence.ids) + place) % self.every else (token + 1) % 300
                    for place, token in enumerate(guess.tokens)
                ],
                guess.source,
            )
            for sequence, guess in zip(
                sequences, self.inner.propose(sequences, counts), strict=True
            )
        ]


class Stubborn:
    """Always guesses the same tokens."""

    def propose(self, sequences: Many[Sequence], counts: Many[int]) -> list[Guess]:
        """See `Proposer`."""
        return [Guess([7, 7, 9, 4, 250][:most], "stubborn") for most in counts]


LOOKUPS: tuple[Proposer, ...] = (Spoilt(CachedProposer(), 5), NgramProposer(), Stubborn())


def make_speculating(
    always: int = 4, lookups: tuple[Proposer, ...] = LOOKUPS, **sizes: int
) -> EngineLoop:
    """A fresh engine that checks `always` guesses wherever it has any."""
    engine = make_engine(**sizes)  # type: ignore[arg-type]
    engine.speculation = Speculation(engine.cache, lookups, counters=engine.counters, always=always)
    return engine
