"""What is nested too deeply for checks, lowering and passes, though not for the parser."""

from __future__ import annotations

from collections.abc import Iterator

from sglc.expressions.build import MAX_DEPTH
from sglc.expressions.problem import Problem
from sglc.frontends.script.ast import Function, If, Script, Stmt, Try
from sglc.frontends.script.names import blocks

MAX_FINALLY = 20
"""Each takes variables that all inside it hand on, so that the work grows with the third power."""


def too_deep(script: Script) -> list[Problem]:
    """
    The first statement of each function that is too deep, chains of `elif` counted by clauses.

    Other nesting is bounded where the syntax tree is built; a chain is a tree only inside, and
    whoever formats it does not care.
    """
    functions = (item for item in script.items if isinstance(item, Function))
    return [problem for function in functions for problem in _first(function)]


def _first(function: Function) -> Iterator[Problem]:
    todo: list[tuple[tuple[Stmt, ...], int, int]] = [(function.body, 1, 0)]
    while todo:
        stmts, depth, finals = todo.pop()
        for stmt in stmts:
            inside = finals + (isinstance(stmt, Try) and bool(stmt.final))
            if inside > MAX_FINALLY:
                message = "too many `finally` inside each other"
                yield Problem("SGL0114", message, stmt.loc, "one too many")
                return
            if depth > MAX_DEPTH:
                helps = ("look the value up in a dict",) if isinstance(stmt, If) else ()
                message = "too many branches in a row"
                yield Problem("SGL0114", message, stmt.loc, "one too many", helps=helps)
                return
            inner = (stmt.body,) if isinstance(stmt, Function) else blocks(stmt)
            todo += [(block, depth + 1, inside) for block in inner]
