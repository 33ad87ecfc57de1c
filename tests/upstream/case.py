"""How a program of this folder is run: arguments, options, and what the model answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One run of a program, or one batch of it when there are `rows`."""

    program: Any
    arguments: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, str | Callable[[str], str]] = field(default_factory=dict)
    """For prompts that match a pattern, the model's answer; others get invented words."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of `run`."""
    rows: Sequence[Mapping[str, Any]] = ()
    template: str = "chatml"
    check: Callable[[Any], bool] | None = None
    """What the program promises of its state."""
