"""What plain functions of a file return when they are called with a prompt first."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from sglc.frontends.python.names import Resolver
from sglc.frontends.python.scope import NESTED, Kind, analyse
from sglc.frontends.python.source import SourceFile, function_in_file


class Returns(Mapping[str, Kind]):
    """
    Kinds by function name, found when asked for: only those that always return one kind.

    Only the IR relies on it. What runs checks the values it gets.
    """

    def __init__(
        self, file: SourceFile, resolver: Resolver, plain: Mapping[str, ast.FunctionDef]
    ) -> None:
        self._file = file
        self._resolver = resolver
        self._plain = plain
        self._found: dict[str, Kind] = {}

    def __getitem__(self, name: str) -> Kind:
        if name not in self._plain:
            raise KeyError(name)
        if name not in self._found:
            self._found[name] = "unknown"  # for a function that calls itself
            self._found[name] = self._kind(self._plain[name])
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plain)

    def __len__(self) -> int:
        return len(self._plain)

    def _kind(self, node: ast.FunctionDef) -> Kind:
        last = node.body[-1]
        if node.decorator_list or not isinstance(last, ast.Return) or last.value is None:
            return "unknown"
        scope = analyse(function_in_file(self._file, node, ()), self._resolver, self)
        kinds = {
            scope.expression_kind(found.value) if found.value is not None else "unknown"
            for found in _returns(node.body)
        }
        return kinds.pop() if len(kinds) == 1 else "unknown"


def _returns(body: list[ast.stmt]) -> Iterator[ast.Return]:
    """Every `return` of a function's own."""
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Return):
            yield node
        elif isinstance(node, ast.Yield | ast.YieldFrom):
            yield ast.Return(None)  # calling gives a generator
        if not isinstance(node, NESTED):
            stack.extend(ast.iter_child_nodes(node))
