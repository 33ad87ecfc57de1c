"""Checks of a function's body: names, loops, forks, roles, calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sglc.diagnostics.suggest import did_you_mean
from sglc.expressions.functions import ERROR_KINDS
from sglc.expressions.nodes import (
    Attribute,
    Call,
    Comprehension,
    Expr,
    Literal,
    Name,
    Text,
    children,
    names,
)
from sglc.expressions.problem import Mark, Problem
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
    Pass,
    Raise,
    Return,
    Role,
    Stmt,
    Try,
    While,
)
from sglc.frontends.script.check_calls import BUILTINS, check_call
from sglc.frontends.script.closures import hides
from sglc.frontends.script.generation import check_generation, dtype_value, is_generation
from sglc.frontends.script.names import assigned, blocks, local_functions
from sglc.frontends.script.symbols import Target, Unit, find_target
from sglc.ir.core import Loc


@dataclass(frozen=True, slots=True)
class _Names:
    """What is known about the names at a point: those that may be set, those that surely are."""

    possible: frozenset[str]
    certain: frozenset[str]

    def plus(self, *added: str) -> _Names:
        return _Names(self.possible | {*added}, self.certain | {*added})

    def maybe(self, added: list[str]) -> _Names:
        return _Names(self.possible | {*added}, self.certain)


def _meet(a: _Names | None, b: _Names | None) -> _Names | None:
    """What is known where two ways come together; None is a way that is never taken."""
    if a is None or b is None:
        return a or b
    return _Names(a.possible | b.possible, a.certain & b.certain)


@dataclass(slots=True)
class _Loop:
    """The innermost loop."""

    breaks: _Names | None = None
    has_break: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """What surrounds a statement."""

    loop: _Loop | None = None
    fork: Loc | None = None
    """The fork whose branch this is."""
    loop_outside_fork: bool = False
    role: tuple[str, Loc] | None = None
    outer: dict[str, Loc] = field(default_factory=dict)
    """Names of the function that a branch must not assign, and where they are assigned."""
    nested: dict[str, Loc] = field(default_factory=dict)
    """The same for branches of forks in this place."""
    hidden: dict[str, Loc] = field(default_factory=dict)
    """Items of the forks around."""
    handling: bool = False
    """Whether there is an error that `raise` can raise again."""
    top: bool = False
    """Whether this is a function's body itself, not a block in it."""


def check_body(unit: Unit, function: Function) -> list[Problem]:
    """Errors and warnings in the body of a function."""
    places = {param.name: param.loc for param in function.params}
    places |= _assign_places(function.body)
    checker = _BodyChecker(unit, function, places)
    params = [param.name for param in function.params]
    for param in function.params:
        checker.check_target(Name(param.name, loc=param.loc))
    # Whether an outer variable is set is checked where the function is called.
    start = frozenset(params) | unit.outer_names.get(function.path, frozenset())
    checker.local_names(function, places)
    checker.block(function.body, _Names(start, start), _Place(nested=places, top=True))
    return checker.problems


def _assign_places(stmts: tuple[Stmt, ...]) -> dict[str, Loc]:
    """Names that assignments outside of fork branches set, and where first."""
    found: dict[str, Loc] = {}
    for stmt in stmts:
        inner: list[tuple[Stmt, ...]] = []
        match stmt:
            case Assign():
                for name in stmt.targets:
                    found.setdefault(name.id, name.loc)
            case Fork(name=Name() as name):
                found.setdefault(name.id, name.loc)
            case Fork():
                pass
            case _:
                inner = list(blocks(stmt))
        for block in inner:
            found = {**_assign_places(block), **found}
    return found


class _BodyChecker:
    def __init__(self, unit: Unit, function: Function, own: dict[str, Loc]) -> None:
        self.unit = unit
        self.function = function
        self.body = function.body
        self.own = own
        """The function's own variables, and where they are first set."""
        self.problems: list[Problem] = []
        self.reported: set[tuple[str, str]] = set()

    def add(self, *problems: Problem) -> None:
        self.problems += problems

    # ---- statements ------------------------------------------------------------------------------

    def block(self, stmts: tuple[Stmt, ...], known: _Names | None, place: _Place) -> _Names | None:
        """Check a block; what is known at its end, None if that is never reached."""
        place = replace(place, top=False) if stmts is not self.body else place
        for number, stmt in enumerate(stmts):
            if known is None:
                self.add(
                    Problem(
                        "SGL0225",
                        "this is never reached",
                        stmt.loc,
                        "never runs",
                        marks=(Mark(stmts[number - 1].loc, "always leaves"),),
                        severity="warning",
                    )
                )
                return None
            known = self.stmt(stmt, known, place)
        return known

    def stmt(self, stmt: Stmt, known: _Names, place: _Place) -> _Names | None:
        match stmt:
            case Emit():
                self.expr(stmt.text, known, place)
            case ExprStmt():
                self._expr_stmt(stmt, known, place)
            case Assign():
                return self._assign(stmt, known, place)
            case Role():
                return self._role(stmt, known, place)
            case Return():
                self._return(stmt, known, place)
                return None
            case Leave():
                self._leave(stmt, known, place)
                return None
            case If():
                self.expr(stmt.condition, known, place)
                return _meet(
                    self.block(stmt.body, known, place), self.block(stmt.orelse, known, place)
                )
            case While():
                return self._loop(stmt, known, place)
            case For():
                return self._loop(stmt, known, place)
            case Fork():
                return self._fork(stmt, known, place)
            case Try():
                return self._try(stmt, known, place)
            case Raise():
                self._raise(stmt, known, place)
                return None
            case Function():
                self._local_function(stmt, place)
            case Pass():
                pass
        return known

    def _expr_stmt(self, stmt: ExprStmt, known: _Names, place: _Place) -> None:
        value = stmt.value
        self.value(value, known, place)
        if is_generation(value):
            return
        if isinstance(value, Call) and find_target(self.unit, value.function) is not None:
            return
        if isinstance(value, Call) and not self._is_builtin(value):
            return  # an unknown function, which was reported
        helps = ('to append a value, put it in a string: "${...}"',)
        self.add(Problem("SGL0215", "this statement does nothing", value.loc, "here", helps=helps))

    def _is_builtin(self, call: Call) -> bool:
        function = call.function
        if isinstance(function, Attribute):
            value = function.value
            return not (isinstance(value, Name) and value.id in self.unit.imports)
        return isinstance(function, Name) and function.id in BUILTINS

    def _assign(self, stmt: Assign, known: _Names, place: _Place) -> _Names:
        self.value(stmt.value, known, place)
        for name in stmt.targets:
            self.check_target(name)
            if place.fork is not None and name.id in place.outer:
                self.add(
                    Problem(
                        "SGL0212",
                        f"a branch cannot assign `{name.id}` of the function",
                        name.loc,
                        "assigned in a branch",
                        marks=(Mark(place.outer[name.id], "also assigned here"),),
                        helps=("use another name, and read it after the fork",),
                    )
                )
        return known.plus(*(name.id for name in stmt.targets))

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

    def _role(self, stmt: Role, known: _Names, place: _Place) -> _Names | None:
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

    def _return(self, stmt: Return, known: _Names, place: _Place) -> None:
        if stmt.value is not None:
            self.value(stmt.value, known, place)
        if place.fork is not None:
            self._crossing("return", stmt.loc, place.fork)

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

    def _leave(self, stmt: Leave, known: _Names, place: _Place) -> None:
        if place.loop is not None:
            if stmt.kind == "break":
                place.loop.breaks = _meet(place.loop.breaks, known)
        elif place.fork is not None and place.loop_outside_fork:
            self._crossing(stmt.kind, stmt.loc, place.fork)
        else:
            self.add(Problem("SGL0213", f"`{stmt.kind}` outside of a loop", stmt.loc, "no loop"))

    def _loop(self, stmt: While | For, known: _Names, place: _Place) -> _Names | None:
        targets = [name.id for name in stmt.targets] if isinstance(stmt, For) else []
        if isinstance(stmt, For):
            self.expr(stmt.iterable, known, place)
            for name in stmt.targets:
                self.check_target(name)
        # A later turn sees what an earlier one may have set.
        around = known.maybe([*targets, *assigned(stmt.body)])
        loop = _Loop()
        if isinstance(stmt, While):
            self.expr(stmt.condition, around, place)
        self.block(stmt.body, around.plus(*targets), replace(place, loop=loop))
        endless = isinstance(stmt, While) and _is_true(stmt.condition)
        return _meet(
            None if endless else self.block(stmt.orelse, around, place),
            loop.breaks,
        )

    def _fork(self, stmt: Fork, known: _Names, place: _Place) -> _Names:
        self.expr(stmt.items, known, place)
        items = {name.id: name.loc for name in stmt.targets}
        for name in stmt.targets:
            self.check_target(name)
        inside = known.plus(*items)
        outer = {name: loc for name, loc in place.nested.items() if name not in items}
        own = {**_assign_places(stmt.body), **items}
        branch = replace(
            place,
            loop=None,
            fork=stmt.loc,
            loop_outside_fork=place.loop is not None or place.loop_outside_fork,
            outer=outer,
            nested={**own, **outer},
            hidden={**place.hidden, **items},
        )
        self.block(stmt.body, inside, branch)
        if stmt.name is None:
            return known
        self.check_target(stmt.name)
        return known.plus(stmt.name.id)

    def _try(self, stmt: Try, known: _Names, place: _Place) -> _Names | None:
        after = self.block(stmt.body, known, place)
        failed = known.maybe(assigned(stmt.body))
        for number, handler in enumerate(stmt.handlers):
            self._handler(handler, number == len(stmt.handlers) - 1)
            start = failed.plus(handler.name.id) if handler.name is not None else failed
            inside = replace(place, handling=True)
            after = _meet(after, self.block(handler.body, start, inside))
        return self._finally(stmt, known, after, place)

    def _finally(
        self, stmt: Try, known: _Names, after: _Names | None, place: _Place
    ) -> _Names | None:
        if not stmt.final:
            return after
        # It also runs when an error, or a jump, leaves the statement half done.
        possible = known.maybe(assigned([replace(stmt, final=())]))
        end = self.block(stmt.final, possible, place)
        if end is None or after is None:
            return None
        return after.plus(*(end.certain - possible.certain)).maybe([*end.possible])

    def _raise(self, stmt: Raise, known: _Names, place: _Place) -> None:
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
        if isinstance(value, Name) and value.id in ERROR_KINDS and value.id not in known.possible:
            self._not_an_error(value, (f'write `raise {value.id}("why")`',))
            return
        self.expr(value, known, place)
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

    # ---- expressions -----------------------------------------------------------------------------

    def value(self, expr: Expr, known: _Names, place: _Place) -> None:
        """A whole right-hand side, where `gen` and `select` may stand."""
        if not is_generation(expr):
            self.expr(expr, known, place)
            return
        assert isinstance(expr, Call)
        self.add(*check_generation(self.unit, expr))
        for arg in expr.args:
            self.expr(arg, known, place)
        for keyword in expr.keywords:
            names_schema = keyword.name == "json" and isinstance(keyword.value, Name | Attribute)
            names_type = keyword.name == "dtype" and dtype_value(keyword.value) != keyword.value
            if not names_schema and not names_type:
                self.expr(keyword.value, known, place)

    def expr(self, expr: Expr, known: _Names, place: _Place) -> None:
        """Any other expression."""
        calls = [call for call, _ in self._walk(expr, in_comprehension=False)]
        imports = {
            id(call.function.value)
            for call in calls
            if isinstance(call.function, Attribute)
            and isinstance(call.function.value, Name)
            and call.function.value.id in self.unit.imports
        }
        for name in names(expr):
            if id(name) not in imports:
                self._read(name, known)
        for part in self._walk(expr, in_comprehension=False):
            self._call(*part, known, place)

    def _walk(self, expr: Expr, in_comprehension: bool) -> Iterator[tuple[Call, bool]]:
        """Calls in the expression, and whether each is inside a comprehension."""
        if isinstance(expr, Call):
            yield expr, in_comprehension
        for child in children(expr):
            inside = in_comprehension or (
                isinstance(expr, Comprehension) and child is not expr.iterable
            )
            yield from self._walk(child, inside)

    def _captured(self, call: Call, target: Target, known: _Names, place: _Place) -> None:
        """A call of a local function reads the variables that the function reads."""
        for name in self.unit.captures.get(target.path, ()):
            hidden = place.hidden.get(name)
            if hidden is None and hides(self.unit, self.function, target, name):
                hidden = self.own.get(name, self.function.loc)
            if hidden is None:
                self._read(Name(name, loc=call.loc), known)
                continue
            self.add(
                Problem(
                    "SGL0242",
                    f"`{target.definition.name}` reads an outer `{name}`, which is hidden here",
                    call.loc,
                    f"needs the outer `{name}`",
                    marks=(Mark(hidden, "hides it"),),
                    helps=("give one of the two another name",),
                )
            )

    def _call(self, call: Call, in_comprehension: bool, known: _Names, place: _Place) -> None:
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
            return
        self.add(*check_call(self.unit, call))
        target = find_target(self.unit, call.function)
        if target is None:
            return
        self._captured(call, target, known, place)
        if in_comprehension:
            self.add(
                Problem(
                    "SGL0223",
                    f"`{target.definition.name}` is called inside a list comprehension",
                    call.loc,
                    "not allowed here",
                    helps=("use a `for` loop",),
                )
            )
        if place.role is not None and target.path in target.unit.opens_role:
            self.add(
                Problem(
                    "SGL0209",
                    f"fragment `{target.definition.name}` opens a role inside role "
                    f"`{place.role[0]}`",
                    call.loc,
                    "opens a role",
                    marks=(Mark(place.role[1], "still open"),),
                )
            )

    def _read(self, name: Name, known: _Names) -> None:
        if name.id in known.certain:
            return
        code = "SGL0203" if name.id in known.possible else "SGL0202"
        if (code, name.id) in self.reported:
            return
        self.reported.add((code, name.id))
        if name.id in known.possible:
            self.add(
                Problem(
                    "SGL0203",
                    f"`{name.id}` may be unset here",
                    name.loc,
                    "not set on every way",
                    severity="warning",
                )
            )
        else:
            self.add(self._undefined(name, known))

    def _undefined(self, name: Name, known: _Names) -> Problem:
        helps = did_you_mean(name.id, sorted(known.possible))
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


def _is_true(expr: Expr) -> bool:
    return not isinstance(expr, Text) and getattr(expr, "value", None) is True
