"""Functions that run live as a whole: what in them makes compiling impossible, as a remark."""

from __future__ import annotations

import ast

from sglc.diagnostics.core import Diagnostic
from sglc.frontends.python.scope import NESTED
from sglc.frontends.python.source import FunctionSource

_CODE_RUNNERS = frozenset({"locals", "exec", "eval", "vars", "dir"})

WAITING = "a live program has the same meaning; every read waits on the spot"
AWAITED = "a live program has the same meaning; its reads are suspension points"


def refusal(source: FunctionSource) -> Diagnostic | None:
    """The remark that says why a function runs live as a whole, or None when it is compiled."""
    found = _in_body(source)
    if found is None and isinstance(source.node, ast.AsyncFunctionDef):
        return _remark(source, source.node, "an `async` function", AWAITED)
    return found


def is_awaited(source: FunctionSource) -> bool:
    """Whether nothing but `async` keeps a function from being compiled."""
    return isinstance(source.node, ast.AsyncFunctionDef) and _in_body(source) is None


def _in_body(source: FunctionSource) -> Diagnostic | None:
    stack: list[ast.AST] = list(reversed(source.node.body))
    while stack:
        part = stack.pop()
        match part:
            case ast.Yield() | ast.YieldFrom():
                return _remark(source, part, "a generator")
            case ast.Call(func=ast.Name(id=name), args=args) if (
                name in _CODE_RUNNERS and name in source.code.co_names
            ):
                if name in ("vars", "dir") and args:
                    pass
                else:
                    return _remark(source, part, f"a function that calls `{name}`")
        if not isinstance(part, NESTED):
            stack.extend(reversed(list(ast.iter_child_nodes(part))))
    return None


def _remark(source: FunctionSource, node: ast.AST, what: str, note: str = WAITING) -> Diagnostic:
    return Diagnostic(
        code="SGL0302",
        severity="remark",
        message=f"`{source.qualname}` runs live: {what} is not compiled",
        span=source.span(node),
        label="this keeps it from being compiled",
        notes=(note,),
    )
