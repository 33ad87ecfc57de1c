"""
Where local names are bound and used: which ones are pure SSA values.

A local that is bound once, where every use stands in the same block after the binding or nested
in what follows, needs no variable in the frame: its value dominates all its uses.
"""

from __future__ import annotations

import ast

from sglc.frontends.python.scope import Scope

Path = tuple[tuple[int, int], ...]
"""Blocks around a statement, outermost first, each with the position in it."""


def dominated(scope: Scope) -> frozenset[str]:
    """Names that are bound once, and whose binding dominates every use."""
    finder = _Finder()
    finder.block(scope.source.node.body, ())
    found = set()
    for name, places in finder.bound.items():
        uses = finder.used.get(name, [])
        captured = name in scope.source.code.co_cellvars or not scope.is_own(name)
        if len(places) != 1 or captured or name in scope.parameters:
            continue
        block, index = places[0]
        if all(any(b == block and i > index for b, i in path) for path in uses):
            found.add(name)
    return frozenset(found)


class _Finder:
    def __init__(self) -> None:
        self.bound: dict[str, list[tuple[int, int]]] = {}
        self.used: dict[str, list[Path]] = {}

    def block(self, body: list[ast.stmt], outer: Path) -> None:
        for index, statement in enumerate(body):
            self.statement(statement, (*outer, (id(body), index)))

    def statement(self, node: ast.stmt, path: Path) -> None:
        blocks: list[list[ast.stmt]] = []
        heads: list[ast.AST] = []
        for _, value in ast.iter_fields(node):
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.ExceptHandler | ast.match_case):
                    heads += [c for c in ast.iter_child_nodes(part) if not isinstance(c, ast.stmt)]
                    blocks.append(part.body)
                elif isinstance(part, ast.AST) and not isinstance(part, ast.stmt):
                    heads.append(part)
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                blocks.append(value)
        for head in heads:
            self.head(head, node, path)
        for block in blocks:
            self.block(block, path)

    def head(self, head: ast.AST, node: ast.stmt, path: Path) -> None:
        for part in ast.walk(head):
            if not isinstance(part, ast.Name):
                continue
            if isinstance(part.ctx, ast.Load) or isinstance(node, ast.AugAssign):
                self.used.setdefault(part.id, []).append(path)
                continue
            if isinstance(node, ast.For):
                place = (id(node.body), -1)
            elif isinstance(node, ast.Assign) and part in node.targets:
                place = path[-1]
            else:
                place = (0, 0)  # bound some other way: never dominating a use
            self.bound.setdefault(part.id, []).append(place)
