"""Lowering of expressions, calls and generations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sglc.expressions.nodes import (
    BoolOp,
    Call,
    Compare,
    Conditional,
    Expr,
    Keyword,
    Literal,
    Name,
    children,
    names,
    with_children,
)
from sglc.expressions.printer import print_expr
from sglc.frontends.script.ast import Extern, Function
from sglc.frontends.script.generation import dtype_value, schema_name
from sglc.frontends.script.names import assigned, reads
from sglc.frontends.script.symbols import Target, Unit, calls_inside, find_target
from sglc.frontends.script.types import NO_DEFAULT, constant, type_text
from sglc.ir.builder import Builder, make_region
from sglc.ir.core import Loc, Symbol, Value


class ExprLowering:
    """Turns expressions into values, at the builder's place and with its variables."""

    builder: Builder
    handle: Value
    env: dict[str, Value]

    def __init__(self, unit: Unit, function: Function) -> None:
        self.unit = unit
        self.maybe_unset: set[Value] = set()
        """Values that may be the mark of an unset variable."""
        self._taken = {
            *(param.name for param in function.params),
            *function.captured,
            *assigned(function.body),
            *reads(function.body),
        }

    # ---- expressions -----------------------------------------------------------------------------

    def expr(self, expr: Expr, hint: str = "v") -> Value:
        """The value of any expression without `gen` and `select`."""
        if isinstance(expr, Name) and expr.id in self.env:
            value = self.env[expr.id]
            if value not in self.maybe_unset:
                return value
        if isinstance(expr, Literal):
            return self.builder.val(
                "ex.const", attrs={"value": expr.value}, hint=hint, loc=expr.loc
            )
        if isinstance(expr, Call):
            target = find_target(self.unit, expr.function)
            if target is not None:
                return self.call(expr, target, hint)
        if self._has_calls(expr):
            return self._with_calls(expr, hint)
        return self._pure(expr, {}, hint)

    def eval(self, src: str, operands: Mapping[str, Value], hint: str, loc: Loc) -> Value:
        """An expression given as text over named values."""
        return self.builder.val(
            "ex.eval",
            list(operands.values()),
            {"src": src, "names": list(operands)},
            hint=hint,
            loc=loc,
        )

    def _pure(self, expr: Expr, temporaries: Mapping[str, Value], hint: str) -> Value:
        operands: dict[str, Value] = {}
        for name in names(expr):
            if name.id not in operands:
                operands[name.id] = temporaries.get(name.id) or self._variable(name.id)
        return self.eval(print_expr(expr), operands, hint, expr.loc)

    def _variable(self, name: str) -> Value:
        value = self.env.get(name)
        if value is None:
            value = self.builder.val("ex.unset", attrs={"name": name}, hint=name)
        return value

    def _has_calls(self, expr: Expr) -> bool:
        return next(calls_inside(self.unit, expr), None) is not None

    # ---- expressions that call functions of the script -------------------------------------------

    def _with_calls(self, expr: Expr, hint: str) -> Value:
        """Calls become ops, in the order of evaluation; what is pure stays an expression."""
        if isinstance(expr, BoolOp) and self._has_calls(expr.right):
            left = self.expr(expr.left)
            return self._choose(left, expr.op == "and", expr.right, left, hint, expr.loc)
        if isinstance(expr, Conditional) and (
            self._has_calls(expr.then) or self._has_calls(expr.other)
        ):
            condition = self.expr(expr.condition, "c")
            return self._choose(condition, True, expr.then, expr.other, hint, expr.loc)
        if isinstance(expr, Compare) and len(expr.rest) > 1:
            return self._chain(expr, hint)
        temporaries: dict[str, Value] = {}
        rebuilt = self._pull(expr, temporaries)
        return self._pure(rebuilt, temporaries, hint)

    def _pull(self, expr: Expr, temporaries: dict[str, Value]) -> Expr:
        """The expression with calls, and all that comes before them, replaced by names."""
        parts = list(children(expr))
        last = max((i for i, part in enumerate(parts) if self._has_calls(part)), default=-1)
        pulled: list[Expr] = []
        for i, part in enumerate(parts):
            if i > last or isinstance(part, Literal):
                pulled.append(part)
            else:
                name = self._temporary(temporaries)
                temporaries[name] = self.expr(part, "t")
                pulled.append(Name(name, loc=part.loc))
        return with_children(expr, pulled)

    def _temporary(self, used: Mapping[str, Value]) -> str:
        number = len(used)
        while f"t{number}" in self._taken or f"t{number}" in used:
            number += 1
        return f"t{number}"

    def _chain(self, expr: Compare, hint: str) -> Value:
        """`a < b < c` as `a < b and b < c` with b computed once."""
        op, second = expr.rest[0]
        temporaries: dict[str, Value] = {}
        first_name = self._temporary(temporaries)
        temporaries[first_name] = self.expr(expr.first, "t")
        second_name = self._temporary(temporaries)
        temporaries[second_name] = self.expr(second, "t")
        middle = Name(second_name, loc=second.loc)
        holds = self._pure(
            Compare(Name(first_name), ((op, middle),), loc=expr.loc), temporaries, "c"
        )
        region, other = make_region("then"), make_region("else")
        saved, env = self.builder, self.env
        self.builder = Builder(region, expr.loc)
        self.env = {**env, second_name: temporaries[second_name]}
        rest = self.expr(Compare(middle, expr.rest[1:], loc=expr.loc))
        self.builder.op("cf.yield", [rest])
        self.builder, self.env = saved, env
        Builder(other, expr.loc).op("cf.yield", [holds])
        return self.builder.op(
            "cf.if", [holds], results=[(hint, "val")], regions=[region, other], loc=expr.loc
        ).results[0]

    def _choose(
        self,
        condition: Value,
        when: bool,
        then: Expr,
        other: Expr | Value,
        hint: str,
        loc: Loc,
    ) -> Value:
        """`then` where the condition is `when`, else `other`."""
        chosen: list[tuple[str, Expr | Value]] = [("then", then), ("else", other)]
        if not when:
            chosen = [("then", other), ("else", then)]
        regions = []
        saved, env = self.builder, self.env
        for label, part in chosen:
            region = make_region(label)
            self.builder, self.env = Builder(region, loc), dict(env)
            value = part if isinstance(part, Value) else self.expr(part)
            self.builder.op("cf.yield", [value])
            regions.append(region)
        self.builder, self.env = saved, env
        return self.builder.op(
            "cf.if", [condition], results=[(hint, "val")], regions=regions, loc=loc
        ).results[0]

    # ---- calls -----------------------------------------------------------------------------------

    def call(self, call: Call, target: Target, hint: str) -> Value:
        """A call of a function, fragment or extern."""
        given = [self.expr(arg) for arg in call.args]
        captured = self.unit.captures.get(target.path, ())
        named = {
            # A variable that is not set is handed over as such: it may never be read.
            keyword.name: self._variable(keyword.name)
            if keyword.name in captured
            else self.expr(keyword.value)
            for keyword in call.keywords
        }
        definition = target.definition
        if isinstance(definition, Extern):
            return self._extern(call, target, definition, given, named, hint)
        operands = [*given, *named.values()]
        args = [*[None] * len(given), *named]
        attrs: dict[str, Any] = {"callee": Symbol(target.symbol), "args": args}
        if definition.kind == "fragment":
            operands.insert(0, self.handle)
            return self.builder.val("cf.call", operands, attrs, hint=hint, loc=call.loc)
        return self.builder.val("lm.run", operands, attrs, hint=hint, loc=call.loc)

    def _extern(
        self,
        call: Call,
        target: Target,
        extern: Extern,
        given: list[Value],
        named: dict[str, Value],
        hint: str,
    ) -> Value:
        """Arguments are handed over by position, in the declared order, defaults filled in."""
        operands = list(given)
        for param in extern.params[len(given) :]:
            if param.name in named:
                operands.append(named[param.name])
            else:
                default = constant(param.default)
                operands.append(
                    self.builder.val("ex.const", attrs={"value": default}, loc=call.loc)
                )
        attrs: dict[str, Any] = {
            "target": extern.target,
            "args": [None] * len(operands),
        }
        if extern.returns is not None:
            attrs["returns"] = type_text(extern.returns)
        return self.builder.val("py.call", operands, attrs, hint=hint, loc=call.loc)

    # ---- gen and select --------------------------------------------------------------------------

    def generation(self, call: Call, name: str | None) -> Value:
        """A `gen` or `select` whose result is called `name`."""
        assert isinstance(call.function, Name)
        kind = call.function.id
        keywords = list(call.keywords)
        if kind == "select" and call.args:
            keywords.insert(0, Keyword("choices", call.args[0], loc=call.args[0].loc))
        if kind == "gen":
            own = {keyword.name for keyword in keywords}
            keywords += [k for n, k in self.unit.settings.items() if n not in own]
        attrs: dict[str, Any] = {"name": name, "args": []}
        operands = [self.handle]
        for keyword in keywords:
            self._parameter(keyword, attrs, operands)
        return self.builder.val(f"lm.{kind}", operands, attrs, hint=name or kind, loc=call.loc)

    def _parameter(self, keyword: Keyword, attrs: dict[str, Any], operands: list[Value]) -> None:
        """A constant parameter becomes an attribute, another one an operand."""
        name, expr = keyword.name, keyword.value
        if name == "json":
            schema = schema_name(self.unit, expr)
            assert schema is not None
            attrs["json_schema"] = Symbol(schema)
            return
        name = "choices_method" if name == "method" else name
        value = constant(dtype_value(expr) if name == "dtype" else expr)
        if value is NO_DEFAULT:
            operands.append(self.expr(expr, name))
            attrs["args"].append(name)
        elif value is not None:
            attrs[name] = value
