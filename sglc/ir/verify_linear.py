"""
Verifier, third part: promoted states are linear.

A state is the one current version of a prompt: it is moved at most once, borrows come before the
move, and it enters a region only as that region's argument. This is what catches a pass that
reorders, drops or doubles a prompt's text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sglc.ir.core import Func, Op, Region, Value
from sglc.ir.ops import OPS

Finding = tuple[Op, str]


def linear_findings(func: Func, names: Mapping[Value, str]) -> Iterator[Finding]:
    """What is wrong with the function's states."""
    yield from _region(func.body, names)


def _region(region: Region, names: Mapping[Value, str]) -> Iterator[Finding]:
    local = {v for v in region.args if v.type == "state"}
    moved: dict[Value, Op] = {}
    for op in region.ops:
        for index, value in enumerate(op.operands):
            if value.type == "state":
                yield from _use(op, index, value, local, moved, names)
        for inner in op.regions:
            yield from _region(inner, names)
        local.update(v for v in op.results if v.type == "state")


def _use(
    op: Op,
    index: int,
    value: Value,
    local: set[Value],
    moved: dict[Value, Op],
    names: Mapping[Value, str],
) -> Iterator[Finding]:
    name = names[value]
    if value not in local:
        yield op, f"state `{name}` is used inside a region without being its argument"
    elif value in moved:
        first = moved[value]
        where = f"`{first.name}` at !{first.loc}" if first.loc else f"`{first.name}`"
        yield op, f"state `{name}` is used after it was moved by {where}; insert `lm.fork`"
    elif not _position_allowed(op, index):
        yield op, f"state `{name}` escapes into `{op.name}`; only a handle may"
    elif _is_move(op, index):
        moved[value] = op


def _carries(op: Op, index: int) -> bool:
    operands = OPS[op.name].operands
    return bool(operands) and operands[-1].name == "carried" and index >= len(operands) - 1


def _position_allowed(op: Op, index: int) -> bool:
    operands = OPS[op.name].operands
    return _carries(op, index) or (index == 0 and operands[0].type == "prompt")


def _is_move(op: Op, index: int) -> bool:
    spec = OPS[op.name]
    if op.name == "cf.checkpoint":
        return False
    return _carries(op, index) or spec.moves or op.name == "lm.var_scope"
