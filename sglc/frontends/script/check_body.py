"""Checks of a function's body: names, loops, forks, roles, calls."""

from __future__ import annotations

from dataclasses import replace

from sglc.expressions.conversion import describe as describe_schema
from sglc.expressions.functions import ERROR_KINDS
from sglc.expressions.nodes import Attribute, Call, Compare, Expr, ListExpr, Literal, Name, Text
from sglc.expressions.problem import Problem
from sglc.frontends.script import body_problems as problem
from sglc.frontends.script import check_operators as operators
from sglc.frontends.script.ast import (
    Assign,
    Emit,
    ExprStmt,
    For,
    Fork,
    Function,
    Handler,
    If,
    Leave,
    Param,
    Pass,
    Raise,
    Return,
    Role,
    Stmt,
    Try,
    While,
)
from sglc.frontends.script.check_calls import BUILTINS
from sglc.frontends.script.check_expr import ExprChecker, Schemas
from sglc.frontends.script.check_flow import Fact, Known
from sglc.frontends.script.check_forks import never_differs
from sglc.frontends.script.check_generation import generated_type, unfit_parameters
from sglc.frontends.script.check_kinds import (
    STR,
    Types,
    describe,
    from_schema,
    names_of,
    never,
    one,
    record,
    unfit,
)
from sglc.frontends.script.check_place import Loop, Place, Way, assign_places
from sglc.frontends.script.generation import (
    check_generation,
    check_image,
    dtype_value,
    is_generation,
    is_image,
)
from sglc.frontends.script.names import assigned, local_functions
from sglc.frontends.script.symbols import Unit, find_target
from sglc.frontends.script.taken import Taken
from sglc.frontends.script.types import annotation_schema
from sglc.ir.core import Loc


def check_body(unit: Unit, function: Function, schemas: Schemas) -> list[Problem]:
    """Errors and warnings in the body of a function."""
    places = {param.name: param.loc for param in function.params}
    places |= assign_places(function.body)
    checker = _BodyChecker(unit, function, schemas, places)
    known = Known()
    # Whether an outer variable is set is checked where the function is called.
    for name in unit.outer_names.get(function.path, ()):
        known.set(name)
    for param in function.params:
        checker.check_target(Name(param.name, loc=param.loc))
        known.set(param.name, _param_type(unit, param))
    checker.local_names(function, places)
    checker.block(function.body, known, Place(nested=Taken(places), top=True))
    checker.add(*checker.expressions.answers.problems())
    return checker.expressions.problems


def _param_type(unit: Unit, param: Param) -> Types:
    schema = annotation_schema(unit, param.type)
    return None if schema is None else from_schema(schema)


class _BodyChecker:
    def __init__(
        self, unit: Unit, function: Function, schemas: Schemas, own: dict[str, Loc]
    ) -> None:
        self.unit = unit
        self.function = function
        self.expressions = ExprChecker(unit, schemas, function, own)

    def add(self, *problems: Problem) -> None:
        self.expressions.add(*problems)

    # ---- statements ------------------------------------------------------------------------------

    def block(self, stmts: tuple[Stmt, ...], known: Known, place: Place) -> bool:
        """Check a block; whether its end is reached. `known` then says what holds there."""
        place = replace(place, top=False) if stmts is not self.function.body else place
        for number, stmt in enumerate(stmts):
            if not self.stmt(stmt, known, place):
                if number + 1 < len(stmts):
                    self.add(problem.unreachable(stmts[number + 1], stmt))
                return False
        return True

    def way(self, stmts: tuple[Stmt, ...], known: Known, place: Place) -> Way:
        """Check a block in a layer of its own; what it changed."""
        inner = known.layer()
        return inner.own if self.block(stmts, inner, place) else None

    def stmt(self, stmt: Stmt, known: Known, place: Place) -> bool:
        """Check a statement; whether control goes on after it."""
        match stmt:
            case Emit():
                self.expressions.check(stmt.text, known, place.around)
            case ExprStmt():
                self._expr_stmt(stmt, known, place)
            case Assign():
                self._assign(stmt, known, place)
            case Role():
                return self._role(stmt, known, place)
            case Return():
                self._return(stmt, known, place)
                return False
            case Leave():
                return not self._leave(stmt, known, place)
            case If():
                self.expressions.check(stmt.condition, known, place.around)
                arms = (self.way(arm, known, place) for arm in (stmt.body, stmt.orelse))
                return known.join(list(arms))
            case While() | For():
                return self._loop(stmt, known, place)
            case Fork():
                self._fork(stmt, known, place)
            case Try():
                return self._try(stmt, known, place)
            case Raise():
                self._raise(stmt, known, place)
                return False
            case Function():
                self._local_function(stmt, place)
            case Pass():
                pass
        return True

    def _expr_stmt(self, stmt: ExprStmt, known: Known, place: Place) -> None:
        value = stmt.value
        if is_image(self.unit, value):
            assert isinstance(value, Call)
            self.add(*check_image(value))
            for arg in value.args:
                self.expressions.check(arg, known, place.around)
            return
        if isinstance(value, Compare) and value.rest[0][0] == "==":
            self._compared(value, known, place)
            return
        before = len(self.expressions.problems)
        self.value(value, known, place)
        if is_generation(value) or len(self.expressions.problems) > before:
            return
        if isinstance(value, Call) and find_target(self.unit, value.function) is not None:
            return
        if isinstance(value, Call) and not self._is_builtin(value):
            return
        self.add(problem.no_effect(value, 'to append a value, put it in a string: "${...}"'))

    def _compared(self, value: Compare, known: Known, place: Place) -> None:
        """`x == value` alone was meant as `x = value`, and is the only mistake."""
        self.add(problem.no_effect(value, "to assign, write `=`"))
        for _, operand in value.rest:
            self.value(operand, known, place)
        if isinstance(value.first, Name):
            self.set(value.first, known, None)
        else:
            self.value(value.first, known, place)

    def _is_builtin(self, call: Call) -> bool:
        function = call.function
        if isinstance(function, Attribute):
            value = function.value
            return not (isinstance(value, Name) and value.id in self.unit.import_items)
        return isinstance(function, Name) and function.id in BUILTINS

    def _assign(self, stmt: Assign, known: Known, place: Place) -> None:
        types = self.value(stmt.value, known, place)
        if len(stmt.targets) > 1:
            types = self._unpacked(stmt, types, place)
        unread = stmt.value.loc if is_generation(stmt.value) else None
        for name in stmt.targets:
            self.check_target(name)
            outside = place.outer.find(name.id) if place.fork is not None else None
            if outside is not None:
                self.add(problem.assigned_in_branch(name, outside))
            self.set(name, known, types, unread)

    def _unpacked(self, stmt: Assign, types: Types, place: Place) -> Types:
        loc, count = stmt.value.loc, len(stmt.targets)
        if never(types, operators.UNPACKED):
            message = f"{describe(types)} cannot be unpacked"
            self.expressions.wrong(place.around, message, loc, f"is {describe(types)}")
            return None
        if isinstance(stmt.value, ListExpr) and len(stmt.value.items) != count:
            message = f"{count} names for {len(stmt.value.items)} values"
            self.expressions.wrong(place.around, message, loc, "another number")
        return operators.item_of(types)

    def set(self, name: Name, known: Known, types: Types, unread: Loc | None = None) -> None:
        """A variable is assigned."""
        fact = known.get(name.id)
        if fact is not None:
            self.expressions.answers.overwrite(name.id, fact, name.loc)
        known.set(name.id, types, unread)

    def check_target(self, name: Name) -> None:
        """A variable must not hide an import."""
        item = self.unit.import_items.get(name.id)
        if item is not None:
            self.add(problem.hides_import(name, item.loc))

    def _role(self, stmt: Role, known: Known, place: Place) -> bool:
        loc = stmt.role_loc.loc
        if place.role is not None:
            self.add(problem.nested_role(stmt, *place.role))
        return self.block(stmt.body, known, replace(place, role=(stmt.role, loc)))

    def _return(self, stmt: Return, known: Known, place: Place) -> None:
        if stmt.value is not None:
            types = self.value(stmt.value, known, place)
            self._returned(stmt.value, types, place)
        if place.fork is not None:
            self.add(problem.crosses_fork("return", stmt.loc, place.fork))

    def _returned(self, value: Expr, types: Types, place: Place) -> None:
        schema = annotation_schema(self.unit, self.function.returns)
        # A script's function may always return none, which is what running to its end gives.
        if schema is None or not types or "none" in names_of(types) or not unfit(types, schema):
            return
        wanted = describe_schema(schema)
        self.add(problem.other_result(self.function, wanted, value, describe(types)))

    def _leave(self, stmt: Leave, known: Known, place: Place) -> bool:
        """Check a jump; whether there is a loop that it leaves or goes on with."""
        if place.loop is not None:
            if stmt.kind == "break":
                place.loop.breaks.append(known.since(place.loop.before))
            return True
        if place.fork is not None and place.loop_outside_fork:
            self.add(problem.crosses_fork(stmt.kind, stmt.loc, place.fork))
        else:
            self.add(problem.no_loop(stmt))
        return False

    def _loop(self, stmt: While | For, known: Known, place: Place) -> bool:
        item: Types = None
        targets = stmt.targets if isinstance(stmt, For) else ()
        if isinstance(stmt, For):
            item = self.expressions.looped(stmt.iterable, known, place.around)
            for name in targets:
                self.check_target(name)
        # A later turn sees what an earlier one may have set.
        around = known.layer()
        around.blur([*(name.id for name in targets), *assigned(stmt.body)])
        if isinstance(stmt, While):
            self.expressions.check(stmt.condition, around, place.around)
        loop = Loop(around)
        inner = around.layer()
        if isinstance(stmt, For):
            item = self._target_type(stmt, item, place)
        for name in targets:
            inner.set(name.id, item)
        ended = self.block(stmt.body, inner, replace(place, loop=loop))
        endless = isinstance(stmt, While) and _is_true(stmt.condition)
        # What the body read has been read; what it set is blurred already.
        read = {n: f for n, f in inner.own.items() if n not in around.own} if ended else {}
        ways: list[Way] = [{**around.own, **each} for each in loop.breaks if each is not None]
        if not endless:
            around.join([{}, read])
            if self.block(stmt.orelse, around, place):
                ways.append(around.own)
        return known.join(ways)

    def _target_type(self, stmt: For | Fork, item: Types, place: Place) -> Types:
        """The type of each loop variable."""
        if len(stmt.targets) == 1:
            return item
        if never(item, operators.UNPACKED):
            message = f"{describe(item)} cannot be unpacked"
            source = stmt.iterable if isinstance(stmt, For) else stmt.items
            self.expressions.wrong(place.around, message, source.loc, "the items")
        return None

    def _fork(self, stmt: Fork, known: Known, place: Place) -> None:
        inner = known.layer()
        items = {name.id: name.loc for name in stmt.targets}
        if not stmt.targets:
            count = self.expressions.check(stmt.items, known, place.around)
            if never(count, ("int", "bool")):
                message = f"a fork needs a number, not {describe(count)}"
                self.expressions.wrong(place.around, message, stmt.items.loc, "not a number")
        else:
            item = self.expressions.looped(stmt.items, known, place.around)
            item = self._target_type(stmt, item, place)
            for name in stmt.targets:
                self.check_target(name)
                inner.set(name.id, item)
        self.add(*never_differs(self.unit, stmt))
        own = {**assign_places(stmt.body), **items}
        branch = replace(
            place,
            loop=None,
            fork=stmt.loc,
            loop_outside_fork=place.loop is not None or place.loop_outside_fork,
            outer=Taken({}, place.nested, frozenset(items)),
            nested=Taken(own, place.nested, frozenset(items)),
            hidden={**place.hidden, **items},
        )
        ended = self.block(stmt.body, inner, branch)
        for read in inner.own.keys() - {*assigned(stmt.body), *items}:
            known.read(read)
        if stmt.name is not None:
            self.check_target(stmt.name)
            facts = {name: inner.own.get(name, Fact()) for name in [*own, *assigned(stmt.body)]}
            fields = {name: fact.types if ended else None for name, fact in facts.items()}
            known.set(stmt.name.id, one("list", record(fields)))

    def _try(self, stmt: Try, known: Known, place: Place) -> bool:
        kinds = {kind.id for handler in stmt.handlers for kind in handler.kinds}
        handled = "value_error" in kinds or not all(handler.kinds for handler in stmt.handlers)
        inner = known.layer()
        inside = replace(place, handled=place.handled or handled)
        ways: list[Way] = [inner.own if self._body(stmt, inner, inside, place) else None]
        failed = known.layer()
        failed.blur(assigned(stmt.body))
        for number, handler in enumerate(stmt.handlers):
            self._handler(handler, number == len(stmt.handlers) - 1)
            inner = failed.layer()
            if handler.name is not None:
                self.set(handler.name, inner, record({"kind": STR, "message": STR}))
            if self.block(handler.body, inner, replace(place, handling=True)):
                ways.append(inner.since(known))
        return self._finally(stmt, known, ways, place)

    def _body(self, stmt: Try, known: Known, inside: Place, place: Place) -> bool:
        """The body and then `else`, whose errors the handlers do not see."""
        ended = self.block(stmt.body, known, inside)
        if not ended and stmt.orelse:
            self.add(problem.unreachable(stmt.orelse[0], stmt.body[-1]))
        return ended and self.block(stmt.orelse, known, place)

    def _finally(self, stmt: Try, known: Known, ways: list[Way], place: Place) -> bool:
        if not stmt.final:
            return known.join(ways)
        # It also runs when an error, or a jump, leaves the statement half done.
        possible = known.layer()
        possible.blur(assigned([replace(stmt, final=())]))
        end = possible.layer()
        ended = self.block(stmt.final, end, place)
        reached = known.join(ways)
        known.own.update(end.own)
        return ended and reached

    def _raise(self, stmt: Raise, known: Known, place: Place) -> None:
        if stmt.value is None:
            if not place.handling:
                self.add(problem.nothing_to_raise(stmt))
            return
        value = stmt.value
        if isinstance(value, Name) and value.id in ERROR_KINDS and known.get(value.id) is None:
            self.add(problem.not_an_error(value, value.id))
            return
        self.expressions.check(value, known, place.around)
        if isinstance(value, Literal | Text):
            self.add(problem.not_an_error(value, "value_error"))

    def _local_function(self, function: Function, place: Place) -> None:
        if not place.top:
            self.add(problem.in_block(function))

    def local_names(self, function: Function, places: dict[str, Loc]) -> None:
        """A local function must not have the name of a variable or of another one."""
        taken = dict(places)
        for local in local_functions(function):
            self.check_target(Name(local.name, loc=local.loc))
            if local.name in taken:
                self.add(problem.defined_twice(local, taken[local.name]))
            taken.setdefault(local.name, local.loc)

    def _handler(self, handler: Handler, last: bool) -> None:
        self.add(
            *(problem.unknown_kind(kind) for kind in handler.kinds if kind.id not in ERROR_KINDS)
        )
        if not handler.kinds and not last:
            self.add(problem.handles_all(handler))
        if handler.name is not None:
            self.check_target(handler.name)

    # ---- values ----------------------------------------------------------------------------------

    def value(self, expr: Expr, known: Known, place: Place) -> Types:
        """A whole right-hand side, where `gen` and `select` may stand; what it can be."""
        if not is_generation(expr):
            return self.expressions.check(expr, known, place.around)
        assert isinstance(expr, Call)
        self.add(*check_generation(self.unit, expr))
        args = [self.expressions.check(arg, known, place.around) for arg in expr.args]
        named: dict[str, Types] = {}
        for keyword in expr.keywords:
            names_schema = keyword.name == "json" and isinstance(keyword.value, Name | Attribute)
            names_type = keyword.name == "dtype" and dtype_value(keyword.value) != keyword.value
            if not names_schema and not names_type:
                named[keyword.name] = self.expressions.check(keyword.value, known, place.around)
        if not place.handled:
            self.add(*unfit_parameters(expr, args, named))
        return generated_type(self.unit, expr)


def _is_true(expr: Expr) -> bool:
    return not isinstance(expr, Text) and getattr(expr, "value", None) is True
