"""CUDA graphs of steps, one for each bucket; without them a step is simply called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Action = Callable[[], None]


class Recorder(Protocol):
    """Runs actions that do the same every time over tensors at the same addresses."""

    def ready(self, rows: int) -> bool:
        """Whether `run` needs no preparation for steps of this size."""
        ...

    def prepare(self, rows: int, action: Action) -> None:
        """Run `action` as often as it takes to replay it from now on; its inputs are padding."""
        ...

    def run(self, rows: int, action: Action) -> None:
        """Do what `action` does."""
        ...


class Eager:
    """Calls the action."""

    def ready(self, rows: int) -> bool:
        """There is nothing to prepare."""
        return True

    def prepare(self, rows: int, action: Action) -> None:
        """Nothing."""

    def run(self, rows: int, action: Action) -> None:
        """Call it."""
        action()
