"""
Definite assignment: which local names are certainly bound before a statement.

A forward analysis over the AST, with Python's own flow: loops may run no turn, a `try` may stop
anywhere, what follows a jump is unreachable. Where unsure, a name is not assigned.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from sglc.frontends.python.source import FunctionNode

Names = frozenset[str] | None
"""Names certainly bound; None where control never comes."""


def assigned_before(node: FunctionNode) -> Mapping[ast.stmt, frozenset[str]]:
    """For each statement of the function's own scope, the local names certainly bound before it."""
    args = node.args
    start = {a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)}
    start |= {a.arg for a in (args.vararg, args.kwarg) if a}
    flow = _Flow()
    flow.block(node.body, frozenset(start))
    return flow.before


class _Flow:
    def __init__(self) -> None:
        self.before: dict[ast.stmt, frozenset[str]] = {}

    def block(self, body: Iterable[ast.stmt], names: Names) -> Names:
        for statement in body:
            self.before[statement] = names or frozenset()
            names = self.statement(statement, names)
        return names

    def statement(self, node: ast.stmt, names: Names) -> Names:
        if names is None:
            self.blocks(node, frozenset())
            return None
        match node:
            case ast.Return() | ast.Raise() | ast.Break() | ast.Continue():
                return None
            case ast.If(test=test, body=body, orelse=orelse):
                names = names | walrus(test)
                return meet(self.block(body, names), self.block(orelse, names))
            case ast.While(test=test, body=body, orelse=orelse):
                inside = names - deleted(body) | walrus(test)
                self.block(body, inside)
                # A break may leave before `else`, so only what held on entry is kept.
                self.block(orelse, inside)
                return names - deleted([*body, *orelse]) | walrus(test)
            case ast.For(target=target, body=body, orelse=orelse):
                kept = names - deleted([*body, *orelse])
                self.block(body, kept | stored(target))
                self.block(orelse, kept)
                return kept
            case ast.With(items=items, body=body):
                inside = names
                for item in items:
                    inside |= walrus(item.context_expr)
                    inside |= stored(item.optional_vars) if item.optional_vars else frozenset()
                self.block(body, inside)
                return names - deleted(body)
            case ast.Try() | ast.TryStar():
                parts = [*node.body, *node.orelse, *node.finalbody]
                parts += [s for h in node.handlers for s in h.body]
                kept = names - deleted(parts)
                after = self.block(node.orelse, self.block(node.body, kept))
                for handler in node.handlers:
                    caught = kept | ({handler.name} if handler.name else set())
                    end = self.block(handler.body, caught)
                    after = meet(after, end - {handler.name} if end and handler.name else end)
                final = self.block(node.finalbody, kept)
                return None if final is None or after is None else after | final
            case ast.Match(cases=cases):
                after = names
                for case in cases:
                    self.block(case.body, names)
                return after - deleted([s for c in cases for s in c.body])
            case ast.Delete(targets=targets):
                gone = frozenset(t.id for t in targets if isinstance(t, ast.Name))
                return names - gone
            case ast.Assign(targets=targets, value=value):
                return names | frozenset().union(*map(stored, targets)) | walrus(value)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                return names | stored(target) | walrus(value)
            case ast.AugAssign(target=target, value=value):
                return names | stored(target) | walrus(value)
            case ast.Expr(value=value):
                return names | walrus(value)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                return names | {name}
            case ast.ClassDef(name=name):
                return names | {name}
            case ast.Import(names=many) | ast.ImportFrom(names=many):
                return names | {a.asname or a.name.split(".")[0] for a in many}
        self.blocks(node, frozenset())
        return names

    def blocks(self, node: ast.stmt, names: frozenset[str]) -> None:
        """Record nested statements of an unreachable or unknown statement."""
        for child in ast.walk(node):
            if isinstance(child, ast.stmt) and child is not node:
                self.before.setdefault(child, names)


def meet(a: Names, b: Names) -> Names:
    """What holds after two ways that join."""
    if a is None or b is None:
        return b if a is None else a
    return a & b


def stored(target: ast.AST) -> frozenset[str]:
    """Names that a target binds."""
    return frozenset(
        n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    )


def walrus(node: ast.expr) -> frozenset[str]:
    """Names certainly bound by evaluating an expression: only where it is the whole of it."""
    if isinstance(node, ast.NamedExpr):
        return stored(node.target)
    if isinstance(node, ast.Compare) and isinstance(node.left, ast.NamedExpr):
        return stored(node.left.target)
    return frozenset()


def deleted(body: Iterable[ast.stmt]) -> frozenset[str]:
    """Names that may be unbound somewhere in these statements."""
    gone: set[str] = set()
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Delete):
                gone |= {t.id for t in node.targets if isinstance(t, ast.Name)}
            elif isinstance(node, ast.ExceptHandler) and node.name:
                gone.add(node.name)
    return frozenset(gone)
