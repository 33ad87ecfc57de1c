"""The inverse of `promote`, for tests: states back to the handles they came from."""

from __future__ import annotations

from sglc.ir.core import Func, Module, Op, Region, Value
from sglc.ir.ops import OPS


def demote(module: Module) -> None:
    """Give every promoted op its handle again and drop all carried states."""
    for func in module.funcs.values():
        roots: dict[Value, Value] = {p: p for p in func.params if p.type == "state"}
        _find(func.body, roots)
        _strip(func, roots)
        for root in set(roots.values()):
            root.type = "handle"


def _find(region: Region, roots: dict[Value, Value]) -> None:
    """Map every state to the value that first held the prompt."""
    for op in region.ops:
        if op.name == "lm.new":
            roots.update({r: r for r in op.results if r.type == "state"})
        elif op.name == "lm.fork" and op.regions:
            branch = op.regions[0].args[0]
            if branch.type == "state":
                roots[branch] = branch
        given = [roots[v] for v in op.operands if v.type == "state"]
        for inner in op.regions:
            if op.name != "lm.fork":
                args = [a for a in inner.args if a.type == "state"]
                assert inner.label == "finally" or len(args) == len(given)
                roots.update(zip(args, given, strict=False))
            _find(inner, roots)
        made = [r for r in op.results if r.type == "state" and r not in roots]
        roots.update(zip(made, given, strict=False))


def _strip(func: Func, roots: dict[Value, Value]) -> None:
    carrying = [op for op in func.walk() if OPS[op.name].operands]
    for op in carrying:
        last = OPS[op.name].operands[-1]
        keeps_first = OPS[op.name].operands[0].type == "prompt"
        operands = []
        for index, value in enumerate(op.operands):
            if value not in roots:
                operands.append(value)
            elif index == 0 and keeps_first:
                operands.append(roots[value])
            else:
                assert last.name == "carried"
        op.operands = operands
    for op in func.walk():
        _strip_definitions(op, roots)


def _strip_definitions(op: Op, roots: dict[Value, Value]) -> None:
    op.results = [r for r in op.results if roots.get(r, r) is r]
    for region in op.regions:
        region.args = [a for a in region.args if roots.get(a, a) is a]
