"""Checks of a function's body: names, loops, forks, roles, calls."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sglc.diagnostics.suggest import did_you_mean
from sglc.expressions.conversion import describe as describe_schema
from sglc.expressions.functions import ERROR_KINDS
from sglc.expressions.nodes import Attribute, Call, Compare, Expr, ListExpr, Literal, Name, Text
from sglc.expressions.problem import Mark, Problem
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
from sglc.frontends.script.check_expr import Around, ExprChecker, Schemas
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
from sglc.frontends.script.generation import (
    check_generation,
    check_image,
    dtype_value,
    is_generation,
    is_image,
)
from sglc.frontends.script.names import assigned, blocks, local_functions
from sglc.frontends.script.symbols import Unit, find_target
from sglc.frontends.script.taken import Taken
from sglc.frontends.script.types import annotation_schema
from sglc.ir.core import Loc

Way = dict[str, Fact] | None
"""What a way through the function changed; None is a way that is never taken."""


@dataclass(slots=True)
class _Loop:
    """The innermost loop."""

    before: Known
    breaks: list[Way] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Place:
    """What surrounds a statement."""

    loop: _Loop | None = None
    fork: Loc | None = None
    """The fork whose branch this is."""
    loop_outside_fork: bool = False
    role: tuple[str, Loc] | None = None
    handled: bool = False
    """A `try` around handles expressions without value."""
    outer: Taken = field(default_factory=Taken)
    """Names of the function that a branch must not assign, and where they are assigned."""
    nested: Taken = field(default_factory=Taken)
    """The same for branches of forks in this place."""
    hidden: dict[str, Loc] = field(default_factory=dict)
    """Items of the forks around."""
    handling: bool = False
    """Whether there is an error that `raise` can raise again."""
    top: bool = False
    """Whether this is a function's body itself, not a block in it."""

    @property
    def around(self) -> Around:
        """The same for expressions."""
        return Around(self.role, self.handled, self.hidden)


def check_body(unit: Unit, function: Function, schemas: Schemas) -> list[Problem]:
    """Errors and warnings in the body of a function."""
    places = {param.name: param.loc for param in function.params}
    places |= _assign_places(function.body)
    checker = _BodyChecker(unit, function, schemas, places)
    known = Known()
    # Whether an outer variable is set is checked where the function is called.
    for name in unit.outer_names.get(function.path, ()):
        known.set(name)
    for param in function.params:
        checker.check_target(Name(param.name, loc=param.loc))
        known.set(param.name, _param_type(unit, param))
    checker.local_names(function, places)
    checker.block(function.body, known, _Place(nested=Taken(places), top=True))
    checker.add(*checker.expressions.answers.problems())
    return checker.expressions.problems


def _param_type(unit: Unit, param: Param) -> Types:
    schema = annotation_schema(unit, param.type)
    return None if schema is None else from_schema(schema)


def _assign_places(stmts: tuple[Stmt, ...]) -> dict[str, Loc]:
    """Names that assignments outside of fork branches set, and where first."""
    found: dict[str, Loc] = {}
    _collect_places(stmts, found)
    return found


def _collect_places(stmts: tuple[Stmt, ...], found: dict[str, Loc]) -> None:
    for stmt in stmts:
        match stmt:
            case Assign():
                for name in stmt.targets:
                    found.setdefault(name.id, name.loc)
            case Fork(name=Name() as name):
                found.setdefault(name.id, name.loc)
            case Fork():
                pass
            case _:
                for block in blocks(stmt):
                    _collect_places(block, found)


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

    def block(self, stmts: tuple[Stmt, ...], known: Known, place: _Place) -> bool:
        """Check a block; whether its end is reached. `known` then says what holds there."""
        place = replace(place, top=False) if stmts is not self.function.body else place
        for number, stmt in enumerate(stmts):
            if not self.stmt(stmt, known, place):
                if number + 1 < len(stmts):
                    self.add(_unreachable(stmts[number + 1], stmt))
                return False
        return True

    def way(self, stmts: tuple[Stmt, ...], known: Known, place: _Place) -> Way:
        """Check a block in a layer of its own; what it changed."""
        inner = known.layer()
        return inner.own if self.block(stmts, inner, place) else None

    def stmt(self, stmt: Stmt, known: Known, place: _Place) -> bool:
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

    def _expr_stmt(self, stmt: ExprStmt, known: Known, place: _Place) -> None:
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
        helps = ('to append a value, put it in a string: "${...}"',)
        self.add(Problem("SGL0215", "this statement does nothing", value.loc, "here", helps=helps))

    def _compared(self, value: Compare, known: Known, place: _Place) -> None:
        """`x == value` alone was meant as `x = value`, and is the only mistake."""
        helps = ("to assign, write `=`",)
        self.add(Problem("SGL0215", "this statement does nothing", value.loc, "here", helps=helps))
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

    def _assign(self, stmt: Assign, known: Known, place: _Place) -> None:
        types = self.value(stmt.value, known, place)
        if len(stmt.targets) > 1:
            types = self._unpacked(stmt, types, place)
        unread = stmt.value.loc if is_generation(stmt.value) else None
        for name in stmt.targets:
            self.check_target(name)
            outside = place.outer.find(name.id) if place.fork is not None else None
            if outside is not None:
                self.add(_assigned_in_branch(name, outside))
            self.set(name, known, types, unread)

    def _unpacked(self, stmt: Assign, types: Types, place: _Place) -> Types:
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
            self.add(
                Problem(
                    "SGL0210",
                    f"`{name.id}` is the name of an import",
                    name.loc,
                    "cannot be a variable too",
                    marks=(Mark(item.loc, "imported here"),),
                )
            )

    def _role(self, stmt: Role, known: Known, place: _Place) -> bool:
        loc = stmt.role_loc.loc
        if place.role is not None:
            self.add(
                Problem(
                    "SGL0209",
                    f"role `{stmt.role}` inside role `{place.role[0]}`",
                    loc,
                    "opened inside another role",
                    marks=(Mark(place.role[1], "still open"),),
                )
            )
        return self.block(stmt.body, known, replace(place, role=(stmt.role, loc)))

    def _return(self, stmt: Return, known: Known, place: _Place) -> None:
        if stmt.value is not None:
            types = self.value(stmt.value, known, place)
            self._returned(stmt.value, types, place)
        if place.fork is not None:
            self._crossing("return", stmt.loc, place.fork)

    def _returned(self, value: Expr, types: Types, place: _Place) -> None:
        schema = annotation_schema(self.unit, self.function.returns)
        # A script's function may always return none, which is what running to its end gives.
        if schema is None or not types or "none" in names_of(types) or not unfit(types, schema):
            return
        assert self.function.returns is not None
        self.add(
            Problem(
                "SGL0226",
                f"`{self.function.name}` returns {describe_schema(schema)}, not {describe(types)}",
                value.loc,
                f"is {describe(types)}",
                marks=(Mark(self.function.returns.loc, "the annotation"),),
            )
        )

    def _crossing(self, what: str, loc: Loc, fork: Loc) -> None:
        self.add(
            Problem(
                "SGL0211",
                f"`{what}` cannot leave a fork branch",
                loc,
                "inside a branch",
                marks=(Mark(fork, "the fork"),),
            )
        )

    def _leave(self, stmt: Leave, known: Known, place: _Place) -> bool:
        """Check a jump; whether there is a loop that it leaves or goes on with."""
        if place.loop is not None:
            if stmt.kind == "break":
                place.loop.breaks.append(known.since(place.loop.before))
            return True
        if place.fork is not None and place.loop_outside_fork:
            self._crossing(stmt.kind, stmt.loc, place.fork)
        else:
            self.add(Problem("SGL0213", f"`{stmt.kind}` outside of a loop", stmt.loc, "no loop"))
        return False

    def _loop(self, stmt: While | For, known: Known, place: _Place) -> bool:
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
        loop = _Loop(around)
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

    def _target_type(self, stmt: For | Fork, item: Types, place: _Place) -> Types:
        """The type of each loop variable."""
        if len(stmt.targets) == 1:
            return item
        if never(item, operators.UNPACKED):
            message = f"{describe(item)} cannot be unpacked"
            source = stmt.iterable if isinstance(stmt, For) else stmt.items
            self.expressions.wrong(place.around, message, source.loc, "the items")
        return None

    def _fork(self, stmt: Fork, known: Known, place: _Place) -> None:
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
        own = {**_assign_places(stmt.body), **items}
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

    def _try(self, stmt: Try, known: Known, place: _Place) -> bool:
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

    def _body(self, stmt: Try, known: Known, inside: _Place, place: _Place) -> bool:
        """The body and then `else`, whose errors the handlers do not see."""
        ended = self.block(stmt.body, known, inside)
        if not ended and stmt.orelse:
            self.add(_unreachable(stmt.orelse[0], stmt.body[-1]))
        return ended and self.block(stmt.orelse, known, place)

    def _finally(self, stmt: Try, known: Known, ways: list[Way], place: _Place) -> bool:
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

    def _raise(self, stmt: Raise, known: Known, place: _Place) -> None:
        if stmt.value is None:
            if not place.handling:
                self.add(
                    Problem(
                        "SGL0240",
                        "`raise` without an error outside of `except`",
                        stmt.loc,
                        "nothing to raise again",
                        helps=('name an error, such as `raise value_error("why")`',),
                    )
                )
            return
        value = stmt.value
        if isinstance(value, Name) and value.id in ERROR_KINDS and known.get(value.id) is None:
            self._not_an_error(value, (f'write `raise {value.id}("why")`',))
            return
        self.expressions.check(value, known, place.around)
        if isinstance(value, Literal | Text):
            self._not_an_error(value, ('write `raise value_error("why")`',))

    def _not_an_error(self, value: Expr, helps: tuple[str, ...]) -> None:
        message = "`raise` needs an error"
        self.add(Problem("SGL0240", message, value.loc, "not an error", helps=helps))

    def _local_function(self, function: Function, place: _Place) -> None:
        if not place.top:
            self.add(
                Problem(
                    "SGL0241",
                    f"`{function.name}` is defined inside a block",
                    function.loc,
                    "belongs to no single way through the function",
                    helps=("move it up, directly into the body of the function",),
                )
            )

    def local_names(self, function: Function, places: dict[str, Loc]) -> None:
        """A local function must not have the name of a variable or of another one."""
        taken = dict(places)
        for local in local_functions(function):
            self.check_target(Name(local.name, loc=local.loc))
            if local.name in taken:
                self.add(
                    Problem(
                        "SGL0210",
                        f"`{local.name}` is defined twice",
                        local.loc,
                        "second definition",
                        marks=(Mark(taken[local.name], "first definition"),),
                    )
                )
            taken.setdefault(local.name, local.loc)

    def _handler(self, handler: Handler, last: bool) -> None:
        for kind in handler.kinds:
            if kind.id in ERROR_KINDS:
                continue
            listed = ", ".join(f"`{each}`" for each in ERROR_KINDS)
            self.add(
                Problem(
                    "SGL0219",
                    f"unknown kind of error `{kind.id}`",
                    kind.loc,
                    "not a kind of error",
                    helps=did_you_mean(kind.id, ERROR_KINDS) or (f"there are {listed}",),
                )
            )
        if not handler.kinds and not last:
            self.add(
                Problem(
                    "SGL0219", "`except` without a kind must come last", handler.loc,
                    "handles everything",
                )
            )  # fmt: skip
        if handler.name is not None:
            self.check_target(handler.name)

    # ---- values ----------------------------------------------------------------------------------

    def value(self, expr: Expr, known: Known, place: _Place) -> Types:
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


def _unreachable(stmt: Stmt, before: Stmt) -> Problem:
    return Problem(
        "SGL0225",
        "this is never reached",
        stmt.loc,
        "never runs",
        marks=(Mark(before.loc, "always leaves"),),
        severity="warning",
    )


def _assigned_in_branch(name: Name, place: Loc) -> Problem:
    return Problem(
        "SGL0212",
        f"a branch cannot assign `{name.id}` of the function",
        name.loc,
        "assigned in a branch",
        marks=(Mark(place, "also assigned here"),),
        helps=("use another name, and read it after the fork",),
    )


def _is_true(expr: Expr) -> bool:
    return not isinstance(expr, Text) and getattr(expr, "value", None) is True
