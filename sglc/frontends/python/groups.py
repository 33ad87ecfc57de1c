"""Lowering of what concerns forks as a whole: appends to all branches, joins, copies."""

from __future__ import annotations

import ast
from collections.abc import Callable

from sglc.frontends.python.appends import Appender
from sglc.frontends.python.frame import Frame
from sglc.frontends.python.names import ROLE_MARKS, ROLES
from sglc.frontends.python.pieces import PieceSource
from sglc.frontends.python.scope import Scope, copied_state
from sglc.frontends.python.texts import ORDERS
from sglc.ir.core import Value

JOIN_MODES = ("gather_variable", "concate_and_append")


def group_append(frame: Frame, node: ast.AugAssign) -> bool:
    """
    `forks += value`, where the value is certainly an expression or a function of the number.

    The value is evaluated once, before anything is appended; then each branch gets it in order.
    """
    target = node.target
    if not isinstance(target, ast.Name) or frame.scope.kind(target.id) != "group":
        return False
    name = ast.copy_location(ast.Name(target.id, ast.Load()), target)
    if isinstance(node.value, ast.Lambda):
        return _numbered_append(frame, node, name, node.value)
    if not _is_expression(frame.scope, node.value):
        return False
    forks = frame.group(name)
    appender = Appender(frame, forks)
    appender.part(node.value)
    with frame.region("body", [(target.id, "handle")]) as body:
        appender.handle = body.args[0]
        appender.finish()
        frame.end(node)
    frame.op("cf.for", node, [forks], regions=[body])
    return True


def _is_expression(scope: Scope, node: ast.expr) -> bool:
    """Whether a value is certainly an expression of the language, and no plain string."""
    match node:
        case ast.Call(func=func):
            return scope.symbol(func) in (*ORDERS, *ROLES, *ROLE_MARKS, "image", "video")
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            text = scope.expression_kind(left) == "str"
            return _is_expression(scope, left) or (text and _is_expression(scope, right))
    return False


def _numbered_append(frame: Frame, node: ast.AugAssign, name: ast.Name, each: ast.Lambda) -> bool:
    """`forks += lambda i: ...`: called with each number before that branch is appended to."""
    forks = frame.group(name)
    size = frame.sizes.get(forks)
    if size is None:
        return False
    function = frame.piece_eval(each, hint="each")
    with frame.region("body", [("i", "val")]) as body:
        index = body.args[0]
        attrs = frame.host_attrs(PieceSource(each), f"({frame.source(each)})(i)", [])
        made = frame.op("py.eval", each, [function, index], attrs, [("each", "val")])
        taken = frame.op("lm.item", node, [forks, index], results=[(name.id, "handle")])
        frame.op("lm.append", node, [taken.results[0], made.results[0]])
        frame.end(node)
    frame.op("cf.for", node, [numbers(frame, node, size)], regions=[body])
    return True


def numbers(frame: Frame, node: ast.AST, size: Value | int) -> Value:
    """The numbers of a fork's branches."""
    operands = [size] if isinstance(size, Value) else []
    src = "range(size)" if operands else f"range({size})"
    attrs: dict[str, object] = {"src": src, "names": ["size"] * len(operands)}
    return frame.val("ex.eval", node, operands, attrs)


def join(frame: Frame, call: ast.Call, owner: ast.expr) -> bool:
    """`forks.join(mode)`; the prompt that was forked is known from the binding."""
    if not isinstance(owner, ast.Name) or frame.scope.kind(owner.id) != "group":
        return False
    values = [*call.args, *(k.value for k in call.keywords)]
    mode: object = "gather_variable"
    if values:
        mode = values[0].value if isinstance(values[0], ast.Constant) else None
    if len(values) > 1 or mode not in JOIN_MODES:
        return False
    bindings = [b for b in frame.scope.bindings.get(owner.id, []) if b.how != "augment"]
    source = bindings[0].value if len(bindings) == 1 else None
    if not (isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute)):
        return False
    handle = frame.handle(source.func.value)
    if handle is None or not isinstance(source.func.value, ast.Name):
        return False
    frame.op("lm.join", call, [handle, frame.group(owner)], {"mode": mode})
    return True


def numbered_branches(frame: Frame, node: ast.For, block: Callable[[list[ast.stmt]], None]) -> bool:
    """`for i, f in enumerate(forks)`: over the numbers, `f` is the branch of that number."""
    match node:
        case ast.For(
            target=ast.Tuple(elts=[ast.Name(id=number), ast.Name(id=branch)]),
            iter=ast.Call(func=func, args=[ast.Name() as group], keywords=[]) as call,
            orelse=[],
        ) if (
            frame.scope.symbol(func) == "builtins.enumerate"
            and frame.scope.kind(group.id) == "group"
            and {number, branch} <= frame.pure
        ):
            forks = frame.group(group)
            size = frame.sizes.get(forks)
            if size is None:
                return False
            counted = numbers(frame, call, size)
            with frame.region("body", [(number, "val")]) as body:
                index = body.args[0]
                frame.bind(number, index)
                taken = frame.op(
                    "lm.item", node.target, [forks, index], results=[(branch, "handle")]
                )
                frame.bind(branch, taken.results[0])
                block(node.body)
                frame.end(node)
            frame.op("cf.for", node, [counted], regions=[body])
            return True
    return False


def copy_block(
    frame: Frame, item: ast.withitem, node: ast.With, body_of: Callable[[], None]
) -> bool:
    """`with state.copy() as c:`: a fork of one, joined however the body ends."""
    owner = copied_state(frame.scope, item.context_expr)
    handle = frame.handle(owner) if owner is not None else None
    if handle is None or not isinstance(item.optional_vars, ast.Name):
        return False
    call = item.context_expr
    forks = frame.op("lm.fork", call, [handle], {"size": 1}, [("copies", "list")]).results[0]
    first = frame.val("ex.const", call, (), {"value": 0}, hint="c")
    taken = frame.op("lm.item", call, [forks, first], results=[(item.optional_vars.id, "handle")])
    frame.store(item.optional_vars, item.optional_vars.id, taken.results[0])
    with frame.region("body") as body:
        body_of()
        frame.end(node)
    with frame.region("finally") as final:
        frame.op("lm.join", call, [handle, forks], {"mode": JOIN_MODES[0]})
        frame.end(node)
    frame.op("cf.try", node, attrs={"kinds": []}, regions=[body, final])
    return True
