"""
Host code of a function's IR as small functions, for the region interpreter.

A piece is the user's own syntax, compiled by CPython with the user's file, name and lines. What it
reads of prompts for certain comes in as values; any other read asks to be waited for, and the whole
piece is evaluated again: in a body without host code nothing in a piece has an effect before.
"""

from __future__ import annotations

import ast
import copy
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sglc.execution.pending import Pending
from sglc.execution.region_prompts import NoRegionError
from sglc.execution.region_steps import Piece
from sglc.execution.values import NeedsValueError
from sglc.frontends.python.names import LiveNames
from sglc.frontends.python.pieces import PieceSource
from sglc.frontends.python.scope import Scope
from sglc.ir.core import Op
from sglc.language.state import ProgramState, ProgramStateGroup

_ITEM = ".item"
_READ = ".read"


class RegionState(ProgramState):
    """A prompt inside a piece: reading it asks to be waited for."""

    def get_var(self, name: str | None) -> Any:
        """The value; NeedsValueError while it is not there."""
        value = self.handle.peek(name)
        if not isinstance(value, Pending):
            return value
        if not value.done():
            raise NeedsValueError(value)
        return value.result()


def shown(value: Any, kind: str) -> Any:
    """An operand as the program's code sees it."""
    if kind == "handle":
        return RegionState(value)
    if kind == "list":
        return ProgramStateGroup([RegionState(handle) for handle in value])
    return value


def taken(value: Any, kind: str) -> Any:
    """A result as the IR's operations take it."""
    if kind == "handle":
        return value.handle
    if kind == "list":
        return [state.handle for state in value.states]
    return value


@dataclass(frozen=True, slots=True)
class PieceMaker:
    """Makes the pieces of one function; raises NoRegionError for what cannot stand alone."""

    scope: Scope
    function: types.FunctionType
    names: LiveNames

    def make(self, op: Op, source: PieceSource) -> Piece:
        """The piece behind a `py.eval` or `py.exec`."""
        kinds = [value.type for value in op.operands]
        results = [value.type for value in op.results]
        node = source.node
        if isinstance(node, ast.expr) and op.name == "py.exec":
            return self._store(node, kinds, results)
        inputs = [f"{_READ}{i}" for i in range(len(source.reads))] + list(source.names)
        if len(inputs) != len(kinds):
            raise NoRegionError(f"{op.name} of {type(node).__name__}")
        self._check_order(source)
        new = _WithValues(source.reads).visit(copy.deepcopy(node, _keeping(source.reads)))
        writes = [str(name) for name in op.attrs.get("writes", ())]  # type: ignore[union-attr]
        if isinstance(node, ast.expr):
            body: list[ast.stmt] = [ast.Return(new)]
        else:
            body = [new, ast.Return(_tuple_of(writes))]
        run, params = self._compiled(body, node, inputs)
        places = {name: inputs.index(name) for name in params if name in inputs}

        given = [
            (name, places.get(name), kinds[places.get(name, 0)] if kinds else "") for name in params
        ]

        def values(variables: Mapping[str, Any], operands: list[Any]) -> list[Any]:
            return [
                variables[name] if place is None else shown(operands[place], kind)
                for name, place, kind in given
            ]

        def evaluate(variables: Mapping[str, Any], operands: list[Any]) -> Any:
            return taken(run(*values(variables, operands)), results[0])

        def execute(variables: Mapping[str, Any], operands: list[Any]) -> Any:
            made = run(*values(variables, operands))
            return dict(zip(writes, made, strict=True)), ()

        waits = any(self._is_read(part) for part in ast.walk(new))
        if isinstance(node, ast.expr):
            return Piece(evaluate, waits)
        return Piece(execute, waits, moves=not writes)

    def _store(self, target: ast.expr, kinds: Sequence[str], results: Sequence[str]) -> Piece:
        """`target = value`, where the value is the operand."""
        names = [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]
        if isinstance(target, ast.Name):
            return Piece(lambda _, operands: ({names[0]: shown(operands[0], kinds[0])}, ()))
        assign = ast.Assign([target], ast.Name(_ITEM, ast.Load()))
        run, _ = self._compiled([assign, ast.Return(_tuple_of(names))], target, [_ITEM])

        def piece(variables: Mapping[str, Any], operands: list[Any]) -> Any:
            values = run(shown(operands[0], kinds[0]))
            made = [taken(v, kind) for v, kind in zip(values, results, strict=False)]
            return dict(zip(names, values, strict=True)), made

        return Piece(piece)

    def _check_order(self, source: PieceSource) -> None:
        """A read that may not happen must not come before one that is made ahead."""
        ahead = set(source.reads)
        open_read = False

        def visit(node: ast.AST) -> None:
            nonlocal open_read
            if node in ahead:
                if open_read:
                    raise NoRegionError("a read that is made ahead of another")
                return
            for child in ast.iter_child_nodes(node):
                visit(child)
            open_read = open_read or self._is_read(node)

        visit(source.node)

    def _is_read(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Subscript) and (
            isinstance(node.ctx, ast.Load) and self.scope.expression_kind(node.value) == "state"
        )

    def _compiled(
        self, body: list[ast.stmt], at: ast.AST, inputs: Sequence[str]
    ) -> tuple[types.FunctionType, list[str]]:
        """Statements as a function of the names it reads."""
        loaded = dict.fromkeys(
            part.id
            for statement in body
            for part in ast.walk(statement)
            if isinstance(part, ast.Name)
            and (isinstance(part.ctx, ast.Load) or isinstance(at, ast.AugAssign))
        )
        written = {
            part.id
            for statement in body[:-1]
            for part in ast.walk(statement)
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
        }
        if not isinstance(at, ast.AugAssign):
            used_first = {
                part.id
                for statement in body[:-1]
                for part in ast.walk(statement)
                if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)
            }
            loaded = dict.fromkeys(n for n in loaded if n not in written or n in used_first)
        params, scope = [], {"__builtins__": self.function.__globals__.get("__builtins__")}
        for name in loaded:
            if name.startswith("__"):
                raise NoRegionError("a private name")
            if name in inputs or not self.scope.is_outside(name) or self._is_value(name):
                params.append(name)
            else:
                scope[name] = self.names.lookup((name,))
        code = self.function.__code__
        made = ast.FunctionDef(
            name="piece",
            args=ast.arguments(
                posonlyargs=[],
                args=[ast.arg(name) for name in params],
                kwonlyargs=[],
                kw_defaults=[],
                defaults=[],
            ),
            body=body,
            decorator_list=[],
        )
        if hasattr(made, "type_params"):
            made.type_params = []
        for node in ast.walk(made):
            if isinstance(node, ast.expr | ast.stmt | ast.arg) and not hasattr(node, "lineno"):
                ast.copy_location(node, at)
        module = compile(
            ast.Module([made], type_ignores=[]), code.co_filename, "exec", dont_inherit=True
        )
        inner = next(c for c in module.co_consts if isinstance(c, types.CodeType))
        inner = inner.replace(co_name=code.co_name, co_qualname=code.co_qualname)
        return types.FunctionType(inner, scope), params

    def _is_value(self, name: str) -> bool:
        """Whether a name outside is a plain value, which a run reads when it begins."""
        return isinstance(
            self.names.lookup((name,)), str | int | float | bool | None | list | tuple
        )


class _WithValues(ast.NodeTransformer):
    """Puts the values of reads that were made before in their places."""

    def __init__(self, reads: Sequence[ast.AST]) -> None:
        self.reads = list(reads)

    def visit(self, node: ast.AST) -> Any:
        """Replace a read; the rest is the user's."""
        for number, read in enumerate(self.reads):
            if node is read:
                name = ast.Name(f"{_READ}{number}", ast.Load())
                return ast.copy_location(name, node)
        return self.generic_visit(node)


def _keeping(nodes: Sequence[ast.AST]) -> dict[int, Any]:
    """A memo for `deepcopy` that leaves some nodes as they are."""
    return {id(node): node for node in nodes}


def _tuple_of(names: Sequence[str]) -> ast.Tuple:
    return ast.Tuple([ast.Name(name, ast.Load()) for name in names], ast.Load())
