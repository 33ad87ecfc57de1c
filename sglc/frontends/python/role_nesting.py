"""Whether roles certainly open and close in turn; one inside another poisons the state."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from sglc.frontends.python.names import ROLE_MARKS, ROLES
from sglc.frontends.python.scope import Scope


def roles_alternate(scope: Scope, body: Sequence[ast.AST], inside: bool = False) -> bool:
    """Whether no role opens in another and none stays open; `inside` one, no state is forked."""
    return all(_allowed(scope, node, inside) for node in body)


def _allowed(scope: Scope, node: ast.AST, inside: bool) -> bool:
    match node:
        case ast.With(body=body):
            return not inside and roles_alternate(scope, body, inside=True)
        case ast.AugAssign(value=value):
            return _appended(scope, value, inside)
        case ast.Call(func=func, args=args):
            symbol = scope.symbol(func)
            if symbol in ROLE_MARKS:
                return False
            if symbol in ROLES or (isinstance(func, ast.Attribute) and func.attr in ROLES):
                return not inside and roles_alternate(scope, args, inside=True)
            if inside and isinstance(func, ast.Attribute) and func.attr == "fork":
                return False
    return roles_alternate(scope, list(ast.iter_child_nodes(node)), inside)


def _appended(scope: Scope, value: ast.expr, inside: bool) -> bool:
    """A sum that is appended may hold marks, when they come in pairs."""
    parts: list[ast.expr] = []
    stack = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, ast.BinOp):
            stack += [part.right, part.left]
        else:
            parts.append(part)
    opened = ""
    for part in parts:
        symbol = scope.symbol(part.func) if isinstance(part, ast.Call) else None
        if symbol in ROLE_MARKS:
            role, _, end = symbol.rpartition("_")
            if inside or (end == "begin") == bool(opened) or (opened and role != opened):
                return False
            opened = role if end == "begin" else ""
        elif not _allowed(scope, part, inside or bool(opened)):
            return False
    return not opened
