"""What every source of guesses looks like to the engine."""

from __future__ import annotations

from collections.abc import Sequence as Many
from typing import NamedTuple, Protocol

from sglc_runtime.sequence import Sequence


class Guess(NamedTuple):
    """Tokens that may follow, and the kind of guess they are: acceptance is known by kind."""

    tokens: list[int]
    source: str


NOTHING = Guess([], "")


class Proposer(Protocol):
    """Guesses how sequences go on. May be wrong, slow or silent; it cannot change a result."""

    def propose(self, sequences: Many[Sequence], counts: Many[int]) -> list[Guess]:
        """At most `counts[i]` tokens to follow the ids of `sequences[i]`; none where unsure."""
        ...


class Drafter(Proposer, Protocol):
    """A proposer whose guesses take time."""

    source: str

    def entry_seconds(self, sequence: Sequence) -> float:
        """What has to be spent on a sequence before its first guess."""
        ...

    def forget(self) -> None:
        """Measure anew what guesses take."""
        ...

    def seconds(self, sequences: int) -> float:
        """What one more guess for each of so many sequences takes."""
        ...
