"""What a pass with guesses costs: measured while the engine runs, assumed until then."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

SAMPLES = 9
"""Latest passes of a size. The fastest counts: whatever else runs on a machine only slows down."""
ENOUGH = 3
"""Passes of a size before it counts."""
FORGET = 256
"""Passes without guesses after which what passes with guesses cost is found out again."""
SLOPE = 0.25
"""What a further row for one sequence costs until measured: between memory and compute bound."""

Table = list[tuple[int, float]]
"""(rows, cost) with the fewest rows first; costs are in passes without guesses."""


@dataclass(slots=True)
class _Sizes:
    """Passes of so many sequences."""

    plain: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    """Seconds of passes without guesses."""
    ratios: dict[int, deque[float]] = field(default_factory=dict)
    """By rows: cost of passes with guesses."""
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
        sizes = self._sizes.setdefault(sequences, _Sizes())
        if rows == sequences:
            sizes.plain.append(seconds)
            sizes.base = min(sizes.plain)
            sizes.unguessed += 1
            if sizes.unguessed % FORGET == 0:
                sizes.ratios.clear()
                sizes.table = []
        elif sizes.base:
            sizes.ratios.setdefault(rows, deque(maxlen=SAMPLES)).append(seconds / sizes.base)
            sizes.table = [
                (rows, min(ratios))
                for rows, ratios in sorted(sizes.ratios.items())
                if len(ratios) >= ENOUGH
            ]

    def base(self, sequences: int) -> float | None:
        """Seconds of a pass without guesses, once there were enough of them."""
        sizes = self._sizes.get(sequences)
        return sizes.base if sizes is not None and len(sizes.plain) >= ENOUGH else None

    def table(self, sequences: int) -> Table:
        """What was measured for so many sequences."""
        sizes = self._sizes.get(sequences)
        return sizes.table if sizes is not None else []


def cost_of(table: Table, sequences: int, rows: int) -> float:
    """
    Cost of a pass of `rows` rows in passes without guesses: 1.0 for as many rows as sequences.

    Between measured sizes it is interpolated; beyond them the slope up to the last one goes on.
    More rows never cost less.
    """
    low_rows, low = sequences, 1.0
    for high_rows, high in table:
        high = max(low, high)
        if rows <= high_rows:
            return low + (high - low) * (rows - low_rows) / (high_rows - low_rows)
        low_rows, low = high_rows, high
    slope = SLOPE / sequences
    if low_rows > sequences:
        slope = (low - 1.0) / (low_rows - sequences)
    return low + slope * (rows - low_rows)
