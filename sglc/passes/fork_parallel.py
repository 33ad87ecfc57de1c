"""
`fork-parallel`: mark what may run side by side.

Branches of a fork, turns of a loop over a fork's branches and calls on new prompts are independent
when nothing in them runs host code (whose effects are unknown, so its order must stay) or moves a
prompt that others see. What is not marked runs in the program's order, and a remark says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sglc.diagnostics.core import Diagnostic
from sglc.ir.collector import without_collection
from sglc.ir.core import Loc, Module, Op, Region, Value
from sglc.ir.ops import OPS
from sglc.ir.verify_control import enclosing_loop
from sglc.passes.base import Pass, PassResult, remark
from sglc.passes.effects import HostCode, callee_of, moved_from_outside, receiver

PARALLEL, NOT_PARALLEL = "SGL0363", "SGL0364"
APPENDS_OUTSIDE = "it appends to a prompt of the surrounding code"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why something must run in order, and the op that makes it so."""

    op: Op
    reason: str


@dataclass(frozen=True)
class ForkParallel(Pass):
    """Mark independent branches, loops over branches and calls."""

    name: ClassVar[str] = "fork-parallel"

    @without_collection
    def apply(self, module: Module) -> PassResult:
        remarks: list[Diagnostic] = []
        changed = False
        host = HostCode(module)
        for func in module.funcs.values():
            for op in func.walk():
                if not candidate(op) or op.attrs.get("parallel") is True:
                    continue
                found = obstacle(module, op, host)
                what = describe(op, independent=found is None)
                if found is None:
                    op.attrs["parallel"] = True
                    op.made_by = self.name
                    changed = True
                    remarks.append(
                        remark(PARALLEL, f"{what} in parallel", module, op.loc, func=func)
                    )
                else:
                    where = _line(found.op.loc)
                    message = f"{what} in order: {found.reason}{where}"
                    remarks.append(
                        remark(NOT_PARALLEL, message, module, op.loc, "in order", func=func)
                    )
        return PassResult(changed, tuple(remarks))


def candidate(op: Op) -> bool:
    """Whether the op may be marked: forks, loops that continue branches, calls on new prompts."""
    match op.name:
        case "lm.fork":
            return op.attrs.get("size") != 1
        case "cf.for":
            return op.operands[0].type == "list" and _continues(op)
    return op.name == "lm.run"


def describe(op: Op, *, independent: bool) -> str:
    """What runs in parallel or in order, in words."""
    if op.name == "lm.run":
        return "the call runs"
    if op.regions and op.name == "lm.fork":
        return "branches run"
    if not independent:
        # Generations are issued as they are met; only code that waits holds the others up.
        return "generations of the branches overlap where nothing waits, other code runs"
    return "branches run" if op.name == "lm.fork" else "turns of the loop over branches run"


def _continues(loop: Op) -> bool:
    """Whether turns of a loop over branches do more than read them."""
    body = loop.region("body")
    assert body is not None
    uses = body.args[0].uses
    return any(OPS[use.name].effects != {"observe"} for use in uses)


def _line(loc: Loc | None) -> str:
    return f" (line {loc.line})" if loc is not None and loc.line else ""


def obstacle(module: Module, op: Op, host: HostCode | None = None) -> Obstacle | None:
    """
    Why a candidate must run in order, or None when it is independent.

    `host` is the module's, for those who ask about many ops.
    """
    host = host or HostCode(module)
    match op.name:
        case "lm.run":
            return _call(host, op)
        case "cf.for":
            return _loop(host, op)
    return _region(host, op.regions[0]) if op.regions else _python_fork(host, op)


def _host(host: HostCode, ops: list[Op]) -> Obstacle | None:
    for op in ops:
        what = host.of(op)
        if what:
            return Obstacle(op, f"it runs host code, {what}")
    return None


def _call(host: HostCode, op: Op) -> Obstacle | None:
    if any(v.type in ("handle", "list") for v in op.operands):
        return Obstacle(op, "a prompt is handed to it")
    if callee_of(host.module, op) is None:
        return Obstacle(op, "the function it calls is in another file")
    return _host(host, [op])


def _region(host: HostCode, region: Region) -> Obstacle | None:
    ops = [inner for op in region.ops for inner in op.walk()]
    found = _host(host, ops)
    if found is not None:
        return found
    for op in moved_from_outside(ops, _defined(region)):
        return Obstacle(op, APPENDS_OUTSIDE)
    return None


def _defined(region: Region) -> set[Value]:
    values = set(region.args)
    for op in region.ops:
        for inner in op.walk():
            values.update(inner.results)
            values.update(a for r in inner.regions for a in r.args)
    return values


def _loop(host: HostCode, op: Op) -> Obstacle | None:
    body = op.region("body")
    assert body is not None
    for inner in op.walk():
        if inner.name == "cf.return" or (
            inner.name in ("cf.break", "cf.continue") and enclosing_loop(inner) is op
        ):
            return Obstacle(inner, "a turn may leave it early")
    end = body.terminator
    assert end is not None
    if end.name == "cf.yield":
        for given, arg in zip(end.operands, body.args[1:], strict=True):
            if given is not arg and given.type == "state":
                return Obstacle(end, APPENDS_OUTSIDE)
            if given is not arg:
                return Obstacle(end, "a turn uses what the turn before it made")
    return _region(host, body)


def _python_fork(host: HostCode, op: Op) -> Obstacle | None:
    """A list of branches: all uses must be loops, items or joins, without host code between."""
    forks, home = op.results[-1], op.parent
    assert home is not None
    uses = [use for use in dict.fromkeys(forks.uses) if use is not op]
    for use in uses:
        if use.name == "cf.for" and use.operands[0] is forks:
            found = _loop(host, use) if _continues(use) else None
            if found is not None:
                return found
        elif use.name not in ("lm.item", "lm.join"):
            return Obstacle(use, f"the branches are handed to {receiver(use)}")
    for use in uses:
        if use.name == "lm.item":
            for taken in dict.fromkeys(use.results[0].uses):
                if not taken.name.startswith("lm.") or taken.operands[0] is not use.results[0]:
                    return Obstacle(taken, f"a branch is handed to {receiver(taken)}")
    return None
