"""
Silent bodies as strands: the same function as a generator that yields what it waits for.

A body without host code needs no thread. Its statements are the user's, CPython runs them on the
driver, and where a read would block the generator yields the pending value instead.
"""

from __future__ import annotations

import ast
import copy
import itertools
import types
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sglc.execution.handle import Handle
from sglc.execution.pending import Pending
from sglc.execution.session import Session
from sglc.frontends.python.assigned import assigned_before
from sglc.frontends.python.deferral import Runtime
from sglc.frontends.python.emit import bind, language_functions
from sglc.frontends.python.known import Known, NotSilentError
from sglc.frontends.python.names import LiveNames
from sglc.frontends.python.rewrite import RUNTIME, Plan, runtime_call
from sglc.frontends.python.role_nesting import roles_alternate
from sglc.frontends.python.scope import NESTED, Scope
from sglc.frontends.python.source import FunctionNode
from sglc.frontends.python.texts import state_of
from sglc.frontends.python.totals import Totality
from sglc.language.state import ProgramState

if TYPE_CHECKING:
    from sglc.frontends.python.regions import RegionBody

_SCALARS: dict[type, str] = {
    str: "str",
    int: "int",
    float: "float",
    bool: "bool",
    type(None): "none",
}
_BIG = 1 << 63
_MAX_GUESSED = 4

Verdict = tuple[frozenset[str], frozenset[str]] | None
"""Names whose values must be positive, and names outside that are read; None: not silent."""


@dataclass(eq=False, slots=True)
class Silence:
    """A body that is silent for arguments of the right types."""

    scope: Scope
    function: types.FunctionType
    names: LiveNames
    node: FunctionNode
    """The definition of the strand's generator function."""
    body: types.FunctionType
    runtime: Runtime
    _verdicts: dict[tuple[tuple[str, str], ...], Verdict] = field(default_factory=dict)
    _regions: tuple[RegionBody | None] | None = None

    def strand(
        self, session: Session, handle: Handle, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Generator[Pending[Any], Any, Any] | None:
        """The body as a strand, or None when these arguments need a thread."""
        if session.defaults.n not in (None, 1):
            return None
        arguments = self._bind(args, kwargs)
        if arguments is None:
            return None
        kinds = {name: type_of(value) for name, value in arguments.items()}
        outside = outside_values(self.function, self.names)
        if "" in kinds.values():
            return None
        plain = {n: type_of(v) for n, v in outside.items()}
        key = (*kinds.items(), *((f"outside {n}", t) for n, t in plain.items()))
        if key not in self._verdicts:
            self._verdicts[key] = self._judge(kinds, {n: t for n, t in plain.items() if t})
        verdict = self._verdicts[key]
        if verdict is None or not all(
            positive((arguments if n in arguments else outside)[n]) for n in verdict[0]
        ):
            return None
        read = {n: outside[n] for n in verdict[1]}
        given = {name: _copied(value) for name, value in arguments.items()}
        if session.options.executor == "region" and (region := self.region()) is not None:
            return region.strand(handle, {**given, **read})
        body = with_outside(self.body, self.function, read)
        state = ProgramState(handle)
        return drive(lambda: body(state, **given), self.runtime, body.__code__)

    def region(self) -> RegionBody | None:
        """The body for the region interpreter, where its IR allows it; made when first wanted."""
        if self._regions is None:
            from sglc.frontends.python.regions import region_body

            self._regions = (region_body(self.scope.source, self.function),)
        return self._regions[0]

    def possible(self) -> bool:
        """Whether the body is silent for any arguments that are strings, numbers or lists."""
        names = self.scope.parameters[1:]
        outside = outside_values(self.function, self.names)
        plain = {n: t for n, v in outside.items() if (t := type_of(v))}
        if len(names) > _MAX_GUESSED:
            return True
        return any(
            self._judge(dict(zip(names, kinds, strict=True)), plain) is not None
            for kinds in itertools.product(("str", "int", "list[str]"), repeat=len(names))
        )

    def _judge(self, kinds: Mapping[str, str], outside: Mapping[str, str]) -> Verdict:
        known = Known({self.scope.state: "state", **kinds}, {}, {})
        return judge(self.scope, self.scope.source.node.body, known, outside)

    def _bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
        """Arguments by parameter; None when they do not fit (the call itself says why)."""
        node = self.scope.source.node.args
        if node.vararg or node.kwarg or node.posonlyargs:
            return None
        positional = [a.arg for a in node.args][1:]
        if len(args) > len(positional):
            return None
        bound = dict(zip(positional, args, strict=False))
        if bound.keys() & kwargs.keys():
            return None
        bound |= kwargs
        defaults = self.function.__defaults__ or ()
        if len(defaults) > len(positional):
            return None
        for name, value in zip(
            positional[len(positional) - len(defaults) :], defaults, strict=True
        ):
            bound.setdefault(name, value)
        for name, value in (self.function.__kwdefaults__ or {}).items():
            bound.setdefault(name, value)
        wanted = {*positional, *(a.arg for a in node.kwonlyargs)}
        return bound if bound.keys() == wanted else None


def judge(
    scope: Scope, body: Sequence[ast.stmt], known: Known, outside: Mapping[str, str]
) -> Verdict:
    """Whether statements in which roles alternate are silent, given what is known before them."""
    check = Totality(scope, outside)
    try:
        check.block(body, known)
    except NotSilentError:
        return None
    return frozenset(check.positive), frozenset(check.used)


def outside_values(function: types.FunctionType, names: LiveNames) -> dict[str, Any]:
    """Values of plain names outside the function, as they are now."""
    code = function.__code__
    return {n: names.lookup((n,)) for n in (*code.co_names, *code.co_freevars)}


def with_outside(
    body: types.FunctionType, function: types.FunctionType, values: Mapping[str, Any]
) -> types.FunctionType:
    """A generator function over a copy of what it reads outside, taken now."""
    scope = function.__globals__
    used = {n: scope[n] for n in body.__code__.co_names if n in scope}
    used |= {n: v for n, v in values.items() if n in used}
    used["__builtins__"] = scope.get("__builtins__", __builtins__)
    cells = dict(zip(body.__code__.co_freevars, body.__closure__ or (), strict=True))
    cells |= {n: types.CellType(v) for n, v in values.items() if n in cells}
    return types.FunctionType(body.__code__, used, body.__name__, None, tuple(cells.values()))


def silence(
    scope: Scope, plan: Plan, function: types.FunctionType, names: LiveNames
) -> Silence | None:
    """The strand form of a body that could be silent for some arguments, else None."""
    node = scope.source.node
    before = assigned_before(node)
    if not shape_allows(scope, node.body, before) or not roles_alternate(scope, node.body):
        return None
    new = copy.deepcopy(plan.node if plan.changed else node)
    found = bound_silence(ToStrand(scope).visit(new), scope, plan, function, names)
    return found if found.possible() else None


def bound_silence(
    node: FunctionNode, scope: Scope, plan: Plan, function: types.FunctionType, names: LiveNames
) -> Silence:
    """A strand's definition as the form of one function."""
    runtime = Runtime(plan.sites, language_functions(plan, names))
    body = bind(scope.source, node, function, runtime)
    return Silence(scope, function, names, node, body, runtime)


def shape_allows(
    scope: Scope, body: Sequence[ast.stmt], before: Mapping[ast.stmt, frozenset[str]]
) -> bool:
    """A first look at the syntax, so that most bodies with host code are not considered."""
    refused = (ast.Try, ast.Raise, ast.Match, ast.Import, ast.ImportFrom, ast.Delete, ast.Assert)
    more = (ast.Global, ast.Nonlocal, ast.Await, ast.NamedExpr, ast.Starred, *NESTED)
    comprehensions = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.TryStar)
    for part in (p for statement in body for p in ast.walk(statement)):
        if isinstance(part, (*refused, *more, *comprehensions)):
            return False
        if isinstance(part, ast.stmt) and isinstance(
            part, ast.AugAssign | ast.Assign | ast.Expr | ast.If | ast.While | ast.Return | ast.For
        ):
            heads = [child for child in ast.iter_child_nodes(part) if isinstance(child, ast.expr)]
            for name in (n for h in heads for n in ast.walk(h) if isinstance(n, ast.Name)):
                known = before.get(part, frozenset())
                if (
                    isinstance(name.ctx, ast.Load)
                    and not scope.is_outside(name.id)
                    and name.id not in known
                ):
                    return False
    return True


class ToStrand(ast.NodeTransformer):
    """Turns waiting into yielding."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        first = node.values[0]
        if _runtime_method(first) == "defer":
            assert isinstance(first, ast.Call)
            assert isinstance(first.func, ast.Attribute)
            first.func.attr = "defer_in_strand"
            rest = self.visit(node.values[1])
            settled = ast.BoolOp(ast.Or(), [_yield_from("settle_in_strand", [], first), rest])
            node.values[1] = ast.copy_location(settled, node)
            return node
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if _runtime_method(node) == "settle":
            return _yield_from("settle_in_strand", [], node)
        return self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and state_of(self.scope, node.value) is not None:
            state, key = self.visit(node.value), self.visit(node.slice)
            return _yield_from("read_in_strand", [state, key], node)
        return self.generic_visit(node)


def _runtime_method(node: ast.AST) -> str | None:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=value), attr=name)) if (
            value == RUNTIME
        ):
            return name
    return None


def _yield_from(method: str, args: list[ast.expr], at: ast.AST) -> ast.expr:
    return ast.copy_location(ast.YieldFrom(runtime_call(method, args, at)), at)


def drive(
    start: Callable[[], Any], runtime: Runtime, code: types.CodeType
) -> Generator[Pending[Any], Any, Any]:
    """Drive a body, a generator unless it never waits, whose code is `code`."""
    try:
        result = start()
        return (yield from result) if isinstance(result, types.GeneratorType) else result
    except BaseException as error:
        leaving, new = runtime.leaving(error, code)
        if not new:
            raise
    raise leaving


def type_of(value: object) -> str:
    """Type name as `totals` knows it, or an empty string for anything that is not plain."""
    kind = _SCALARS.get(type(value))
    if kind is not None:
        return "" if kind == "int" and abs(value) >= _BIG else kind  # type: ignore[arg-type]
    if type(value) in (list, tuple):
        assert isinstance(value, list | tuple)
        inner = {type_of(v) for v in value}
        if len(inner) <= 1 and all(i in _SCALARS.values() for i in inner):
            return f"{type(value).__name__}[{inner.pop() if inner else 'str'}]"
    return ""


def positive(value: object) -> bool:
    return value >= 1 if isinstance(value, int) else bool(value)


def _copied(value: Any) -> Any:
    """Lists are copied, so that the caller may change its own afterwards."""
    return list(value) if type(value) is list else value
