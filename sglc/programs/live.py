"""Operations of the language that a Python program runs live: written in it, not in its IR."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sglc.diagnostics.core import Span
from sglc.frontends.python.names import API, FileNames, dotted
from sglc.frontends.python.source import SourceFile, functions
from sglc.ir.core import Func, Loc, Module


@dataclass(frozen=True, slots=True)
class LiveOperation:
    """A call such as `sgl.gen(...)` that stands in host code."""

    span: Span
    name: str
    """Of the language: `gen`, `select`, `user`, ..."""


def live_operations(file: SourceFile, module: Module) -> Mapping[str, tuple[LiveOperation, ...]]:
    """
    For each function of the module, the calls of the language that its IR does not have, in order.

    A call is lifted when a model operation of the IR stands at its place.
    """
    names = FileNames(file.tree)
    by_start = {_start(func): func for func in module.funcs.values()}
    found: dict[str, tuple[LiveOperation, ...]] = {}
    for node, _ in functions(file):
        span = file.span(node)
        func = by_start.get((span.line, span.column))
        if func is not None:
            found[func.name] = tuple(_live(file, names, node, func))
    return found


def _start(func: Func) -> tuple[int, int]:
    return (0, 0) if func.loc is None else (func.loc.line, func.loc.column)


def _live(
    file: SourceFile, names: FileNames, node: ast.FunctionDef | ast.AsyncFunctionDef, func: Func
) -> Iterator[LiveOperation]:
    lifted = {op.loc for op in func.walk() if op.name.startswith("lm.")}
    for part in (inner for statement in node.body for inner in ast.walk(statement)):
        path = dotted(part.func) if isinstance(part, ast.Call) else None
        symbol = names.resolve(path) if path else None
        if symbol is None or symbol not in API or symbol == "function":
            continue
        span = file.span(part)
        if Loc(span.line, span.column, span.end_line, span.end_column) not in lifted:
            yield LiveOperation(span, symbol)
