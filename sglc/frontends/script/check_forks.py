"""Forks whose branches all say the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sglc.expressions.nodes import Call, Expr, Name, names, walk
from sglc.expressions.problem import Problem
from sglc.frontends.script.ast import Fork
from sglc.frontends.script.generation import is_generation
from sglc.frontends.script.names import expressions, walk_statements
from sglc.frontends.script.symbols import Unit, calls_inside
from sglc.frontends.script.types import constant


def never_differs(unit: Unit, fork: Fork) -> Iterator[Problem]:
    """
    A warning where every branch makes the same text.

    That is certain where no branch reads its item, calls nothing, and generates greedily.
    """
    parts = [expr for stmt in walk_statements(fork.body) for expr in expressions(stmt)]
    if not parts or constant(fork.items) in (0, 1):
        return
    if any(_reads(name.id, parts) for name in fork.targets):
        return
    if any(next(calls_inside(unit, part), None) is not None for part in parts):
        return
    generations = [call for part in parts for call in _generations(part)]
    if not generations or not all(_greedy(unit, call) for call in generations):
        return
    helps = ("generate once before the fork, or set a `temperature` above 0",)
    if fork.targets:
        helps = (f'use the item in the branch: "${{{fork.targets[0].id}}}"',)
    yield Problem(
        "SGL0231",
        "the branches of this fork never differ",
        fork.loc,
        "all branches make the same text",
        helps=helps,
        severity="warning",
    )


def _reads(name: str, parts: Sequence[Expr]) -> bool:
    return any(each.id == name for part in parts for each in names(part))


def _generations(expr: Expr) -> Iterator[Call]:
    for part in walk(expr):
        if isinstance(part, Call) and is_generation(part):
            yield part


def _greedy(unit: Unit, call: Call) -> bool:
    """Whether a generation certainly takes the most likely answer."""
    own = {keyword.name: keyword.value for keyword in call.keywords}
    if isinstance(call.function, Name) and call.function.id == "select":
        return constant(own.get("temperature")) in (0, None) if "temperature" in own else True
    given = own.get("temperature")
    if given is None and "temperature" in unit.settings:
        given = unit.settings["temperature"].value
    return given is not None and constant(given) == 0
