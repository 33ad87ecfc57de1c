"""
`async def` programs: reads of a prompt in the body become suspension points.

As it is written, `s["x"]` would hold up the event loop until the model has answered. The compiled
form waits with `await` first and then reads, so that other coroutines go on meanwhile. Nothing
else changes; nested functions, lambdas and generator expressions cannot wait and stay as they are.
"""

from __future__ import annotations

import ast
import copy
import types
from collections.abc import Callable
from typing import Any

from sglc.execution.pending import Pending
from sglc.frontends.python.emit import bind
from sglc.frontends.python.rewrite import runtime_call, with_body
from sglc.frontends.python.scope import NESTED, Scope
from sglc.frontends.python.texts import state_of
from sglc.language.asynchronous import until
from sglc.language.state import ProgramState

_OF_A_VARIABLE = ("get_var", "get_meta_info")
_OF_EVERYTHING = ("text", "messages", "sync", "error")


class AwaitRuntime:
    """What the rewritten body calls."""

    async def ready(self, state: object, name: object = None, *, whole: bool = False) -> None:
        """Wait until reading would not; whatever then happens is the reading's own affair."""
        if type(state) is not ProgramState:
            return
        if whole:
            await until(state.handle.settled())
            return
        try:
            value = state.handle.vars.get(name)  # type: ignore[call-overload]
        except TypeError:
            return
        if isinstance(value, Pending):
            await until(value.ended())

    async def item(self, state: Any, name: Any) -> Any:
        """`state[name]`."""
        await self.ready(state, name)
        return state[name]

    async def call(self, state: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        """`state.method(...)`."""
        await self.ready(state, *args[:1], whole=method in _OF_EVERYTHING)
        return getattr(state, method)(*args, **kwargs)


def awaiting(scope: Scope, function: types.FunctionType) -> Callable[..., Any]:
    """The form of an `async def` program that suspends where it reads."""
    writer = _Awaits(scope)
    body = [writer.visit(copy.deepcopy(statement)) for statement in scope.source.node.body]
    if not writer.changed:
        return function
    node = with_body(scope.source.node, body)
    return bind(scope.source, node, function, AwaitRuntime())


class _Awaits(ast.NodeTransformer):
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.changed = False

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, (*NESTED, ast.GeneratorExp)):
            return node
        return super().visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and state_of(self.scope, node.value) is not None:
            return self.waits("item", [self.visit(node.value), self.visit(node.slice)], node)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        func = node.func
        if (
            isinstance(func, ast.Attribute)
            and func.attr in (*_OF_A_VARIABLE, *_OF_EVERYTHING)
            and state_of(self.scope, func.value) is not None
        ):
            args = [self.visit(func.value), ast.Constant(func.attr), *map(self.visit, node.args)]
            waiting = self.waits("call", args, node)
            assert isinstance(waiting.value, ast.Call)
            waiting.value.keywords = [self.visit(k) for k in node.keywords]
            return waiting
        return self.generic_visit(node)

    def waits(self, method: str, args: list[ast.expr], at: ast.expr) -> ast.Await:
        self.changed = True
        return ast.copy_location(ast.Await(runtime_call(method, args, at)), at)
