"""Checks of expressions: names, calls, and whether the values can go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sglc.diagnostics.suggest import did_you_mean
from sglc.expressions.nodes import (
    Attribute,
    Binary,
    BoolOp,
    Call,
    Compare,
    Comprehension,
    Conditional,
    DictExpr,
    Expr,
    Index,
    ListExpr,
    Literal,
    Name,
    Slice,
    Text,
    Unary,
)
from sglc.expressions.problem import Mark, Problem, join_locs
from sglc.frontends.script import check_operators as operators
from sglc.frontends.script import operator_problems
from sglc.frontends.script.ast import Function
from sglc.frontends.script.check_calls import BUILTINS, CallChecker
from sglc.frontends.script.check_flow import Answers, Known
from sglc.frontends.script.check_kinds import (
    BOOL,
    FLOAT,
    INT,
    STR,
    JsonSchema,
    Types,
    constant_type,
    describe,
    from_schema,
    names_of,
    never,
    one,
    record,
    union,
)
from sglc.frontends.script.generation import is_generation
from sglc.frontends.script.symbols import Unit
from sglc.ir.core import Loc

Schemas = Mapping[str, JsonSchema]


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds an expression."""

    role: tuple[str, Loc] | None = None
    handled: bool = False
    """A failure is handled, so an expression that certainly fails is no mistake."""
    hidden: Mapping[str, Loc] = field(default_factory=dict)
    """Items of the forks around."""
    comprehension: bool = False


class ExprChecker:
    """Checks expressions of a file; what it finds goes to `problems`."""

    def __init__(
        self, unit: Unit, schemas: Schemas, function: Function, own: Mapping[str, Loc]
    ) -> None:
        self.unit = unit
        self.schemas = schemas
        self.function = function
        self.own = own
        """The function's own variables, and where they are first set."""
        self.problems: list[Problem] = []
        self._calls = CallChecker(self)
        self.answers = Answers()
        self._reported: set[tuple[str, str]] = set()

    def add(self, *problems: Problem) -> None:
        """Report."""
        self.problems += problems

    def wrong(self, around: Around, message: str, loc: Loc, label: str, **more: Any) -> None:
        """Report an expression that certainly has no value; its type is unknown."""
        if not around.handled:
            self.add(Problem(more.pop("code", "SGL0226"), message, loc, label, **more))

    # ---- expressions -----------------------------------------------------------------------------

    def check(self, expr: Expr, known: Known, around: Around) -> Types:
        """Report what is wrong with an expression; what it can be."""
        match expr:
            case Name():
                return self.name(expr, known)
            case Literal():
                return constant_type(expr.value)
            case Text():
                for part in expr.parts:
                    if not isinstance(part, str):
                        self.check(part, known, around)
                return STR
            case ListExpr():
                items = [self.check(item, known, around) for item in expr.items]
                return one("list", union(*items) if items else None)
            case DictExpr():
                return self._dict(expr, known, around)
            case Comprehension():
                return self._comprehension(expr, known, around)
            case Attribute():
                return self._attribute(expr, known, around)
            case Index():
                return self._index(expr, known, around)
            case Slice():
                return self._slice(expr, known, around)
            case Call():
                return self._call(expr, known, around)
            case Unary():
                return self._unary(expr, known, around)
            case Binary():
                return self._binary(expr, known, around)
            case BoolOp():
                left = self.check(expr.left, known, around)
                return union(left, self.check(expr.right, known, around))
            case Compare():
                return self._compare(expr, known, around)
            case Conditional():
                self.check(expr.condition, known, around)
                then = self.check(expr.then, known, around)
                return union(then, self.check(expr.other, known, around))
        return None

    def _dict(self, expr: DictExpr, known: Known, around: Around) -> Types:
        fields: dict[str, Types] | None = {}
        for key, value in expr.pairs:
            self._check_key(key, known, around)
            types = self.check(value, known, around)
            if fields is not None and isinstance(key, Literal) and isinstance(key.value, str):
                fields[key.value] = types
            else:
                fields = None
        return one("dict") if fields is None else record(fields)

    def _comprehension(self, expr: Comprehension, known: Known, around: Around) -> Types:
        source = self.looped(expr.iterable, known, around)
        inner = known.layer()
        inside = replace(around, comprehension=True)
        for name in expr.targets:
            inner.set(name, source if len(expr.targets) == 1 else None)
        if expr.condition is not None:
            self.check(expr.condition, inner, inside)
        if expr.key is not None:
            self._check_key(expr.key, inner, inside)
        item = self.check(expr.item, inner, inside)
        for name in inner.own.keys() - set(expr.targets):
            known.read(name)
        return one("list" if expr.key is None else "dict", item)

    def _check_key(self, key: Expr, known: Known, around: Around) -> None:
        kind = self.check(key, known, around)
        if never(kind, ("str",)):
            message = f"keys of a dict are strings, not {describe(kind)}"
            self.wrong(around, message, key.loc, f"is {describe(kind)}")

    def looped(self, expr: Expr, known: Known, around: Around) -> Types:
        """Check what a loop goes over; the type of its items."""
        types = self.check(expr, known, around)
        if never(types, operators.LOOPED):
            helps: tuple[str, ...] = ()
            if names_of(types) == {"int"}:
                helps = ("to count, loop over `range(n)`",)
            message = f"a loop needs a list, not {describe(types)}"
            self.wrong(around, message, expr.loc, f"is {describe(types)}", helps=helps)
            return None
        return operators.item_of(types)

    # ---- names -----------------------------------------------------------------------------------

    def name(self, name: Name, known: Known) -> Types:
        """Check that a variable is set; what it can be."""
        fact = known.get(name.id)
        if fact is not None:
            self.answers.read(name.id, fact)
            known.read(name.id)
            if fact.certain:
                return fact.types
        if fact is None and self.missing_import(name):
            return None
        code = "SGL0202" if fact is None else "SGL0203"
        if (code, name.id) not in self._reported:
            self._reported.add((code, name.id))
            self.add(self._undefined(name, known) if fact is None else _unset(name))
        return None

    def missing_import(self, value: Expr) -> bool:
        """Whether this names an import that failed, which was reported there."""
        if not isinstance(value, Name):
            return False
        return value.id in self.unit.import_items and value.id not in self.unit.imports

    def _undefined(self, name: Name, known: Known) -> Problem:
        later = self.own.get(name.id)
        if later is not None and (later.line, later.column) > (name.loc.line, name.loc.column):
            return Problem(
                "SGL0227",
                f"`{name.id}` is read before it is set",
                name.loc,
                "not set yet",
                marks=(Mark(later, "set here"),),
            )
        helps = did_you_mean(name.id, sorted(known.names()))
        message, label = f"undefined name `{name.id}`", "never set"
        if name.id in self.unit.functions or name.id in self.unit.externs or name.id in BUILTINS:
            message, label = f"`{name.id}` is a function, not a value", "not called"
            helps = (f"call it: `{name.id}(...)`",)
        elif name.id in self.unit.schemas:
            message, label = f"`{name.id}` is a schema, not a value", "not a value"
            helps = (f"use it as `gen(json={name.id})` or in annotations",)
        elif name.id in self.unit.imports:
            message, label = f"`{name.id}` is an import, not a value", "not a value"
            helps = (f"call its functions: `{name.id}.name(...)`",)
        elif name.id in ("gen", "select"):
            message, label = f"`{name.id}` is not called", "not a value"
            helps = (f"write `{name.id}(...)`",)
        return Problem("SGL0202", message, name.loc, label, helps=helps)

    # ---- parts of values -------------------------------------------------------------------------

    def fields(self, types: Types) -> dict[str, Types] | None:
        """Every field that a dict of this type may have, None where that is not known."""
        found: dict[str, list[Types]] = {}
        for kind in types or ():
            if kind.name != "dict":
                continue
            own = self._fields_of(kind.record) if kind.record else kind.fields
            if own is None:
                return None
            for name, inner in dict(own).items():
                found.setdefault(name, []).append(inner)
        return {name: union(*inner) for name, inner in found.items()}

    def _fields_of(self, name: str) -> dict[str, Types] | None:
        schema = self.schemas.get(name)
        if schema is None:
            return None
        return {field: from_schema(inner) for field, inner in schema["properties"].items()}

    def _attribute(self, expr: Attribute, known: Known, around: Around) -> Types:
        types = self.check(expr.value, known, around)
        if never(types, ("dict",)):
            message = f"{describe(types)} has no field `{expr.name}`"
            helps: tuple[str, ...] = ()
            if any(operators.has_method(kind, expr.name) for kind in types or ()):
                helps = (f"it is a method: `{expr.name}(...)`",)
            self.wrong(around, message, expr.loc, f"no field of {describe(types)}", helps=helps)
            return None
        return self._field(expr, types, expr.name, around)

    def _field(self, expr: Attribute | Index, types: Types, name: str, around: Around) -> Types:
        fields = self.fields(types)
        if not types or fields is None:
            return None
        if name not in fields:
            listed = ", ".join(f"`{each}`" for each in list(fields)[:8])
            self.wrong(
                around,
                f"there is no field `{name}`",
                expr.loc,
                "unknown field",
                code="SGL0228",
                helps=did_you_mean(name, fields) or (f"there is {listed}" if listed else "",)[:1],
            )
            return None
        return fields[name]

    def _index(self, expr: Index, known: Known, around: Around) -> Types:
        types = self.check(expr.value, known, around)
        index = self.check(expr.index, known, around)
        if never(types, operators.LOOPED):
            message = f"{describe(types)} has no elements"
            self.wrong(around, message, expr.loc, f"is {describe(types)}")
            return None
        kinds = names_of(types)
        if kinds and "dict" not in kinds and never(index, ("int",)):
            message = f"an index is an integer, not {describe(index)}"
            self.wrong(around, message, expr.index.loc, f"is {describe(index)}")
            return None
        if kinds == {"dict"} and never(index, ("str",)):
            message = f"a key is a string, not {describe(index)}"
            self.wrong(around, message, expr.index.loc, f"is {describe(index)}")
            return None
        if kinds == {"dict"}:
            if isinstance(expr.index, Literal):
                return self._field(expr, types, str(expr.index.value), around)
            return union(*(kind.item for kind in types or ()))
        return None if "dict" in kinds else operators.item_of(types)

    def _slice(self, expr: Slice, known: Known, around: Around) -> Types:
        types = self.check(expr.value, known, around)
        if never(types, operators.UNPACKED):
            message = f"{describe(types)} cannot be sliced"
            self.wrong(around, message, expr.loc, f"is {describe(types)}")
            types = None
        for bound in (expr.start, expr.stop, expr.step):
            if bound is None:
                continue
            kind = self.check(bound, known, around)
            if never(kind, ("int", "none")):
                message = f"a slice needs integers, not {describe(kind)}"
                self.wrong(around, message, bound.loc, f"is {describe(kind)}")
        if types and any(kind.values is not None for kind in types):
            return STR if names_of(types) == {"str"} else None
        return types

    # ---- operators -------------------------------------------------------------------------------

    def _unary(self, expr: Unary, known: Known, around: Around) -> Types:
        types = self.check(expr.value, known, around)
        if expr.op == "not":
            return BOOL
        if never(types, ("int", "float", "bool")):
            message = f"`{expr.op}` needs a number, not {describe(types)}"
            self.wrong(around, message, expr.loc, f"is {describe(types)}")
            return None
        return union(*(FLOAT if kind.name == "float" else INT for kind in types)) if types else None

    def _binary(self, expr: Binary, known: Known, around: Around) -> Types:
        left = self.check(expr.left, known, around)
        right = self.check(expr.right, known, around)
        fits, types = operators.binary(expr.op, left, right)
        if not fits:
            self.wrong(
                around,
                f"`{expr.op}` does not work on {describe(left)} and {describe(right)}",
                expr.loc,
                "do not go together",
                helps=operator_problems.how_to_add(expr.op, left, right),
            )
        return types

    def _compare(self, expr: Compare, known: Known, around: Around) -> Types:
        left, place = self.check(expr.first, known, around), expr.first
        for op, operand in expr.rest:
            right = self.check(operand, known, around)
            loc = join_locs(place.loc, operand.loc)
            if op in ("in", "not in"):
                self._contained(op, left, right, loc, around)
            elif op in ("==", "!="):
                if operators.never_equal(left, right):
                    self.add(operator_problems.never_equal(op, left, right, loc))
            elif not operators.ordered(left, right):
                message = f"`{op}` does not compare {describe(left)} with {describe(right)}"
                self.wrong(
                    around,
                    message,
                    loc,
                    "do not compare",
                    helps=operator_problems.convert(left, right),
                )
            left, place = right, operand
        return BOOL

    def _contained(self, op: str, left: Types, right: Types, loc: Loc, around: Around) -> None:
        if never(right, operators.LOOPED):
            message = f"`{op}` needs a list, not {describe(right)}"
            self.wrong(around, message, loc, f"is {describe(right)}")
        elif names_of(right) == {"str"} and never(left, ("str",)):
            message = f"a string contains strings, not {describe(left)}"
            self.wrong(around, message, loc, f"looks for {describe(left)}")

    # ---- calls -----------------------------------------------------------------------------------

    def _call(self, call: Call, known: Known, around: Around) -> Types:
        if is_generation(call):
            assert isinstance(call.function, Name)
            self.add(
                Problem(
                    "SGL0214",
                    f"`{call.function.id}` inside an expression",
                    call.loc,
                    "must stand alone",
                    helps=(f"write `x = {call.function.id}(...)` before, and use `x` here",),
                )
            )
        receiver: Types = None
        if isinstance(call.function, Attribute):
            value = call.function.value
            # One that could not be imported was reported where it is imported.
            if not (isinstance(value, Name) and value.id in self.unit.import_items):
                receiver = self.check(value, known, around)
        elif not isinstance(call.function, Name):
            self.check(call.function, known, around)
        args = [self.check(arg, known, around) for arg in call.args]
        named = {k.name: self.check(k.value, known, around) for k in call.keywords}
        if is_generation(call):
            return None
        if isinstance(call.function, Attribute) and self.missing_import(call.function.value):
            return None
        return self._calls.check(call, receiver, args, named, known, around)


def _unset(name: Name) -> Problem:
    return Problem(
        "SGL0203",
        f"`{name.id}` may be unset here",
        name.loc,
        "not set on every way",
        severity="warning",
    )
