"""What a pass with guesses costs: measured while the engine runs, assumed until then."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

SAMPLES = 9
"""Latest passes of a size. The fastest counts: whatever else runs on a machine only slows down."""
ENOUGH = 3
"""Passes of a size before it counts."""
FORGET = 128
"""Passes without guesses after which what passes with guesses cost is found out again."""
STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Numbers of guesses, and of sequences, that are told apart; one in between counts as the next."""
SLOPE, SLOPE_OF_MANY = 0.25, 0.5
"""
What a further row for each sequence costs until measured, between memory and compute bound: for
one sequence and for several.
"""

Table = list[tuple[int, float]]
"""(guesses, cost) with the fewest guesses first; costs are in passes without guesses."""


@dataclass(slots=True)
class _Sizes:
    """Passes of so many sequences."""

    plain: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    """Seconds of passes without guesses."""
    ratios: dict[int, deque[float]] = field(default_factory=dict)
    """By guesses: cost of passes with them."""
    base: float = 0.0
    unguessed: int = 0
    table: Table = field(default_factory=list)


class PassCosts:
    """
    Decode passes by sequences and rows; k guesses for one sequence make a pass of k + 1 rows.

    Passes with guesses are compared with those without at the time: when the machine gets slower or
    faster, both do.
    """

    def __init__(self) -> None:
        self._sizes: dict[int, _Sizes] = {}

    def add(self, sequences: int, rows: int, seconds: float) -> None:
        """Note a pass: the model, sampling and book-keeping, without the making of guesses."""
        sizes = self._sizes.setdefault(_step(sequences), _Sizes())
        if rows == sequences:
            sizes.plain.append(seconds)
            sizes.base = min(sizes.plain)
            sizes.unguessed += 1
            if sizes.unguessed % FORGET == 0:
                sizes.ratios.clear()
                sizes.table = []
        elif sizes.base:
            guesses = _step(rows - sequences)
            sizes.ratios.setdefault(guesses, deque(maxlen=SAMPLES)).append(seconds / sizes.base)
            sizes.table = [
                (guesses, min(ratios))
                for guesses, ratios in sorted(sizes.ratios.items())
                if len(ratios) >= ENOUGH
            ]

    def base(self, sequences: int) -> float | None:
        """Seconds of a pass without guesses, once there were enough of them."""
        sizes = self._sizes.get(_step(sequences))
        return sizes.base if sizes is not None and len(sizes.plain) >= ENOUGH else None

    def table(self, sequences: int) -> Table:
        """What was measured for so many sequences."""
        sizes = self._sizes.get(_step(sequences))
        return sizes.table if sizes is not None else []


def cost_of(table: Table, sequences: int, guesses: int) -> float:
    """
    Cost of a pass for `sequences` sequences with so many guesses, in passes without any.

    Between measured sizes it is interpolated; beyond them the slope up to the last one goes on.
    More guesses never cost less.
    """
    low_count, low = 0, 1.0
    for high_count, high in table:
        high = max(low, high)
        if guesses <= high_count:
            return low + (high - low) * (guesses - low_count) / (high_count - low_count)
        low_count, low = high_count, high
    slope = SLOPE if sequences == 1 else SLOPE_OF_MANY / sequences
    if low_count:
        slope = (low - 1.0) / low_count
    return low + slope * (guesses - low_count)


def _step(number: int) -> int:
    return next((step for step in STEPS if step >= number), number)
