"""
What evaluating costs, counted while it happens, so that no expression runs or grows without end.

Copying and scanning a thousand characters, or looking at sixteen items, counts as one step. Memory
is counted as it is made; from time to time a run looks what is still held (`execution.memory`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

_CHARACTERS_A_STEP = 1000
_ITEMS_A_STEP = 16
SMALL = 64
"""Bytes of a number or a short string."""


class TooLargeError(Exception):
    """A value exceeds the bounds of the run; scripts cannot handle this."""

    def __init__(self, message: str, limit: str) -> None:
        super().__init__(message)
        self.limit = limit
        """The name of the bound that was reached."""


@dataclass(slots=True, eq=False)
class Meter:
    """Steps that were taken and bytes that were made, with bounds on both."""

    max_steps: int
    max_bytes: int
    steps: int = 0
    made: int = 0
    """Bytes since what is held was last looked at."""

    def work(self, steps: int) -> None:
        """Count steps. Raises TooLargeError past the bound."""
        self.steps += steps
        if self.steps > self.max_steps:
            raise too_many_steps(self.max_steps)

    def make(self, size: int) -> None:
        """Count bytes. Raises TooLargeError where one expression makes more than a run may hold."""
        self.made += size
        # What was made before the expression is looked at after it.
        if self.made > 2 * self.max_bytes:
            raise too_much_memory(self.max_bytes)

    def add(self, value: object) -> None:
        """Count a value that was just made; what it contains was counted when that was made."""
        if isinstance(value, str | list | Mapping):
            size = sys.getsizeof(value)
            self.make(size)
            if size > _CHARACTERS_A_STEP:
                self.work(size // _CHARACTERS_A_STEP)
        else:
            self.made += SMALL

    def add_items(self, value: object) -> None:
        """Count a list or dict that was just made together with its items."""
        self.add(value)
        if isinstance(value, list):
            self.make(sum(map(sys.getsizeof, value)))
        elif isinstance(value, Mapping):
            self.make(sum(map(sys.getsizeof, value.values())))

    def look(self, value: object) -> None:
        """Count looking through a value once."""
        if isinstance(value, str):
            self.work(len(value) // _CHARACTERS_A_STEP)
        elif isinstance(value, list | tuple | Mapping):
            self.work(len(value) // _ITEMS_A_STEP)


def too_many_steps(limit: int) -> TooLargeError:
    """The failure of a run that takes too long."""
    return TooLargeError(f"the program took more than {limit} steps", "steps")


def too_much_memory(limit: int) -> TooLargeError:
    """The failure of a run that holds too much."""
    return TooLargeError(f"the program's values take more than {limit} bytes", "memory")
