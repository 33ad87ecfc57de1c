"""Names that assignments set, in branches within branches; what is around is shared, not copied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sglc.ir.core import Loc


@dataclass(frozen=True, slots=True)
class Taken:
    """Names and where they are first assigned: those around come first, then `own`."""

    own: Mapping[str, Loc] = field(default_factory=dict)
    around: Taken | None = None
    without: frozenset[str] = frozenset()
    """Names around that are others here: the items of a fork."""

    def find(self, name: str) -> Loc | None:
        """Where a name is assigned, or None."""
        if self.around is not None and name not in self.without:
            found = self.around.find(name)
            if found is not None:
                return found
        return self.own.get(name)
