"""A figure: what was measured, what it has to be, and what that says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from sglc_runtime.bench.turns import Spread

Unit = Literal["x", "%"]
Verdict = Literal["reached", "met", "missed", "no target"]
Status = Literal["measured", "partial", "no peer", "failed", "not measured"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure must be and what it reaches for."""

    must: float
    reach: float
    at_most: bool = False
    """Smaller is better."""

    def verdict(self, value: float) -> Verdict:
        """`reached`: as far as hoped for; `met`: as far as needed."""
        sign = -1 if self.at_most else 1
        if sign * value >= sign * self.reach:
            return "reached"
        return "met" if sign * value >= sign * self.must else "missed"


@dataclass(frozen=True, slots=True)
class Amount:
    """One side's own measure."""

    value: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What a row's measurement found."""

    value: Spread | None
    """In the row's unit; None where there was no peer to compare with."""
    ours: Amount
    peer: Amount | None = None
    notes: tuple[str, ...] = ()
    partial: bool = False
    """Ctrl-C ended it after some of its repeats."""
    missing: str = ""
    """Why there was no peer, and how to get it."""
    detail: dict[str, Any] = field(default_factory=dict)


class MissingPeerError(Exception):
    """What we would compare with is not installed; the message says how to install it."""
