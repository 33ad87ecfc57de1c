"""Lowering of a function's statements: variables become values that regions hand on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sglc.expressions.nodes import Call, Expr, Literal, Name, Text
from sglc.expressions.nodes import Call as CallExpr
from sglc.frontends.script.ast import (
    Assign,
    Emit,
    ExprStmt,
    For,
    Fork,
    Function,
    If,
    Leave,
    Pass,
    Return,
    Role,
    Stmt,
    Try,
    While,
)
from sglc.frontends.script.generation import is_generation
from sglc.frontends.script.lower_expr import ExprLowering
from sglc.frontends.script.names import assigned, exposed, reads
from sglc.frontends.script.symbols import Unit
from sglc.ir.builder import Builder, Named, make_region
from sglc.ir.core import Func, Loc, Op, Region, Value


@dataclass(slots=True)
class _Loop:
    """The innermost loop: what a jump hands on, and the role that was open around it."""

    carried: list[str]
    role: str | None


@dataclass(slots=True)
class _Try:
    """A `try` whose body is being lowered: what its handlers need to know."""

    carried: list[str]
    outer: _Try | None = field(default=None)


class BodyLowering(ExprLowering):
    """Lowers one function."""

    def __init__(self, unit: Unit, function: Function, func: Func) -> None:
        super().__init__(unit, function)
        self.function = function
        self.func = func
        self.all_reads = reads(function.body)
        self.role: str | None = None
        """The role that this function opened and has not closed."""
        self.loop: _Loop | None = None
        self.guard: _Try | None = None
        self.fields: frozenset[str] = frozenset()
        """Names that the fork branch around hands over at its end."""

    def run(self) -> None:
        """Fill the function's body."""
        params = list(self.func.params)
        self.builder = Builder(self.func.body, self.function.loc)
        if self.function.kind == "fragment":
            self.handle = params.pop(0)
        else:
            self.handle = self.builder.op("lm.new", results=[("s", "handle")]).results[0]
        self.env = {value.name: value for value in params}
        self.block(self.function.body)
        if not self.builder.terminated:
            self.builder.op("cf.return")

    # ---- scopes ----------------------------------------------------------------------------------

    @contextmanager
    def inside(self, region: Region, env: dict[str, Value]) -> Iterator[None]:
        """Build into a region with its own view of the variables."""
        saved = self.builder, self.env
        self.builder, self.env = Builder(region, self.builder.loc), dict(env)
        try:
            yield
        finally:
            self.builder, self.env = saved

    def current(self, names: Sequence[str]) -> list[Value]:
        """Values of variables here; unset ones are marked."""
        return [self.value_or_unset(name) for name in names]

    def value_or_unset(self, name: str) -> Value:
        """The variable's value, or a marker that it has none."""
        if name not in self.env:
            value = self.builder.val("ex.unset", attrs={"name": name}, hint=name)
            self.maybe_unset.add(value)
            return value
        return self.env[name]

    def assign(self, name: str, value: Value) -> None:
        """Bind a variable; handlers of a `try` around learn of it."""
        self.env[name] = value
        level, guard = 0, self.guard
        while guard is not None:
            if name in guard.carried:
                self.builder.op("cf.checkpoint", self.current(guard.carried), {"level": level})
            level, guard = level + 1, guard.outer

    def finish(self, names: Sequence[str]) -> None:
        """End a region with the variables' values, unless it already left."""
        if not self.builder.terminated:
            self.builder.op("cf.yield", self.current(names))

    def bind_results(self, names: Sequence[str], op: Op, ends: Sequence[Value]) -> None:
        """Variables after an op with regions; `ends` are all values that may have come out."""
        unset = {value.name for value in ends if value in self.maybe_unset}
        for name, result in zip(names, op.results, strict=True):
            if name in unset:
                self.maybe_unset.add(result)
            self.env[name] = result

    def read_outside(self, stmt: Stmt) -> Counter[str]:
        """Reads of each name elsewhere in the function."""
        return self.all_reads - reads([stmt])

    def carried_by(self, stmt: Stmt, names: Sequence[str]) -> list[str]:
        """Those of `names` whose value after the statement may matter."""
        outside = self.read_outside(stmt)
        return [
            name
            for name in names
            if name in self.env or outside[name] or name in self.fields or self._in_guard(name)
        ]

    def _in_guard(self, name: str) -> bool:
        guard = self.guard
        while guard is not None:
            if name in guard.carried:
                return True
            guard = guard.outer
        return False

    # ---- statements ------------------------------------------------------------------------------

    def block(self, stmts: Sequence[Stmt]) -> None:
        """Lower statements up to the first that always leaves."""
        for stmt in stmts:
            if self.builder.terminated:
                return
            self.builder.loc = stmt.loc
            self.stmt(stmt)

    def stmt(self, stmt: Stmt) -> None:
        """Lower one statement."""
        match stmt:
            case Emit():
                self.emit(stmt.text)
            case ExprStmt():
                self._expr_stmt(stmt.value)
            case Assign():
                self._assign(stmt)
            case Role():
                self._role(stmt)
            case Return():
                self._return(stmt)
            case Leave():
                self._leave(stmt)
            case If():
                self._if(stmt)
            case While():
                self._while(stmt)
            case For():
                self._for(stmt)
            case Fork():
                self._fork(stmt)
            case Try():
                self._try(stmt)
            case Pass():
                pass

    def emit(self, text: Literal | Text) -> None:
        """Append text with its operands."""
        parts = [str(text.value)] if isinstance(text, Literal) else list(text.parts)
        constants, operands = [""], []
        for part in parts:
            if isinstance(part, str):
                constants[-1] += part
            elif isinstance(part, Literal) and isinstance(part.value, str):
                constants[-1] += part.value
            else:
                operands.append(self.expr(part))
                constants.append("")
        if constants == [""]:
            return
        self.builder.op(
            "lm.text", [self.handle, *operands], {"text": constants, "format": "sgl"}, loc=text.loc
        )

    def _expr_stmt(self, value: Expr) -> None:
        if is_generation(value):
            assert isinstance(value, Call)
            self.generation(value, None)
        else:
            self.expr(value)

    def right_side(self, value: Expr, name: str | None) -> Value:
        """A whole right-hand side."""
        if is_generation(value):
            assert isinstance(value, Call)
            return self.generation(value, name)
        return self.expr(value, name or "v")

    def _assign(self, stmt: Assign) -> None:
        names = [name.id for name in stmt.targets]
        value = self.right_side(stmt.value, names[0] if len(names) == 1 else None)
        if len(names) == 1:
            self.assign(names[0], value)
        else:
            self._take_apart(names, value, stmt.loc)

    def _take_apart(self, names: Sequence[str], value: Value, loc: Loc) -> None:
        parts = self.eval(f"_unpack(v, {len(names)})", {"v": value}, "parts", loc)
        for i, name in enumerate(names):
            self.assign(name, self.eval(f"parts[{i}]", {"parts": parts}, name, loc))

    def _role(self, stmt: Role) -> None:
        attrs = {"role": stmt.role}
        self.builder.op("lm.role_begin", [self.handle], attrs, loc=stmt.role_loc.loc)
        saved, self.role = self.role, stmt.role
        self.block(stmt.body)
        self.role = saved
        if not self.builder.terminated:
            self.builder.op("lm.role_end", [self.handle], attrs, loc=stmt.role_loc.loc)

    def _close_role(self, around: str | None) -> None:
        """Before control leaves: close the role, unless it was open `around` already."""
        if self.role is not None and around is None:
            self.builder.op("lm.role_end", [self.handle], {"role": self.role})

    def _return(self, stmt: Return) -> None:
        values = [self.right_side(stmt.value, None)] if stmt.value is not None else []
        self._close_role(None)
        self.builder.op("cf.return", values)

    def _leave(self, stmt: Leave) -> None:
        assert self.loop is not None
        self._close_role(self.loop.role)
        self.builder.op(f"cf.{stmt.kind}", self.current(self.loop.carried))

    def _if(self, stmt: If) -> None:
        condition = self.expr(stmt.condition, "c")
        names = self.carried_by(stmt, assigned([stmt]))
        regions = []
        ends: list[Value] = []
        for label, body in (("then", stmt.body), ("else", stmt.orelse)):
            region = make_region(label)
            with self.inside(region, self.env):
                self.block(body)
                self.finish(names)
                ends += _yielded(region)
            regions.append(region)
        if not names and not stmt.orelse:
            regions.pop()
        op = self.builder.op(
            "cf.if",
            [condition],
            results=_vals(names),
            regions=regions,
            loc=stmt.loc,
        )
        self.bind_results(names, op, ends)

    def _loop_names(self, stmt: While | For) -> list[str]:
        inside = exposed([stmt])
        names = assigned([stmt])
        kept = set(self.carried_by(stmt, names))
        return [name for name in names if name in kept or name in inside]

    @contextmanager
    def _looping(self, names: list[str]) -> Iterator[None]:
        saved = self.loop
        self.loop = _Loop(names, self.role)
        try:
            yield
        finally:
            self.loop = saved

    def _region_env(self, names: Sequence[str], args: Sequence[Value]) -> dict[str, Value]:
        return {**self.env, **dict(zip(names, args, strict=True))}

    def _while(self, stmt: While) -> None:
        names = self._loop_names(stmt)
        initial = self.current(names)
        cond, body = make_region("cond", _vals(names)), make_region("body", _vals(names))
        for region in (cond, body):
            self._inherit_unset(region.args, initial)
        with self.inside(cond, self._region_env(names, cond.args)):
            self.builder.loc = stmt.condition.loc
            value = self.expr(stmt.condition, "c")
            self.builder.op("cf.condition", [value, *self.current(names)])
        with self.inside(body, self._region_env(names, body.args)), self._looping(names):
            self.block(stmt.body)
            self.finish(names)
        op = self.builder.op(
            "cf.while", initial, results=_vals(names), regions=[cond, body], loc=stmt.loc
        )
        self.bind_results(names, op, [*initial, *_leaving(body)])

    def _for(self, stmt: For) -> None:
        iterable = self.expr(stmt.iterable, "items")
        names = self._loop_names(stmt)
        initial = self.current(names)
        targets = [name.id for name in stmt.targets]
        item_name = targets[0] if len(targets) == 1 else "item"
        body = make_region("body", [(item_name, "val"), *_vals(names)])
        item, *args = body.args
        self._inherit_unset(args, initial)
        with self.inside(body, self._region_env(names, args)), self._looping(names):
            if len(targets) == 1:
                self.assign(targets[0], item)
            else:
                self._take_apart(targets, item, stmt.targets[0].loc)
            self.block(stmt.body)
            self.finish(names)
        op = self.builder.op(
            "cf.for", [iterable, *initial], results=_vals(names), regions=[body], loc=stmt.loc
        )
        self.bind_results(names, op, [*initial, *_leaving(body)])

    def _inherit_unset(self, args: Sequence[Value], initial: Sequence[Value]) -> None:
        """A region's argument may be unset where what is handed in may be."""
        for arg, value in zip(args, initial, strict=True):
            if value in self.maybe_unset:
                self.maybe_unset.add(arg)

    def _fork(self, stmt: Fork) -> None:
        items = self._fork_items(stmt)
        item_name = stmt.item.id if stmt.item is not None else "i"
        fields = assigned(stmt.body)
        if stmt.item is not None:
            fields = [stmt.item.id, *(name for name in fields if name != stmt.item.id)]
        branch = make_region("branch", [("b", "handle"), (item_name, "val")])
        saved = self.handle, self.loop, self.guard, self.role, self.fields
        # Inside, the role that was open at the fork is the branch's own to keep open.
        self.handle, self.loop, self.guard, self.role = branch.args[0], None, None, None
        self.fields = frozenset(fields)
        env = {**self.env, item_name: branch.args[1]} if stmt.item is not None else self.env
        with self.inside(branch, env):
            self.block(stmt.body)
            self.finish(fields)
        self.handle, self.loop, self.guard, self.role, self.fields = saved
        op = self.builder.op(
            "lm.fork",
            [self.handle, items],
            {"fields": fields},
            results=[(stmt.name.id if stmt.name is not None else "records", "val")],
            regions=[branch],
            loc=stmt.loc,
        )
        if stmt.name is not None:
            self.assign(stmt.name.id, op.results[0])

    def _fork_items(self, stmt: Fork) -> Value:
        if stmt.item is not None:
            return self.expr(stmt.items, "items")
        return self.expr(CallExpr(Name("range"), (stmt.items,), loc=stmt.items.loc), "items")

    def _try(self, stmt: Try) -> None:
        names = self.carried_by(stmt, assigned([stmt]))
        needed = set().union(*(exposed(handler.body) for handler in stmt.handlers))
        names += [n for n in assigned(stmt.body) if n in needed and n not in names]
        initial = self.current(names)
        body = make_region("body", _vals(names))
        self._inherit_unset(body.args, initial)
        saved = self.guard
        self.guard = _Try(names, saved)
        with self.inside(body, self._region_env(names, body.args)):
            self.block(stmt.body)
            self.finish(names)
        self.guard = saved
        ends = _yielded(body)
        handlers, kinds = [], []
        for handler in stmt.handlers:
            region = make_region("except", [("error", "val"), *_vals(names)])
            error, *args = region.args
            # The body may have failed before or after it set a variable.
            self._inherit_unset(args, initial)
            with self.inside(region, self._region_env(names, args)):
                if handler.name is not None:
                    self.assign(handler.name.id, error)
                self.block(handler.body)
                self.finish(names)
            ends += _yielded(region)
            handlers.append(region)
            kinds.append([handler.kind.id] if handler.kind is not None else [])
        op = self.builder.op(
            "cf.try",
            initial,
            {"kinds": kinds},
            results=_vals(names),
            regions=[body, *handlers],
            loc=stmt.loc,
        )
        self.bind_results(names, op, ends)


def _vals(names: Sequence[str]) -> list[Named]:
    return [(name, "val") for name in names]


def _yielded(region: Region) -> list[Value]:
    end = region.terminator
    return list(end.operands) if end is not None and end.name == "cf.yield" else []


def _leaving(body: Region) -> list[Value]:
    """Values that leave a loop's body, by its end or by jumps of this loop."""
    found = _yielded(body)
    todo: list[Region] = [body]
    while todo:
        for op in todo.pop().ops:
            if op.name in ("cf.break", "cf.continue"):
                found += op.operands
            elif op.name not in ("cf.for", "cf.while", "lm.fork"):
                todo += op.regions
    return found
