"""How often guesses of one kind came true lately."""

from __future__ import annotations

from dataclasses import dataclass

LEARNING = 0.2
"""Weight of one checked guess in a sequence's own estimate."""
COMMON = 0.03
"""Weight of one checked guess in the estimate that sequences start from."""
FORGETTING = 0.01
"""How far a guess that was not tried moves an estimate back: what failed is tried again later."""
START = {"cached": 0.9, "draft": 0.75}
OTHERWISE = 0.5


@dataclass(slots=True)
class Estimate:
    """Probability that a guess is kept, given that all before it were."""

    value: float
    start: float

    def learn(self, tried: int, kept: int, weight: float) -> None:
        """`tried` guesses were looked at; the first `kept` of them were kept."""
        for place in range(tried):
            self.value += weight * ((place < kept) - self.value)

    def rest(self) -> None:
        """A guess was there and not tried."""
        self.value += FORGETTING * (self.start - self.value)


class Acceptance:
    """Estimates by kind of guess: of all sequences together, where a new sequence begins."""

    def __init__(self) -> None:
        self._common: dict[str, Estimate] = {}

    def common(self, source: str) -> Estimate:
        """The estimate of all sequences."""
        found = self._common.get(source)
        if found is None:
            start = START.get(source, OTHERWISE)
            found = self._common[source] = Estimate(start, start)
        return found

    def of(self, own: dict[str, Estimate], source: str) -> Estimate:
        """One sequence's estimate, kept in `own`."""
        found = own.get(source)
        if found is None:
            common = self.common(source).value
            found = own[source] = Estimate(common, common)
        return found

    def learn(self, own: dict[str, Estimate], source: str, proposed: int, kept: int) -> None:
        """Of `proposed` guesses `kept` came true, and the next one, if any, did not."""
        tried = min(proposed, kept + 1)
        self.of(own, source).learn(tried, kept, LEARNING)
        self.common(source).learn(tried, kept, COMMON)
