"""
Where local names are bound and used: which ones are pure SSA values.

A local that is bound once, where every use stands in the same block after the binding or nested
in what follows, needs no variable in the frame: its value dominates all its uses. So does the
variable of several loops that is used in their bodies alone, none of which lies in another.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from sglc.frontends.python.scope import Scope

Path = tuple[tuple[int, int], ...]
"""Blocks around a statement, outermost first, each with the position in it."""


def dominated(scope: Scope) -> frozenset[str]:
    """Names whose binding dominates every use; or each use lies in a loop that binds the name."""
    finder = _Finder()
    finder.block(scope.source.node.body, ())
    found = set()
    for name, places in finder.bound.items():
        uses = finder.used.get(name, [])
        captured = name in scope.source.code.co_cellvars or not scope.is_own(name)
        if captured or name in scope.parameters or _counts(scope, name):
            continue
        # Patterns, handlers and imports bind names that are no `ast.Name`.
        if sum(b.how != "augment" for b in scope.bindings.get(name, ())) != len(places):
            continue
        if len(places) == 1:
            block, index = places[0].block, places[0].index
            if all(any(b == block and i > index for b, i in path) for path in uses):
                found.add(name)
        elif _in_separate_loops(places, uses):
            found.add(name)
    return frozenset(found)


def _counts(scope: Scope, name: str) -> bool:
    """Whether `+=` gives the name another value; prompts and forks stay the same objects."""
    augmented = any(b.how == "augment" for b in scope.bindings.get(name, ()))
    return augmented and scope.kind(name) not in ("state", "group")


def _in_separate_loops(places: list[Place], uses: list[Path]) -> bool:
    """Whether these are variables of loops, none inside another, used in the bodies alone."""
    bodies = {place.block for place in places if place.index == -1}
    nested = any(block in bodies for place in places for block, _ in place.path)
    return (
        len(bodies) == len(places)
        and not nested
        and all(any(block in bodies for block, _ in path) for path in uses)
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name is bound: before the statements of a block that come after `index`."""

    block: int
    index: int
    path: Path
    """Of the statement that binds it."""


class _Finder:
    def __init__(self) -> None:
        self.bound: dict[str, list[Place]] = {}
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
                place = Place(id(node.body), -1, path)
            elif isinstance(node, ast.Assign) and part in node.targets:
                place = Place(*path[-1], path)
            else:
                place = Place(0, 0, path)  # bound some other way: never dominating a use
            self.bound.setdefault(part.id, []).append(place)
