"""
Local names of a function: how each is bound, what it certainly holds, where it certainly is set.

Kinds are a small lattice found by a fixed point over all bindings of a name, ignoring order, so a
name is a `state` only if every binding of it gives one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sglc.frontends.python.names import Resolver, dotted
from sglc.frontends.python.source import FunctionSource

Kind = Literal["state", "group", "int", "str", "unknown"]
"""What a name holds: a prompt, the result of a fork, an int, a str, or anything."""

NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that binds a name: a value with the part of it taken, or an opaque binding."""

    name: str
    how: Literal["value", "item", "with", "augment", "opaque", "delete"]
    """`item`: an element of iterating `value`, at `path` within it; `with`: what entering gives."""
    value: ast.expr | None = None
    path: tuple[int, ...] = ()


@dataclass(slots=True)
class Scope:
    """Facts about the local names of one function."""

    source: FunctionSource
    resolver: Resolver
    kinds: dict[str, Kind] = field(default_factory=dict)
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()
    """Names that a nested function may rebind."""
    returns: Mapping[str, Kind] = field(default_factory=dict)
    """What plain functions of the file give that are called with a prompt first."""
    own: frozenset[str] = field(init=False)
    """Names that the function binds."""
    fast: frozenset[str] = field(init=False)
    """Those that no nested function shares."""

    def __post_init__(self) -> None:
        # Code objects make a new tuple of all names each time they are asked.
        code = self.source.code
        self.own = frozenset(code.co_varnames + code.co_cellvars)
        self.fast = self.own - frozenset(code.co_cellvars)

    @property
    def state(self) -> str:
        """The first parameter's name."""
        args = self.source.node.args
        first = [*args.posonlyargs, *args.args]
        return first[0].arg if first else ""

    @property
    def parameters(self) -> list[str]:
        """All parameter names in the order of the signature, the state included."""
        args = self.source.node.args
        names = [a.arg for a in (*args.posonlyargs, *args.args)]
        names += [args.vararg.arg] if args.vararg else []
        names += [a.arg for a in args.kwonlyargs]
        return names + ([args.kwarg.arg] if args.kwarg else [])

    def is_local(self, name: str) -> bool:
        """Whether the name is a fast local: not shared with a nested or enclosing function."""
        return name in self.fast

    def is_own(self, name: str) -> bool:
        """Whether only this function binds the name; nested ones may read it."""
        return not self.is_outside(name) and name not in self.shared

    def kind(self, name: str) -> Kind:
        """What the name certainly holds wherever it is bound."""
        return self.kinds.get(name, "unknown")

    def is_outside(self, name: str) -> bool:
        """Whether the name is none of the function's own."""
        return name not in self.own

    def symbol(self, node: ast.expr) -> str | None:
        """The language's symbol of an expression such as `sgl.gen`."""
        path = dotted(node)
        return self.resolver.resolve(path) if path and self.is_outside(path[0]) else None

    def expression_kind(self, node: ast.expr) -> Kind:
        """Kind of an expression, from the kinds of names."""
        match node:
            case ast.Name(id=name):
                return self.kind(name)
            case ast.Constant(value=value):
                return "int" if type(value) is int else "str" if type(value) is str else "unknown"
            case ast.JoinedStr(values=values):
                # A lone part may be a subclass of `str` that its own `__format__` returned.
                return "str" if len(values) != 1 else "unknown"
            case ast.Call(func=ast.Attribute(value=owner, attr="fork")):
                return "group" if self.expression_kind(owner) == "state" else "unknown"
            case ast.Subscript(value=owner, slice=index) if not isinstance(index, ast.Slice):
                return "state" if self.expression_kind(owner) == "group" else "unknown"
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult(), right=right):
                both = {self.expression_kind(left), self.expression_kind(right)}
                return "int" if both == {"int"} else "unknown"
            case ast.Call(func=func) if self.symbol(func) == "builtins.len":
                return "int"
            case ast.IfExp(body=body, orelse=orelse):
                found = self.expression_kind(body)
                return found if found == self.expression_kind(orelse) else "unknown"
            case ast.Call(func=ast.Name(id=name), args=[first, *_]) if (
                name in self.returns
                and self.is_outside(name)
                and self.expression_kind(first) == "state"
            ):
                return self.returns[name]
        return "unknown"

    def part_kind(self, value: ast.expr, path: tuple[int, ...]) -> Kind:
        """Kind of a part that unpacking gives."""
        if len(path) == 1 and self.expression_kind(value) == "group":
            return "state"
        return "unknown"

    def entered_kind(self, manager: ast.expr) -> Kind:
        """Kind of what entering a context manager gives."""
        return "state" if copied_state(self, manager) is not None else "unknown"

    def item_kind(self, iterable: ast.expr, path: tuple[int, ...]) -> Kind:
        """Kind of what iterating gives, at a position within each item."""
        if not path and self.expression_kind(iterable) == "group":
            return "state"
        match iterable:
            case ast.Call(func=func, args=args, keywords=keywords) if not any(
                isinstance(a, ast.Starred) for a in args
            ) and {k.arg for k in keywords} <= {"strict", "start"}:
                symbol = self.symbol(func)
                if symbol == "builtins.range" and not path:
                    return "int"
                if symbol == "builtins.enumerate" and args and path:
                    return "int" if path == (0,) else self.item_kind(args[0], path[1:])
                if symbol == "builtins.zip" and path and path[0] < len(args):
                    return self.item_kind(args[path[0]], path[1:])
        return "unknown"


def copied_state(scope: Scope, manager: ast.expr) -> ast.expr | None:
    """The prompt that `state.copy()` copies, or None for anything else."""
    match manager:
        case ast.Call(func=ast.Attribute(value=owner, attr="copy"), args=[], keywords=[]) if (
            scope.expression_kind(owner) == "state"
        ):
            return owner
    return None


def analyse(
    source: FunctionSource, resolver: Resolver, returns: Mapping[str, Kind] | None = None
) -> Scope:
    """Collect bindings and find kinds. `returns`: see `Scope.returns`."""
    scope = Scope(source, resolver, returns=returns or {})
    for binding in _bindings(source.node.body):
        scope.bindings.setdefault(binding.name, []).append(binding)
    scope.shared = frozenset(
        name
        for node in ast.walk(source.node)
        if isinstance(node, ast.Nonlocal)
        for name in node.names
    )
    code = source.code
    own = {n for n in (*code.co_varnames, *code.co_cellvars) if scope.is_own(n)}
    parameters = set(scope.parameters)
    candidates = {n for n in scope.bindings if n in own and n not in parameters}
    if scope.state in own:
        candidates.add(scope.state)
    scope.kinds = dict.fromkeys(parameters - {scope.state}, "unknown")
    values: dict[str, Kind | None] = dict.fromkeys(candidates)
    if scope.state in values:
        values[scope.state] = "state"
    changed = True
    while changed:
        changed = False
        scope.kinds |= {n: k for n, k in values.items() if k is not None}
        for name in candidates:
            for binding in scope.bindings.get(name, ()):
                found = _binding_kind(scope, binding)
                if found is None:
                    continue
                old = values[name]
                new: Kind = found if old in (None, found) else "unknown"
                if new != old:
                    values[name] = new
                    changed = True
    scope.kinds |= {n: k or "unknown" for n, k in values.items()}
    return scope


def _binding_kind(scope: Scope, binding: Binding) -> Kind | None:
    """Kind that a binding gives; None while names it depends on have none yet."""
    if binding.how == "delete":
        return None
    if binding.value is None or binding.how == "opaque":
        return "unknown"
    waiting = {
        n.id
        for n in ast.walk(binding.value)
        if isinstance(n, ast.Name) and n.id in scope.bindings and n.id not in scope.kinds
    }
    if binding.how == "item":
        kind = scope.item_kind(binding.value, binding.path)
    elif binding.how == "with":
        kind = scope.entered_kind(binding.value) if not binding.path else "unknown"
    elif binding.how == "augment":
        own = scope.kinds.get(binding.name)
        if own is None or own in ("state", "group"):
            return own
        kind = own if own == scope.expression_kind(binding.value) == "int" else "unknown"
    else:
        value = binding.value
        known = scope.part_kind(value, binding.path) if binding.path else None
        kind = known or scope.expression_kind(value)
    return None if kind == "unknown" and waiting else kind


def _bindings(body: Sequence[ast.AST]) -> Iterator[Binding]:
    """Every binding of a name in a function's own scope."""

    def targets(
        target: ast.expr,
        value: ast.expr | None,
        how: Literal["value", "item", "with"],
        path: tuple[int, ...],
    ) -> Iterator[Binding]:
        match target:
            case ast.Name(id=name):
                yield Binding(name, how if value is not None else "opaque", value, path)
            case ast.Tuple(elts=items) | ast.List(elts=items):
                known = not any(isinstance(i, ast.Starred) for i in items)
                same = isinstance(value, ast.Tuple) and how == "value" and not path
                for index, item in enumerate(items):
                    if same and known and len(value.elts) == len(items):  # type: ignore[union-attr]
                        yield from targets(item, value.elts[index], how, ())  # type: ignore[union-attr]
                    else:
                        yield from targets(item, value if known else None, how, (*path, index))
            case ast.Starred(value=inner):
                yield from targets(inner, None, how, path)

    def visit(node: ast.AST) -> Iterator[Binding]:
        match node:
            case ast.Assign(targets=many, value=value):
                for target in many:
                    yield from targets(target, value, "value", ())
            case ast.AnnAssign(target=target, value=value) if value is not None:
                yield from targets(target, value, "value", ())
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                yield Binding(name, "value", value)
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                yield Binding(name, "augment" if isinstance(op, ast.Add) else "opaque", value)
            case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
                yield from targets(target, value, "item", ())
            case ast.withitem(context_expr=value, optional_vars=target) if target is not None:
                yield from targets(target, value, "with", ())
            case ast.ExceptHandler(name=str(name)):
                yield Binding(name, "opaque")
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                for item in names:
                    yield Binding(item.asname or item.name.split(".")[0], "opaque")
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield Binding(name, "opaque")
            case ast.MatchMapping(rest=str(name)):
                yield Binding(name, "opaque")
            case ast.Delete(targets=many):
                for target in many:
                    if isinstance(target, ast.Name):
                        yield Binding(target.id, "delete")
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                yield Binding(name, "opaque")
        for child in ast.iter_child_nodes(node):
            if isinstance(child, COMPREHENSIONS):
                for inner in ast.walk(child):
                    if isinstance(inner, ast.NamedExpr) and isinstance(inner.target, ast.Name):
                        yield Binding(inner.target.id, "opaque")
            elif isinstance(node, NESTED):
                continue
            else:
                yield from visit(child)

    for statement in body:
        yield from visit(statement)


def bindings_of(node: ast.AST) -> list[Binding]:
    """Bindings that one statement or pattern makes in the function's own scope."""
    return list(_bindings([node]))
