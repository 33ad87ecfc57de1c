"""Lowering of statements: control flow to regions, appends to `lm` ops, the rest to host pieces."""

from __future__ import annotations

import ast

from sglc.diagnostics.core import Diagnostic
from sglc.frontends.python.appends import Appender
from sglc.frontends.python.frame import Frame
from sglc.frontends.python.groups import copy_block, group_append, join, numbered_branches
from sglc.frontends.python.names import ROLES
from sglc.frontends.python.scope import bindings_of
from sglc.frontends.python.texts import Item, Local, state_of
from sglc.ir.core import Region, TypeName, Value


class Statements:
    """Lowers a function's body, statement by statement."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    def block(self, body: list[ast.stmt]) -> None:
        """Lower statements up to the first that never falls through."""
        for statement in body:
            if self.frame.builder.terminated:
                return
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        """Lower one statement."""
        frame = self.frame
        match node:
            case ast.Pass() | ast.Global() | ast.Nonlocal():
                return
            case ast.Expr(value=ast.Constant()):
                return
            case ast.AugAssign(target=target, op=ast.Add(), value=value):
                self.augment(node, target, value)
            case ast.Expr(value=value):
                self.expression(node, value)
            case ast.Assign():
                self.assign(node)
            case ast.If():
                self.branch(node)
            case ast.While():
                self.while_loop(node)
            case ast.For():
                self.for_loop(node)
            case ast.With():
                self.with_block(node.items, node)
            case ast.Try():
                self.try_block(node)
            case ast.Match():
                self.match(node)
            case ast.Return(value=value):
                frame.op("cf.return", node, [frame.value(value)] if value else [])
            case ast.Raise(exc=exc):
                frame.op("cf.raise", node, [frame.piece_eval(exc)] if exc else [])
            case ast.Break():
                frame.op("cf.break", node)
            case ast.Continue():
                frame.op("cf.continue", node)
            case _:
                self.host(node)

    def host(self, node: ast.stmt) -> None:
        """A statement that Python runs."""
        frame = self.frame
        writes = sorted({b.name for b in bindings_of(node)})
        piece = frame.piece_exec(node, writes=writes)
        if not any(value.type in ("handle", "list") for value in piece.operands):
            return  # it gets what it reads of prompts, and no prompt
        escaping = sorted(
            n.id
            for n in ast.walk(node)
            if isinstance(n, ast.Name) and frame.scope.kind(n.id) in ("state", "group")
        )
        if escaping and not isinstance(node, ast.Delete | ast.Assert):
            self.escapes(node, escaping[0])

    def escapes(self, node: ast.AST, name: str) -> None:
        """Remark that a prompt is handed to code that is not lowered."""
        frame = self.frame
        frame.remarks.append(
            Diagnostic(
                code="SGL0305",
                severity="remark",
                message=f"`{name}` is handed to Python code that is not compiled",
                span=frame.scope.source.span(node),
                label="runs live, in order",
            )
        )

    def augment(self, node: ast.AugAssign, target: ast.expr, value: ast.expr) -> None:
        """`target += value`."""
        frame = self.frame
        as_value: ast.expr = target
        if isinstance(target, ast.Subscript):
            as_value = ast.copy_location(
                ast.Subscript(target.value, target.slice, ast.Load()), target
            )
        elif isinstance(target, ast.Name):
            as_value = ast.copy_location(ast.Name(target.id, ast.Load()), target)
        if isinstance(state_of(frame.scope, as_value), Local | Item):
            handle = frame.handle(as_value)
            assert handle is not None
            Appender(frame, handle).append(value)
            return
        if group_append(frame, node):
            return
        writes = [target.id] if isinstance(target, ast.Name) else []
        frame.piece_exec(node, writes=writes)

    def expression(self, node: ast.Expr, value: ast.expr) -> None:
        """An expression statement."""
        frame = self.frame
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
            owner, method = value.func.value, value.func.attr
            if method == "join" and join(frame, value, owner):
                return
            handle = frame.handle(owner) if state_of(frame.scope, owner) else None
            if handle is not None and method in ROLES and len(value.args) == 1:
                appender = Appender(frame, handle)
                appender.role(method, value, value.args[0])
                appender.finish()
                return
        if isinstance(value, ast.Call):
            if frame.call(value) is not None:
                return
        elif isinstance(value, ast.Subscript) and state_of(frame.scope, value.value):
            frame.value(value)
            return
        self.host(node)

    def assign(self, node: ast.Assign) -> None:
        """`name = value`, and every other form of assignment."""
        frame = self.frame
        if len(node.targets) == 1:
            match node.targets[0]:
                case ast.Name(id=name):
                    lifted = (
                        frame.handle(node.value)
                        if frame.names_state(node.value)
                        else frame.value(node.value)
                        if isinstance(node.value, ast.Call | ast.Subscript)
                        else None
                    )
                    if lifted is not None:
                        frame.store(node, name, lifted)
                        return
                case ast.Subscript(value=owner) if state_of(frame.scope, owner):
                    frame.piece_exec(node)
                    return
        self.host(node)

    def branch(self, node: ast.If) -> None:
        """`if`; `elif` is an `if` in the `else`."""
        frame = self.frame
        condition = frame.value(node.test)
        regions = []
        with frame.region("then") as region:
            self.block(node.body)
            frame.end(node)
        regions.append(region)
        if node.orelse:
            with frame.region("else") as region:
                self.block(node.orelse)
                frame.end(node)
            regions.append(region)
        frame.op("cf.if", node, [condition], regions=regions)

    def while_loop(self, node: ast.While) -> None:
        """`while` with its `else`."""
        frame = self.frame
        with frame.region("cond") as cond:
            frame.op("cf.condition", node.test, [frame.value(node.test)])
        with frame.region("body") as body:
            self.block(node.body)
            frame.end(node)
        regions = [cond, body, *self._else(node)]
        frame.op("cf.while", node, regions=regions)

    def for_loop(self, node: ast.For) -> None:
        """`for` with its `else`; over branches the item is a handle."""
        frame = self.frame
        target = node.target
        if numbered_branches(frame, node, self.block):
            return
        over = isinstance(node.iter, ast.Name) and frame.scope.kind(node.iter.id) == "group"
        iterable = frame.group(node.iter) if over else frame.value(node.iter)  # type: ignore[arg-type]
        kind: TypeName = "handle" if over else "val"
        hint = target.id if isinstance(target, ast.Name) else "item"
        with frame.region("body", [(hint, kind)]) as body:
            if isinstance(target, ast.Name):
                frame.store(target, target.id, body.args[0])
            else:
                self.unpack(target, body.args[0])
            self.block(node.body)
            frame.end(node)
        frame.op("cf.for", node, [iterable], regions=[body, *self._else(node)])

    def unpack(self, target: ast.expr, item: Value) -> None:
        """Bind several names from an item."""
        frame = self.frame
        names = [n.id for n in ast.walk(target) if isinstance(n, ast.Name)]
        parts: list[tuple[str, TypeName]] = []
        if isinstance(target, ast.Tuple):
            parts = [(n, "handle" if frame.scope.kind(n) == "state" else "val") for n in names]
        made = frame.piece_exec(
            target, [item], names, f"{frame.source(target)} = ...", parts, lift=False
        )
        for name, value in zip(names, made.results, strict=False):
            frame.bind(name, value)

    def _else(self, node: ast.For | ast.While) -> list[Region]:
        if not node.orelse:
            return []
        with self.frame.region("else") as region:
            self.block(node.orelse)
            self.frame.end(node)
        return [region]

    def with_block(self, items: list[ast.withitem], node: ast.With) -> None:
        """`with`: a role, a named piece of text, or any context manager."""
        frame = self.frame
        if not items:
            self.block(node.body)
            return
        item, rest = items[0], items[1:]
        if copy_block(frame, item, node, lambda: self.with_block(rest, node)):
            return
        call = item.context_expr
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and item.optional_vars is None
            and not call.keywords
        ):
            handle = (
                frame.handle(call.func.value) if state_of(frame.scope, call.func.value) else None
            )
            if handle is not None and call.func.attr in ROLES and not call.args:
                self.role_block(handle, call, rest, node)
                return
            name = call.args[0] if len(call.args) == 1 else None
            if (
                handle is not None
                and call.func.attr == "var_scope"
                and isinstance(name, ast.Constant)
                and isinstance(name.value, str)
            ):
                with frame.region("body") as body:
                    self.with_block(rest, node)
                    frame.end(node)
                frame.op("lm.var_scope", call, [handle], {"name": name.value}, regions=[body])
                return
        context = frame.piece_eval(call)
        with frame.region("body", [("target", "val")]) as body:
            if item.optional_vars is not None:
                names = [n.id for n in ast.walk(item.optional_vars) if isinstance(n, ast.Name)]
                src = f"{frame.source(item.optional_vars)} = ..."
                frame.piece_exec(item.optional_vars, body.args, names, src, lift=False)
            self.with_block(rest, node)
            frame.end(node)
        frame.op("cf.with", call, [context], regions=[body])

    def role_block(
        self, handle: Value, call: ast.Call, rest: list[ast.withitem], node: ast.With
    ) -> None:
        """`with s.user():` closes the role however the body ends."""
        frame = self.frame
        assert isinstance(call.func, ast.Attribute)
        role = {"role": call.func.attr}
        frame.op("lm.role_begin", call, [handle], dict(role))
        with frame.region("body") as body:
            self.with_block(rest, node)
            frame.end(node)
        with frame.region("finally") as final:
            frame.op("lm.role_end", call, [handle], dict(role))
            frame.end(node)
        frame.op("cf.try", node, attrs={"kinds": []}, regions=[body, final])

    def try_block(self, node: ast.Try) -> None:
        """`try` with its handlers."""
        frame = self.frame
        with frame.region("body") as region:
            self.block(node.body)
            frame.end(node)
        regions = [region]
        kinds: list[list[str]] = []
        for handler in node.handlers:
            match handler.type:
                case None:
                    kinds.append([])
                case ast.Tuple(elts=items):
                    kinds.append([frame.source(i) for i in items])
                case other:
                    kinds.append([frame.source(other)])
            with frame.region("except", [(handler.name or "error", "val")]) as region:
                if handler.name:
                    src = f"{handler.name} = ..."
                    frame.piece_exec(handler, region.args, [handler.name], src, lift=False)
                self.block(handler.body)
                frame.end(node)
            regions.append(region)
        for label, body in (("else", node.orelse), ("finally", node.finalbody)):
            if body:
                with frame.region(label) as region:
                    self.block(body)
                    frame.end(node)
                regions.append(region)
        frame.op("cf.try", node, attrs={"kinds": kinds}, regions=regions)

    def match(self, node: ast.Match) -> None:
        """`match`: each case is a host test that binds its names, then a branch."""
        frame = self.frame
        subject = frame.value(node.subject)

        def cases(rest: list[ast.match_case]) -> None:
            if not rest:
                return
            case = rest[0]
            guard = f" if {frame.source(case.guard)}" if case.guard else ""
            writes = sorted({b.name for b in bindings_of(case.pattern)})
            test = frame.piece_exec(
                case.pattern,
                [subject],
                writes,
                f"case {frame.source(case.pattern)}{guard}",
                [("matches", "val")],
                lift=False,
            )
            with frame.region("then") as then:
                self.block(case.body)
                frame.end(node)
            regions = [then]
            if len(rest) > 1:
                with frame.region("else") as other:
                    cases(rest[1:])
                    frame.end(node)
                regions.append(other)
            frame.op("cf.if", case.pattern, [test.results[0]], regions=regions)

        cases(node.cases)
