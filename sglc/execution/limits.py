"""Bounds on what a program may do; every one can be raised by whoever runs it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sglc.expressions.values import ValueLimits


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run."""

    steps: int = 10_000_000
    """Ops executed, all calls and branches together."""
    depth: int = 500
    """Calls inside calls."""
    iterations: int = 1_000_000
    """Turns of one loop."""
    branches: int = 10_000
    """Branches of one fork."""
    values: ValueLimits = field(default_factory=ValueLimits)
