"""
Where the operations of a function stand, and which of them touch a value.

Computed once for each pass and function, so that asking about every prompt stays linear. Valid as
long as no operation is added, moved or removed.
"""

from __future__ import annotations

from bisect import bisect_right

from sglc.ir.core import Func, Op, Region, Value
from sglc.passes.effects import base_name


class Places:
    """Program order, and host code by the local names it mentions."""

    def __init__(self, func: Func) -> None:
        self.order: dict[Op, int] = {op: number for number, op in enumerate(func.walk())}
        """Position of each operation in program order."""
        self._naming: dict[str, list[Op]] = {}
        for op in self.order:
            for name in _mentioned(op):
                self._naming.setdefault(name, []).append(op)

    def naming(self, value: Value) -> list[Op]:
        """Host code that names the local variable which holds the value, in order."""
        return self._naming.get(base_name(value), [])

    def next_naming(self, value: Value, after: int) -> list[Op]:
        """The first of `naming` that stands after a position; one or none."""
        found = self.naming(value)
        first = bisect_right(found, after, key=self.order.__getitem__)
        return found[first : first + 1]

    def touching(self, value: Value) -> list[Op]:
        """Every operation that has the value as operand or names its variable, in order."""
        return sorted({*value.users, *self.naming(value)}, key=self.order.__getitem__)

    def touching_in(self, region: Region, value: Value) -> list[Op]:
        """The region's own operations that touch the value, themselves or inside, in order."""
        found = (self.within(region, op) for op in self.touching(value))
        return list(dict.fromkeys(op for op in found if op is not None))

    def within(self, region: Region, op: Op) -> Op | None:
        """The region's own operation that `op` is or stands in; None outside of the region."""
        current: Op = op
        while current.parent is not region:
            owner = current.parent.parent if current.parent is not None else None
            if not isinstance(owner, Op):
                return None
            current = owner
        return current


def _mentioned(op: Op) -> set[str]:
    if not op.name.startswith("py."):
        return set()
    listed = [op.attrs.get(key, ()) for key in ("reads", "writes")]
    return {n for names in listed if isinstance(names, tuple) for n in names if isinstance(n, str)}
