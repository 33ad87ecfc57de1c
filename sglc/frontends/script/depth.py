"""Chains of `elif` that are too long for what recurses over them: checks, lowering and passes."""

from __future__ import annotations

from collections.abc import Iterator

from sglc.expressions.build import MAX_DEPTH
from sglc.expressions.problem import Problem
from sglc.frontends.script.ast import Function, If, Script, Stmt
from sglc.frontends.script.names import blocks


def too_deep(script: Script) -> list[Problem]:
    """
    The first statement of each function that is too deep, chains of `elif` counted by clauses.

    Other nesting is bounded where the syntax tree is built; a chain is a tree only inside, and
    whoever formats it does not care.
    """
    functions = (item for item in script.items if isinstance(item, Function))
    return [problem for function in functions for problem in _first(function)]


def _first(function: Function) -> Iterator[Problem]:
    todo: list[tuple[tuple[Stmt, ...], int]] = [(function.body, 1)]
    while todo:
        stmts, depth = todo.pop()
        for stmt in stmts:
            if depth > MAX_DEPTH:
                helps = ("look the value up in a dict",) if isinstance(stmt, If) else ()
                message = "too many branches in a row"
                yield Problem("SGL0114", message, stmt.loc, "one too many", helps=helps)
                return
            inner = (stmt.body,) if isinstance(stmt, Function) else blocks(stmt)
            todo += [(block, depth + 1) for block in inner]
