"""
`promote`: handles become linear state values, where every use in the function allows it.

This is mem2reg over prompts. A handle is promoted when each of its uses is the prompt operand of an
op: a move, a borrow, or an op whose regions it is threaded through. It stays a handle when it is
stored, captured by host code, returned, joined by name, used in a `finally`, or used in a branch of
another prompt's fork (branches run side by side, so there is no one current version there).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from sglc.diagnostics.core import Diagnostic
from sglc.ir.builder import make_op, make_region
from sglc.ir.collector import without_collection
from sglc.ir.core import Func, Module, Op, Region, Symbol, Value
from sglc.ir.ops import OPS
from sglc.ir.verify_control import enclosing_loop, enclosing_try
from sglc.passes.base import Pass, PassResult, remark
from sglc.passes.effects import base_name, names_value, receiver
from sglc.passes.places import Places

NOT_PROMOTED = "SGL0360"


@dataclass(frozen=True)
class Promote(Pass):
    """Rewrite handles into linear states."""

    name: ClassVar[str] = "promote"

    @without_collection
    def apply(self, module: Module) -> PassResult:
        remarks: list[Diagnostic] = []
        changed = False
        for func in module.funcs.values():
            chosen: list[Value] = []
            places = Places(func)
            leaving = _first_jump_out_of_finally(places)
            for handle in _handles(func):
                found = _obstacle(module, places, handle, leaving)
                if found is None:
                    chosen.append(handle)
                else:
                    op, reason = found
                    message = f"prompt `{handle.name}` stays a handle in `{func.name}`"
                    remarks.append(remark(NOT_PROMOTED, message, module, op.loc, reason, func=func))
            if chosen:
                _Rewriter(chosen).run(func)
                changed = True
        return PassResult(changed, tuple(remarks))


def _handles(func: Func) -> Iterator[Value]:
    """Values that own a prompt in this function; a fork's items may alias and are left out."""
    yield from (p for p in func.params if p.type == "handle")
    for op in func.walk():
        if op.name == "lm.new":
            yield from (r for r in op.results if r.type == "handle")
        if op.name == "lm.fork" and op.regions:
            yield from (a for a in op.regions[0].args[:1] if a.type == "handle")


def _first_jump_out_of_finally(places: Places) -> Op | None:
    jumps = (op for op in places.order if _target(op) is not None)
    return next((op for op in jumps if _leaves_finally(op)), None)


def _obstacle(
    module: Module, places: Places, handle: Value, leaving: Op | None
) -> tuple[Op, str] | None:
    """The first use that keeps the handle from being promoted, and why."""
    for op in places.touching(handle):
        if leaving is not None and places.order[leaving] <= places.order[op]:
            break
        positions = [i for i, v in enumerate(op.operands) if v is handle]
        reason = _bad_use(module, op, positions, handle)
        if not reason and names_value(op, handle):
            reason = "host code names it here"
        if reason:
            return op, reason
    return None if leaving is None else (leaving, f"`{leaving.name}` in a `finally` block")


def _bad_use(module: Module, op: Op, positions: list[int], handle: Value) -> str:
    if not positions:
        return ""
    declared = OPS[op.name].operands
    if positions != [0] or declared[0].type != "prompt":
        return f"it is handed to {receiver(op)} here"
    if op.name == "cf.call":
        callee = op.attrs.get("callee")
        if not (isinstance(callee, Symbol) and callee.name in module.funcs):
            return "the function called here may keep it"
    for owner, region in _between(op, handle):
        if region.label == "finally":
            return "it is used in a `finally` block"
        if owner.name == "lm.fork":
            return "it is used in the branch of a fork"
    return ""


def _between(op: Op, value: Value) -> Iterator[tuple[Op, Region]]:
    """The regions around the op that the value is defined outside of, innermost first."""
    home = value.owner.parent if isinstance(value.owner, Op) else value.owner
    region = op.parent
    while region is not None and region is not home and isinstance(region.parent, Op):
        yield region.parent, region
        region = region.parent.parent


def _leaves_finally(jump: Op) -> bool:
    loop = _target(jump)
    region = jump.parent
    while region is not None and isinstance(region.parent, Op) and region.parent is not loop:
        if region.label == "finally":
            return True
        region = region.parent.parent
    return False


class _Rewriter:
    """Rewrites one function; `current` maps each handle to its state at the point reached."""

    def __init__(self, handles: list[Value]) -> None:
        self.handles = {handle: number for number, handle in enumerate(handles)}
        """Numbered in order of definition."""
        self.threads: dict[Op, list[Value]] = {}
        """For ops with regions: handles threaded through them, in order of definition."""
        self.scopes: dict[Op, Value] = {}
        """For variable scopes: their own prompt, where it is promoted."""

    def run(self, func: Func) -> None:
        for op in func.walk():
            if op.regions:
                self.threads[op] = self.threaded(op)
        for handle in self.handles:
            handle.type = "state"
        self.region(func.body, {p: p for p in func.params if p in self.handles})

    def threaded(self, op: Op) -> list[Value]:
        used: set[Value] = set(op.operands[:1]) if op.name == "lm.var_scope" else set()
        own: set[Value] = set()
        for inner in op.walk():
            own.update(a for r in inner.regions for a in r.args)
            if inner is op:
                continue
            own.update(inner.results)
            used.update(inner.operands)
            # A jump hands the loop's states over, a checkpoint the try's: they must reach it.
            target = _target(inner)
            if target is not None and target is not op:
                used.update(self.threads.get(target, ()))
        found = (value for value in used - own if value in self.handles)
        return sorted(found, key=self.handles.__getitem__)

    def region(self, region: Region, current: dict[Value, Value]) -> None:
        for op in list(region.ops):
            if op.name == "lm.fork" and op.regions:
                self.fork(op, current)
            elif op.regions:
                self.thread(op, current)
            elif OPS[op.name].terminator or op.name == "cf.checkpoint":
                self.hand_over(op, current)
            elif op.operands and op.operands[0] in current:
                self.prompt(op, current)
            current.update({r: r for r in op.results if r in self.handles})

    def prompt(self, op: Op, current: dict[Value, Value]) -> None:
        """Use the current state as prompt operand, and make the next one if the op moves it."""
        handle = op.operands[0]
        op.operands = [current[handle], *op.operands[1:]]
        op.made_by = Promote.name
        if OPS[op.name].moves:
            state = _state(handle, op)
            op.results.insert(0, state)
            current[handle] = state

    def fork(self, op: Op, current: dict[Value, Value]) -> None:
        branch = op.regions[0].args[0]
        self.region(op.regions[0], {branch: branch} if branch in self.handles else {})
        if op.operands[0] in current:
            self.prompt(op, current)

    def thread(self, op: Op, current: dict[Value, Value]) -> None:
        """Carry states through the op's regions: operands, arguments, terminators, results."""
        handles = self.threads[op]
        scope = op.operands[0] if op.name == "lm.var_scope" else None
        if scope is not None and scope in handles:
            self.scopes[op] = scope
            op.operands = [current[scope], *op.operands[1:]]
        if handles and op.name == "cf.if" and op.region("else") is None:
            _add_else(op)
        extra = [h for h in handles if h is not self.scopes.get(op)]
        if handles:
            op.operands = [*op.operands, *(current[h] for h in extra)]
            op.made_by = Promote.name
        for region in op.regions:
            if region.label == "finally":
                self.region(region, {})
            else:
                args = {h: _state(h, region) for h in handles}
                region.args = self.around(op, region.args, args)
                self.region(region, args)
        states = {h: _state(h, op) for h in handles}
        op.results = self.around(op, op.results, states)
        current.update(states)

    def around(self, op: Op, values: list[Value], states: dict[Value, Value]) -> list[Value]:
        """Carried values with the states: a scope's own prompt first, the others last."""
        scope = self.scopes.get(op)
        first = [states[scope]] if scope is not None else []
        return [*first, *values, *(s for h, s in states.items() if h is not scope)]

    def hand_over(self, op: Op, current: dict[Value, Value]) -> None:
        """Hand the states over with the values that a terminator or checkpoint carries."""
        if op.name in ("cf.return", "cf.raise"):
            return
        region = op.parent
        assert region is not None
        owner = _target(op) or region.parent
        if isinstance(owner, Op) and owner.name != "lm.fork" and region.label != "finally":
            states = {h: current[h] for h in self.threads[owner]}
            if states:
                op.operands = self.around(owner, op.operands, states)
                op.made_by = Promote.name


def _target(op: Op) -> Op | None:
    """The loop that a jump belongs to, or the `try` that a checkpoint belongs to."""
    if op.name in ("cf.break", "cf.continue"):
        return enclosing_loop(op)
    return enclosing_try(op) if op.name == "cf.checkpoint" else None


def _state(handle: Value, owner: Op | Region) -> Value:
    return Value(base_name(handle), "state", owner)


def _add_else(op: Op) -> None:
    region = make_region("else")
    region.append(make_op("cf.yield", loc=op.loc))
    region.parent = op
    op.regions.append(region)
