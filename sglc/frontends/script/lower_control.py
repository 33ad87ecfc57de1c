"""Lowering of control flow: variables become values that regions hand on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sglc.expressions.nodes import Call as CallExpr
from sglc.expressions.nodes import Name
from sglc.frontends.script.ast import For, Fork, Function, If, Stmt, Try, While
from sglc.frontends.script.lower_expr import ExprLowering
from sglc.frontends.script.names import assigned, exposed, reads
from sglc.frontends.script.symbols import Unit
from sglc.ir.builder import Builder, Named, make_region
from sglc.ir.core import Loc, Op, Region, Value


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


class ControlLowering(ExprLowering):
    """Lowers statements that hold others."""

    def __init__(
        self, unit: Unit, function: Function, synthetic: frozenset[str] = frozenset()
    ) -> None:
        super().__init__(unit, function)
        self.synthetic = synthetic
        """Variables that the script does not have; records of branches go without them."""
        self.all_reads = reads(function.body)
        self.role: str | None = None
        """The role that this function opened and has not closed."""
        self.loop: _Loop | None = None
        self.guard: _Try | None = None
        self.fields: frozenset[str] = frozenset()
        """Names that the fork branch around hands over at its end."""
        self.handled: Value | None = None
        """The error that the handler around handles."""

    def block(self, stmts: Sequence[Stmt]) -> None:
        """Lower statements up to the first that always leaves."""
        raise NotImplementedError

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

    def assign_all(self, names: Sequence[str], value: Value, loc: Loc) -> None:
        """Bind one variable to the value, or several to its parts."""
        if len(names) == 1:
            self.assign(names[0], value)
            return
        parts = self.eval(f"_unpack(v, {len(names)})", {"v": value}, "parts", loc)
        for i, name in enumerate(names):
            self.assign(name, self.eval(f"parts[{i}]", {"parts": parts}, name, loc))

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

    def carried_by(self, stmt: Stmt, names: Sequence[str]) -> list[str]:
        """Those of `names` whose value after the statement may matter."""
        inside = reads([stmt])
        return [
            name
            for name in names
            if name in self.env
            or self.all_reads[name] > inside[name]
            or name in self.fields
            or self._in_guard(name)
        ]

    def _in_guard(self, name: str) -> bool:
        guard = self.guard
        while guard is not None:
            if name in guard.carried:
                return True
            guard = guard.outer
        return False

    # ---- branches and loops ----------------------------------------------------------------------

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
        regions = [cond, body]
        ends = [*initial, *_leaving(body), *self._loop_else(stmt, names, regions)]
        op = self.builder.op(
            "cf.while", initial, results=_vals(names), regions=regions, loc=stmt.loc
        )
        self.bind_results(names, op, ends)

    def _loop_else(
        self, stmt: While | For, names: Sequence[str], regions: list[Region]
    ) -> list[Value]:
        """Add the region that runs where a loop ends by itself; what it yields."""
        if not stmt.orelse:
            return []
        final = make_region("else", _vals(names))
        # A loop's values may be unset here as they may be in its body, or after it.
        body = regions[-1]
        unset = {value.name for value in _leaving(body) if value in self.maybe_unset}
        unset |= {arg.name for arg in body.args if arg in self.maybe_unset}
        self.maybe_unset |= {arg for arg in final.args if arg.name in unset}
        with self.inside(final, self._region_env(names, final.args)):
            self.block(stmt.orelse)
            self.finish(names)
        regions.append(final)
        return _yielded(final)

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
            self.assign_all(targets, item, stmt.targets[0].loc)
            self.block(stmt.body)
            self.finish(names)
        regions = [body]
        ends = [*initial, *_leaving(body), *self._loop_else(stmt, names, regions)]
        op = self.builder.op(
            "cf.for", [iterable, *initial], results=_vals(names), regions=regions, loc=stmt.loc
        )
        self.bind_results(names, op, ends)

    def _inherit_unset(self, args: Sequence[Value], initial: Sequence[Value]) -> None:
        """A region's argument may be unset where what is handed in may be."""
        for arg, value in zip(args, initial, strict=True):
            if value in self.maybe_unset:
                self.maybe_unset.add(arg)

    def _fork(self, stmt: Fork) -> None:
        items = self._fork_items(stmt)
        targets = [name.id for name in stmt.targets]
        fields = [name for name in assigned(stmt.body) if name not in self.synthetic]
        fields = [*targets, *(name for name in fields if name not in targets)]
        item_name = targets[0] if len(targets) == 1 else "item" if targets else "i"
        branch = make_region("branch", [("b", "handle"), (item_name, "val")])
        saved = self.handle, self.loop, self.guard, self.role, self.fields, self.handled
        # Inside, the role that was open at the fork is the branch's own to keep open.
        self.handle, self.loop, self.guard, self.role = branch.args[0], None, None, None
        self.fields = frozenset(fields)
        with self.inside(branch, self.env):
            if targets:
                self.assign_all(targets, branch.args[1], stmt.targets[0].loc)
            self.block(stmt.body)
            self.finish(fields)
        self.handle, self.loop, self.guard, self.role, self.fields, self.handled = saved
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
        if stmt.targets:
            return self.expr(stmt.items, "items")
        return self.expr(CallExpr(Name("range"), (stmt.items,), loc=stmt.items.loc), "items")

    def _try(self, stmt: Try) -> None:
        names = self.carried_by(stmt, assigned([stmt]))
        needed = exposed(stmt.orelse).union(*(exposed(handler.body) for handler in stmt.handlers))
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
        after = self._try_else(stmt, names, body)
        ends = _yielded(after[0] if after else body)
        handlers, kinds = [], []
        for handler in stmt.handlers:
            region = make_region("except", [("error", "val"), *_vals(names)])
            error, *args = region.args
            # The body may have failed before or after it set a variable.
            self._inherit_unset(args, initial)
            outer, self.handled = self.handled, error
            with self.inside(region, self._region_env(names, args)):
                if handler.name is not None:
                    self.assign(handler.name.id, error)
                self.block(handler.body)
                self.finish(names)
            self.handled = outer
            ends += _yielded(region)
            handlers.append(region)
            kinds.append([kind.id for kind in handler.kinds])
        op = self.builder.op(
            "cf.try",
            initial,
            {"kinds": kinds},
            results=_vals(names),
            regions=[body, *handlers, *after],
            loc=stmt.loc,
        )
        self.bind_results(names, op, ends)

    def _try_else(self, stmt: Try, names: Sequence[str], body: Region) -> list[Region]:
        """The region that runs after a body that did not fail; handlers do not look at it."""
        given = _yielded(body)
        if not stmt.orelse or len(given) != len(names):
            return []
        region = make_region("else", _vals(names))
        self._inherit_unset(region.args, given)
        with self.inside(region, self._region_env(names, region.args)):
            self.block(stmt.orelse)
            self.finish(names)
        return [region]


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
            elif op.name in ("cf.for", "cf.while"):
                todo += [region for region in op.regions if region.label == "else"]
            elif op.name != "lm.fork":
                todo += op.regions
    return found
