"""What speculation remembers of one sequence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sglc_runtime.speculation.acceptance import Estimate


@dataclass(slots=True)
class Track:
    """Packed ids for searching, how often guesses came true, and what a draft model costs."""

    packed: bytearray = field(default_factory=bytearray)
    estimates: dict[str, Estimate] = field(default_factory=dict)
    entry: float | None = None
    """Seconds that a draft model needs before its first guess, once that was asked."""
