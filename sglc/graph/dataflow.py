"""
Where values come from: def-use chains of one function through regions.

Each value depends on the operands that are handed to it: arguments on what the op carries in (and,
in loops, on what a turn hands on), results on what the regions yield.
"""

from __future__ import annotations

from collections.abc import Iterable

from sglc.ir.core import Func, Op, Value
from sglc.ir.ops import LOOPS, OPS
from sglc.ir.verify_control import enclosing_loop, enclosing_try

PENDING = frozenset(
    {"lm.gen", "lm.select", "lm.read", "lm.observe", "lm.run", "lm.fork", "cf.call"}
)
"""Ops whose `val` result may not be there yet."""


class Flow:
    """The dependencies between the values of a function."""

    def __init__(self, func: Func) -> None:
        self.func = func
        self.order = {op: index for index, op in enumerate(func.walk())}
        """Position of each op in program order."""
        self.depends: dict[Value, list[Value]] = {}
        self._roots: dict[Value, list[Value]] = {}
        for op in self.order:
            self._op(op)
        self._named: dict[tuple[Value, str], list[Op]] = {}
        for op in self.order:
            name = op.attrs.get("name")
            if op.name in ("lm.gen", "lm.select") and isinstance(name, str):
                for root in self.roots(op.operands[0]):
                    self._named.setdefault((root, name), []).append(op)

    def roots(self, value: Value) -> list[Value]:
        """The values that `value` goes back to; for a prompt, the value that first held it."""
        if value not in self._roots:
            self._roots[value] = list(self._find_roots(value))
        return self._roots[value]

    def pending(self, value: Value) -> list[Op]:
        """
        The ops that a value may still wait for, in program order; empty if it is there at once.

        A read is followed to the generations of that name on the same prompt. Results of host code
        and constants are there: the host code itself has waited.
        """
        found: set[Op] = set()
        for root in self.roots(value):
            made_by = root.owner
            if isinstance(made_by, Op) and made_by.name in PENDING and root.type == "val":
                found.update(self.generations(made_by) or [made_by])
        return sorted(found, key=self.order.__getitem__)

    def generations(self, read: Op) -> list[Op]:
        """The generations that a `lm.read` by constant name may read; empty if none is known."""
        name = read.attrs.get("name")
        if read.name != "lm.read" or not isinstance(name, str):
            return []
        prompts, seen = self.roots(read.operands[0]), set[Value]()
        while prompts:
            named = [op for root in prompts for op in self._named.get((root, name), ())]
            found = [op for op in named if self.may_follow(read, op)]
            if found:
                return found
            seen.update(prompts)
            # A branch starts with its parent's variables.
            prompts = [r for p in prompts for r in self._parents(p) if r not in seen]
        return []

    def may_follow(self, op: Op, earlier: Op) -> bool:
        """Whether `op` may run after `earlier`: it comes later, or both are in one loop."""
        return self.order[earlier] < self.order[op] or bool(_loops(op) & _loops(earlier))

    def _parents(self, prompt: Value) -> list[Value]:
        owner = prompt.owner
        if owner is not None and not isinstance(owner, Op):
            owner = owner.parent if not isinstance(owner, Func) else None
        return self.roots(owner.operands[0]) if isinstance(owner, Op) and owner.operands else []

    def _find_roots(self, value: Value) -> dict[Value, None]:
        # Stops at values that were asked about before: a long prompt is walked once, in pieces.
        found: dict[Value, None] = {}
        stack, seen = [value], {value}
        while stack:
            current = stack.pop()
            known = self._roots.get(current)
            others = self.depends.get(current)
            if known is not None:
                found.update(dict.fromkeys(known))
            elif not others:
                found[current] = None
            else:
                stack += [other for other in others if other not in seen]
                seen.update(others)
        return found

    def _add(self, values: Iterable[Value], sources: Iterable[Value]) -> None:
        for value, source in zip(values, sources, strict=False):
            if value is not source:
                self.depends.setdefault(value, []).append(source)

    def _op(self, op: Op) -> None:
        if op.operands and op.operands[0].type == "state" and OPS[op.name].moves:
            self._add(op.results[:1], op.operands[:1])
        if op.name == "ex.eval":
            for operand in op.operands:
                self._add(op.results, [operand])
        if op.name == "lm.item":
            self._add(op.results, op.operands)
        if op.name == "lm.fork":
            for region in op.regions:
                self._add(region.args[1:], op.operands[1:])
                end = region.terminator
                for value in end.operands if end is not None and end.name == "cf.yield" else ():
                    self._add(op.results[-1:], [value])
        elif op.regions:
            self._regions(op)
        if op.name in ("cf.break", "cf.continue"):
            self._hand_over(enclosing_loop(op), op.operands)
        if op.name == "cf.checkpoint":
            self._checkpoint(op)

    def _checkpoint(self, op: Op) -> None:
        owner = enclosing_try(op)
        for region in owner.regions[1:] if owner is not None else ():
            if region.label in ("except", "finally"):
                self._add(_tail(region.args, len(op.operands)), op.operands)

    def _regions(self, op: Op) -> None:
        carried = _carried(op)
        for region in op.regions:
            self._add(_tail(region.args, len(carried)), carried)
            if op.name == "cf.for" and region.label == "body":
                self._add(region.args, op.operands[:1])
            end = region.terminator
            if end is not None and end.name in ("cf.yield", "cf.condition"):
                given = end.operands[int(end.name == "cf.condition") :]
                if op.name == "cf.try" and region.label == "finally":
                    continue
                self._hand_over(op, given)
                after = op.region("else")
                if op.name == "cf.try" and region.label == "body" and after is not None:
                    self._add(after.args, given)
        if op.name in LOOPS:
            self._add(op.results, carried)

    def _hand_over(self, op: Op | None, values: list[Value]) -> None:
        """What a terminator hands to its op: results, and in loops the next turn's arguments."""
        if op is None:
            return
        self._add(op.results, values)
        if op.name in LOOPS:
            for region in op.regions:
                self._add(_tail(region.args, len(op.results)), values)


def _loops(op: Op) -> set[Op]:
    found = set()
    region = op.parent
    while region is not None and isinstance(region.parent, Op):
        if region.parent.name in LOOPS:
            found.add(region.parent)
        region = region.parent.parent
    return found


def _carried(op: Op) -> list[Value]:
    first = len(OPS[op.name].operands) - 1
    if op.name == "lm.var_scope" and op.operands[0].type == "state":
        first = 0
    return op.operands[first:]


def _tail(values: list[Value], count: int) -> list[Value]:
    return values[len(values) - count :] if count else []
