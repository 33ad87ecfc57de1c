"""Repeats of several sides that take turns, so that a change of the machine's load hits all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Generic, Self, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spread:
    """Median of the repeats, with the smallest and the largest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Of at least one value."""
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True, slots=True)
class Rounds(Generic[T]):
    """What each side gave in every complete round."""

    given: dict[str, list[T]]
    interrupted: bool = False
    """Ctrl-C ended it early; the rounds that were complete are kept."""

    def spread(self, side: str, value: Callable[[T], float]) -> Spread:
        """A value of one side over the rounds."""
        return Spread.of([value(given) for given in self.given[side]])

    def ratio(self, over: str, under: str, value: Callable[[T], float]) -> Spread:
        """Ratios within the rounds: `over`'s value by `under`'s of the same round."""
        pairs = zip(self.given[over], self.given[under], strict=True)
        return Spread.of([value(a) / value(b) for a, b in pairs])


def order(names: Sequence[str], turn: int) -> tuple[str, ...]:
    """Who goes first changes from turn to turn: with two names they just swap."""
    start = turn % len(names)
    return (*names[start:], *names[:start])


def take_turns(sides: Mapping[str, Callable[[], T]], rounds: int) -> Rounds[T]:
    """
    Let every side run once a round, `rounds` times.

    After Ctrl-C gives the rounds that are complete; raises KeyboardInterrupt where there is none.
    """
    given: dict[str, list[T]] = {name: [] for name in sides}
    names = list(sides)
    for turn in range(rounds):
        try:
            found = {name: sides[name]() for name in order(names, turn)}
        except KeyboardInterrupt:
            if turn == 0:
                raise
            return Rounds(given, interrupted=True)
        for name, value in found.items():
            given[name].append(value)
    return Rounds(given)
