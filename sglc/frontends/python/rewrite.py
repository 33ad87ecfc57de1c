"""
The rewritten body of a function: the user's own statements, with deferred texts and settlements.

Only appends whose text holds a deferrable read change: `s += "A" + f["x"]` becomes
`s += runtime.defer(0, s, f) or "A" + f["x"]`.
`defer` gives an expression that waits in the graph, or None, and then the user's own expression is
evaluated as it always was. Before anything that could tell the difference, `runtime.settle()`
waits for what was deferred. Functions without such an append are not rewritten at all.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping
from dataclasses import dataclass, field

from sglc.diagnostics.core import Diagnostic
from sglc.frontends.python.assigned import assigned_before
from sglc.frontends.python.scope import Scope
from sglc.frontends.python.source import FunctionNode
from sglc.frontends.python.texts import (
    Item,
    Local,
    Text,
    names,
    plain_data,
    reads,
    recognise,
    state_of,
)

RUNTIME = "\0sglc-runtime\0"
"""Constant that stands for the runtime object until the code is bound to it."""


@dataclass(frozen=True, slots=True)
class Site:
    """An append that may be deferred, or a step that may run while deferred reads are open."""

    target: Local | Item | None
    """The state it appends to or forks."""
    text: Text | None
    """The text of a deferrable append."""
    names: tuple[str, ...]
    """Local names handed to the runtime, in order."""
    line: int


@dataclass(slots=True)
class Plan:
    """What rewriting found: the new definition, and the sites its calls refer to by number."""

    node: FunctionNode
    sites: list[Site] = field(default_factory=list)
    parts: list[list[ast.stmt]] = field(default_factory=list)
    """The new body by the user's own top-level statements."""
    remarks: list[Diagnostic] = field(default_factory=list)
    """Reads in texts that wait where they stand, and why."""

    @property
    def changed(self) -> bool:
        """Whether any append may be deferred."""
        return any(site.text is not None for site in self.sites)


def rewrite(scope: Scope) -> Plan:
    """Rewrite a function's body; `Plan.changed` says whether there was anything to do."""
    node = scope.source.node
    writer = _Writer(scope, assigned_before(node))
    parts = [writer.statement(statement, turn=False) for statement in node.body]
    end = node.body[-1]
    if not isinstance(end, ast.Return | ast.Raise):
        parts[-1].append(writer.settle(end))
    body = [statement for part in parts for statement in part]
    return Plan(with_body(node, body), writer.sites, parts, writer.remarks)


def with_body(node: FunctionNode, body: list[ast.stmt]) -> FunctionNode:
    """A copy of a definition with another body."""
    new = copy.copy(node)
    new.body = body
    return new


def located(new: ast.expr, at: ast.AST) -> ast.expr:
    """`new` and everything in it that has no place yet, placed where `at` is."""
    for node in ast.walk(new):
        if isinstance(node, ast.expr | ast.keyword) and not hasattr(node, "lineno"):
            ast.copy_location(node, at)
    return new


def runtime_call(method: str, args: list[ast.expr], at: ast.AST) -> ast.Call:
    """A call of a method of the runtime object, placed where `at` is."""
    func = ast.Attribute(ast.Constant(RUNTIME), method, ast.Load())
    call = located(ast.Call(func, args, []), at)
    assert isinstance(call, ast.Call)
    return call


def load(name: str) -> ast.expr:
    """A name that is read."""
    return ast.Name(name, ast.Load())


class _Writer:
    def __init__(self, scope: Scope, before: Mapping[ast.stmt, frozenset[str]]) -> None:
        self.scope = scope
        self.before = before
        self.sites: list[Site] = []
        self.remarks: list[Diagnostic] = []

    def settle(self, at: ast.AST) -> ast.stmt:
        return ast.copy_location(ast.Expr(runtime_call("settle", [], at)), at)

    def block(self, body: list[ast.stmt], turn: bool = False) -> list[ast.stmt]:
        """
        Rewrite statements. `turn`: they are the body of a loop over a host iterable, whose next
        item is host code.
        """
        out: list[ast.stmt] = []
        for statement in body:
            out += self.statement(statement, turn)
        if turn and not isinstance(body[-1], ast.Return | ast.Raise | ast.Break | ast.Continue):
            out.append(self.settle(body[-1]))
        return out

    def statement(self, node: ast.stmt, turn: bool) -> list[ast.stmt]:
        match node:
            case ast.Pass() | ast.Break() | ast.Global() | ast.Nonlocal():
                return [node]
            case ast.Continue():
                return [self.settle(node), node] if turn else [node]
            case ast.Expr(value=ast.Constant()):
                return [node]
            case ast.AugAssign(op=ast.Add()):
                return self.append(node)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if self.scope.is_local(name):
                return self.assign(node, value)
            case ast.If(test=test):
                new = ast.If(
                    test,
                    self.block(node.body, turn),
                    self.block(node.orelse, turn) if node.orelse else [],
                )
                quiet = self.quiet_test(node, test)
                return [*([] if quiet else [self.settle(node)]), ast.copy_location(new, node)]
            case ast.While(test=test):
                # `settle()` gives None, so `or` evaluates the user's condition as it stands.
                waited = ast.BoolOp(ast.Or(), [runtime_call("settle", [], test), test])
                loop = ast.While(
                    ast.copy_location(waited, test),
                    self.block(node.body),
                    self.block(node.orelse, turn) if node.orelse else [],
                )
                return [ast.copy_location(loop, node)]
            case ast.For():
                return self.loop(node, turn)
            case ast.Match():
                cases = [
                    ast.match_case(c.pattern, c.guard, self.block(c.body, turn)) for c in node.cases
                ]
                new_match = ast.copy_location(ast.Match(node.subject, cases), node)
                return [self.settle(node), new_match]
            case ast.Try() | ast.TryStar() | ast.With() | ast.AsyncWith():
                # Nothing inside is deferred, so nothing there needs settling.
                self.guarded(node)
        return [self.settle(node), node]

    def loop(self, node: ast.For, turn: bool) -> list[ast.stmt]:
        quiet = self.quiet_iterable(node, node.iter) and isinstance(
            node.target, ast.Name | ast.Tuple
        )
        used = self.locals_of(node, [node.iter])
        if used is None or not all(map(self.scope.is_local, _stored(node.target))):
            quiet = False
        new = ast.For(
            node.target,
            node.iter,
            self.block(node.body, not quiet),
            self.block(node.orelse, turn) if node.orelse else [],
            node.type_comment,
        )
        first = self.step(node, None, used or ()) if quiet else self.settle(node)
        return [first, ast.copy_location(new, node)]

    def append(self, node: ast.AugAssign) -> list[ast.stmt]:
        target = self.target_of(node.target)
        if target is None:
            return [self.settle(node), node]
        text = recognise(self.scope, node.value)
        if text is None:
            self.waits(node, "the text is made by code that is not compiled")
            return [self.settle(node), node]
        used = self.assigned(node, [*names(target), *names(text)])
        if used is None:
            self.waits(node, "a local name in it may be unbound")
            return [self.settle(node), node]
        if not reads(text):
            return [self.step(node, target, used), node]
        self.sites.append(Site(target, text, used, node.lineno))
        call = runtime_call("defer", self.arguments(used), node.value)
        value = ast.copy_location(ast.BoolOp(ast.Or(), [call, node.value]), node.value)
        return [ast.copy_location(ast.AugAssign(node.target, node.op, value), node)]

    def waits(self, node: ast.AugAssign, why: str) -> None:
        """Remark that a read in this append waits where it stands."""
        for part in ast.walk(node.value):
            if isinstance(part, ast.Subscript) and state_of(self.scope, part.value) is not None:
                self.remarks.append(
                    Diagnostic(
                        code="SGL0306",
                        severity="remark",
                        message=f"this read waits for the model: {why}",
                        span=self.scope.source.span(part),
                    )
                )

    def guarded(self, node: ast.stmt) -> None:
        """Remark the reads in a `try` or `with`, where nothing is deferred."""
        for part in ast.walk(node):
            if isinstance(part, ast.AugAssign) and self.target_of(part.target) is not None:
                self.waits(part, "it stands in a `try` or a `with`")

    def assign(self, node: ast.Assign, value: ast.expr) -> list[ast.stmt]:
        if plain_data(value) is not None:
            return [node]
        match value:
            case ast.Call(func=ast.Attribute(value=owner, attr="fork"), args=args, keywords=keys):
                target = state_of(self.scope, owner)
                values = [*args, *(k.value for k in keys)]
                simple = all(isinstance(v, ast.Constant | ast.Name) for v in values)
                used = self.locals_of(node, values)
                if target is not None and simple and used is not None:
                    both = self.assigned(node, [*names(target), *used])
                    if both is not None:
                        return [self.step(node, target, both), node]
        return [self.settle(node), node]

    def step(self, node: ast.stmt, target: Local | Item | None, used: tuple[str, ...]) -> ast.stmt:
        """A call before a statement that may run while deferred reads are open."""
        self.sites.append(Site(target, None, used, node.lineno))
        return ast.copy_location(ast.Expr(runtime_call("step", self.arguments(used), node)), node)

    def arguments(self, used: tuple[str, ...]) -> list[ast.expr]:
        return [ast.Constant(len(self.sites) - 1), *map(load, used)]

    def target_of(self, node: ast.expr) -> Local | Item | None:
        """The state that an augmented assignment appends to."""
        as_value = ast.copy_location(
            ast.Subscript(node.value, node.slice, ast.Load())
            if isinstance(node, ast.Subscript)
            else load(node.id)
            if isinstance(node, ast.Name)
            else node,
            node,
        )
        return state_of(self.scope, as_value)

    def assigned(self, node: ast.stmt, used: list[str]) -> tuple[str, ...] | None:
        """The names, each once, when all are certainly bound here."""
        unique = tuple(dict.fromkeys(used))
        return unique if set(unique) <= self.before.get(node, frozenset()) else None

    def locals_of(self, node: ast.stmt, values: list[ast.expr]) -> tuple[str, ...] | None:
        """Local names in expressions, when all are certainly bound and none is shared."""
        used = [
            n.id
            for value in values
            for n in ast.walk(value)
            if isinstance(n, ast.Name) and not self.scope.is_outside(n.id)
        ]
        return self.assigned(node, used) if all(map(self.scope.is_local, used)) else None

    def quiet_test(self, node: ast.stmt, test: ast.expr) -> bool:
        """Whether a condition can only look at integers and strings of our own making."""
        known = (ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Name, ast.Constant, ast.expr_context)
        shapes = (*known, ast.boolop, ast.unaryop, ast.cmpop)
        certain = all(
            isinstance(n, shapes)
            and (not isinstance(n, ast.Name) or self.scope.kind(n.id) in ("int", "str"))
            and not isinstance(n, ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.In | ast.NotIn)
            for n in ast.walk(test)
        )
        return certain and self.locals_of(node, [test]) is not None

    def quiet_iterable(self, node: ast.stmt, iterable: ast.expr) -> bool:
        """Whether iterating runs only our own and the builtins' code."""
        match iterable:
            case ast.Name(id=name):
                return self.scope.kind(name) == "group"
            case ast.Call(func=func, args=args, keywords=[]):
                symbol = self.scope.symbol(func)
                if symbol == "builtins.range":
                    return all(isinstance(a, ast.Name | ast.Constant) for a in args)
                if symbol in ("builtins.enumerate", "builtins.zip") and args:
                    return all(self.quiet_iterable(node, a) for a in args)
        return False


def _stored(target: ast.expr) -> list[str]:
    return [n.id for n in ast.walk(target) if isinstance(n, ast.Name)]
