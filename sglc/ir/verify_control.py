"""Verifier, second part: values carried through regions have the same number and types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sglc.ir.core import Func, Op, Region, Value
from sglc.ir.ops import LOOPS

Finding = tuple[Op, str]


def control_findings(func: Func) -> Iterator[Finding]:
    """What is wrong with region arguments and terminators of the function's ops."""
    for op in func.walk():
        match op.name:
            case "cf.if":
                yield from _if(op)
            case "cf.while" | "cf.for":
                yield from _loop(op)
            case "cf.try":
                yield from _try(op)
            case "cf.with":
                yield from _body(op, op.operands[1:], "target")
            case "lm.var_scope":
                first = 0 if op.operands[0].type == "state" else 1
                yield from _body(op, op.operands[first:], None)
            case "lm.fork" if op.regions:
                yield from _branch(op)
            case "cf.break" | "cf.continue":
                yield from _jump(op)
            case "cf.checkpoint":
                yield from _checkpoint(op)
            case "cf.return":
                yield from _leaves_branch(op)


def enclosing_loop(op: Op) -> Op | None:
    """The loop that a `cf.break` or `cf.continue` here belongs to; None outside of any."""
    for owner, region in _outward(op):
        if owner.name == "lm.fork":
            return None
        # A break in a loop's `else` or condition belongs to the loop around it.
        if owner.name in LOOPS and region.label == "body":
            return owner
    return None


def enclosing_try(op: Op) -> Op | None:
    """The `cf.try` whose carried values a `cf.checkpoint` here remembers; None outside of any."""
    level = op.attrs.get("level", 0)
    for owner, region in _outward(op):
        if owner.name == "lm.fork":
            return None
        if owner.name == "cf.try" and region.label == "body":
            if level == 0:
                return owner
            level = level - 1 if isinstance(level, int) else 0
    return None


def _outward(op: Op) -> Iterator[tuple[Op, Region]]:
    region = op.parent
    while region is not None and isinstance(region.parent, Op):
        yield region.parent, region
        region = region.parent.parent


def _types(values: Sequence[Value]) -> list[str]:
    return [v.type for v in values]


def _args(
    op: Op, region: Region, wanted: Sequence[str], lead: str | None = None
) -> Iterator[Finding]:
    """The region's arguments are `wanted`, after one optional leading argument of any type."""
    found = _types(region.args)
    if lead is not None and len(found) == len(wanted) + 1:
        found = found[1:]
    if found != list(wanted):
        yield op, f"region `^{region.label}` takes {_show(found)}, it is given {_show(wanted)}"


def _yields(region: Region, wanted: Sequence[str], skip: int = 0) -> Iterator[Finding]:
    end = region.terminator
    if end is not None and end.name in ("cf.yield", "cf.condition"):
        found = _types(end.operands[skip:])
        if found != list(wanted):
            yield end, f"`^{region.label}` yields {_show(found)}, wanted are {_show(wanted)}"


def _show(types: Sequence[str]) -> str:
    return f"({', '.join(types)})"


def _same_states(op: Op, carried: Sequence[Value]) -> Iterator[Finding]:
    given = sum(v.type == "state" for v in carried)
    made = sum(v.type == "state" for v in op.results)
    if given != made:
        yield op, f"`{op.name}` takes {given} state values and results in {made}"


def _if(op: Op) -> Iterator[Finding]:
    carried = op.operands[1:]
    if op.region("else") is None and (op.results or carried):
        yield op, "a `cf.if` without `^else` carries and results in nothing"
    for region in op.regions:
        yield from _args(op, region, _types(carried))
        yield from _yields(region, _types(op.results))
    yield from _same_states(op, carried)


def _loop(op: Op) -> Iterator[Finding]:
    is_for = op.name == "cf.for"
    carried = op.operands[1:] if is_for else op.operands
    types = _types(carried)
    if _types(op.results) != types:
        yield op, f"a loop that carries {_show(types)} results in {_show(_types(op.results))}"
    for region in op.regions:
        if is_for and region.label == "body":
            if not region.args or region.args[0].type == "state":
                yield op, "the body of `cf.for` takes the item first"
                continue
            found = _types(region.args[1:])
            if found != types:
                yield op, f"region `^body` takes {_show(found)}, it is given {_show(types)}"
        else:
            yield from _args(op, region, types)
        yield from _yields(region, types, skip=int(region.label == "cond"))


def _try(op: Op) -> Iterator[Finding]:
    carried, results = _types(op.operands), _types(op.results)
    body, after = op.regions[0], op.region("else")
    yield from _args(op, body, carried)
    if after is None:
        yield from _yields(body, results)
    else:
        end = body.terminator
        handed = _types(end.operands) if end is not None and end.name == "cf.yield" else None
        if handed is not None:
            yield from _args(op, after, handed)
        yield from _yields(after, results)
    for region in op.regions[1:]:
        if region.label == "except":
            yield from _args(op, region, carried, "exception")
            yield from _yields(region, results)
        if region.label == "finally" and region.args:
            yield from _args(op, region, carried)
    yield from _same_states(op, op.operands)


def _body(op: Op, carried: Sequence[Value], lead: str | None) -> Iterator[Finding]:
    yield from _args(op, op.regions[0], _types(carried), lead)
    yield from _yields(op.regions[0], _types(op.results))
    yield from _same_states(op, carried)


def _branch(op: Op) -> Iterator[Finding]:
    region = op.regions[0]
    found = _types(region.args)
    if len(found) != 2 or found[0] not in ("handle", "state") or found[1] != "val":
        yield op, f"a branch takes a prompt and an item, this one {_show(found)}"
    fields = op.attrs.get("fields", ())
    count = len(fields) if isinstance(fields, tuple) else 0
    yield from _yields(region, ["val"] * count)


def _jump(op: Op) -> Iterator[Finding]:
    loop = enclosing_loop(op)
    if loop is None:
        yield op, f"`{op.name}` outside of a loop"
    elif _types(op.operands) != _types(loop.results):
        wanted = _show(_types(loop.results))
        yield op, f"`{op.name}` carries {_show(_types(op.operands))}, the loop carries {wanted}"


def _checkpoint(op: Op) -> Iterator[Finding]:
    owner = enclosing_try(op)
    if owner is None:
        yield op, "`cf.checkpoint` outside of the body of a `cf.try`"
    elif _types(op.operands) != _types(owner.operands):
        wanted = _show(_types(owner.operands))
        yield op, f"a checkpoint of {_show(_types(op.operands))}, the try carries {wanted}"


def _leaves_branch(op: Op) -> Iterator[Finding]:
    if any(owner.name == "lm.fork" for owner, _ in _outward(op)):
        yield op, "`cf.return` inside a branch"
