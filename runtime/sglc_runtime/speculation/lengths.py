"""How many guesses to check: a pure function of acceptance and cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

GAIN = 1.1
"""Expected tokens per cost have to grow by this factor: estimates are noisy, passes are not."""


class Candidate(NamedTuple):
    """Guesses that one sequence could have."""

    acceptance: float
    """Probability that a guess is kept, given that all before it were."""
    most: int
    drafted: float = 0.0
    """Cost of making each further guess, of all sequences together, in passes without guesses."""


def choose_lengths(
    candidates: list[Candidate],
    sequences: int,
    cost: Callable[[int], float],
    rows_left: int,
) -> list[int]:
    """
    Guesses for each candidate so that a pass of all `sequences` gives the most tokens a second.

    A pass with g guesses costs `cost(g)`: 1 without any, when every sequence gets a token. The j-th
    guess of a sequence adds acceptance**j tokens, so guesses are taken likeliest first, and of all
    numbers of them the best is kept.
    """
    offers = sorted(
        (
            (candidate.acceptance**place, index, place)
            for index, candidate in enumerate(candidates)
            for place in range(1, candidate.most + 1)
        ),
        key=lambda offer: (-offer[0], offer[2], offer[1]),
    )[: max(0, rows_left)]
    tokens, drafting, deepest = float(sequences), 0.0, 0
    best, taken = GAIN * tokens, 0
    for count, (gain, index, place) in enumerate(offers, start=1):
        tokens += gain
        drafted = candidates[index].drafted
        if drafted and place > deepest:
            deepest = place
            drafting += drafted
        rate = tokens / (cost(count) + drafting)
        if rate > best:
            best, taken = rate, count
    lengths = [0] * len(candidates)
    for _, index, _ in offers[:taken]:
        lengths[index] += 1
    return lengths
