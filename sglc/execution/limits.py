"""Bounds on what a script may do; every one can be set by whoever runs it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace

from sglc.diagnostics.core import Diagnostic, UsageError
from sglc.diagnostics.suggest import did_you_mean
from sglc.expressions.values import ValueLimits


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run."""

    steps: int = 10_000_000
    """Ops executed and turns of comprehensions, all calls and branches together; work on long
    values counts as more."""
    depth: int = 500
    """Calls inside calls."""
    iterations: int = 1_000_000
    """Turns of one loop."""
    branches: int = 10_000
    """Branches of one fork."""
    states: int = 50_000
    """Prompts under way at the same time: branches of forks inside forks, and calls."""
    generations: int = 100_000
    """Samples of `gen` and answers of `select`."""
    prompt: int = 50_000_000
    """Characters that the program appends to its prompts, all together."""
    memory: int = 1_000_000_000
    """Bytes of the values that a run holds."""
    values: ValueLimits = field(default_factory=ValueLimits)

    def changed(self, settings: Iterable[str]) -> Limits:
        """
        These bounds with others for `name=number` texts.

        Raises:
            UsageError: there is no such bound, or the value is no positive number.
        """
        own: dict[str, int] = {}
        values: dict[str, int] = {}
        for setting in settings:
            name, _, text = setting.partition("=")
            if name not in NAMES:
                helps = did_you_mean(name, NAMES) or ("there are " + ", ".join(NAMES),)
                raise _wrong(f"there is no limit `{name}`", *helps)
            if not text.isascii() or not text.isdigit() or not 0 < int(text[:19]) < 2**62:
                raise _wrong(f"`--limit {setting}` needs a positive number", f"write {name}=1000")
            (values if name in _OF_VALUES else own)[name] = int(text)
        return replace(self, **own, values=replace(self.values, **values))  # type: ignore[arg-type]


_OF_VALUES = ("characters", "items", "bits")
NAMES = (*(each.name for each in fields(Limits) if each.name != "values"), *_OF_VALUES)
"""Names of all bounds, as the command line and diagnostics call them."""


def _wrong(message: str, *helps: str) -> UsageError:
    return UsageError(Diagnostic(code="SGL0601", message=message, helps=helps))
