"""Checks of calls: that the function exists, and that the arguments fit its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sglc.diagnostics.suggest import did_you_mean
from sglc.expressions.conversion import describe as describe_schema
from sglc.expressions.functions import FUNCTIONS, METHODS, MUTATORS, method_signatures, signature
from sglc.expressions.nodes import Attribute, Call, Expr, Name
from sglc.expressions.problem import Mark, Problem
from sglc.frontends.script import check_operators as operators
from sglc.frontends.script.ast import Extern, Param
from sglc.frontends.script.check_flow import Known
from sglc.frontends.script.check_kinds import (
    NONE,
    Types,
    describe,
    from_schema,
    never,
    unfit,
    union,
)
from sglc.frontends.script.closures import hides
from sglc.frontends.script.generation import duplicate_keywords, is_image
from sglc.frontends.script.symbols import Target, Unit, find_target
from sglc.frontends.script.types import annotation_schema

if TYPE_CHECKING:
    from sglc.frontends.script.check_expr import Around, ExprChecker

BUILTINS = tuple(name for name in FUNCTIONS if not name.startswith("_"))


class CallChecker:
    """Checks calls whose arguments' types are known; part of an `ExprChecker`."""

    def __init__(self, expressions: ExprChecker) -> None:
        self.expressions = expressions

    def check(
        self,
        call: Call,
        receiver: Types,
        args: Sequence[Types],
        named: Mapping[str, Types],
        known: Known,
        around: Around,
    ) -> Types:
        """Report what is wrong with a call; what it can give."""
        unit = self.expressions.unit
        if is_image(unit, call):
            self.expressions.add(_image_inside(call))
            return None
        found = list(check_call(unit, call))
        self.expressions.add(*found)
        target = find_target(unit, call.function)
        if target is not None:
            self._captured(call, target, known, around)
            self.expressions.add(*_misplaced(call, target, around))
            if not found:
                self._arguments(call, target, args, named, around)
            return _result(target)
        if found:
            return None
        if isinstance(call.function, Attribute):
            return self._method(call, call.function, receiver, args, around)
        assert isinstance(call.function, Name)
        name = call.function.id
        if not self._builtin(call, name, args, operators.ARGUMENTS.get(name, ()), around):
            return None
        if not args or (call.keywords and name in ("min", "max")):
            return None  # a default may come out
        return operators.RESULTS[name](args) if name in operators.RESULTS else None

    def _captured(self, call: Call, target: Target, known: Known, around: Around) -> None:
        """A call of a local function reads the variables that the function reads."""
        checker = self.expressions
        for name in checker.unit.captures.get(target.path, ()):
            hidden = around.hidden.get(name)
            if hidden is None and hides(checker.unit, checker.function, target, name):
                hidden = checker.own.get(name, checker.function.loc)
            if hidden is None:
                checker.name(Name(name, loc=call.loc), known)
                continue
            checker.add(
                Problem(
                    "SGL0242",
                    f"`{target.definition.name}` reads an outer `{name}`, which is hidden here",
                    call.loc,
                    f"needs the outer `{name}`",
                    marks=(Mark(hidden, "hides it"),),
                    helps=("give one of the two another name",),
                )
            )

    def _arguments(
        self,
        call: Call,
        target: Target,
        args: Sequence[Types],
        named: Mapping[str, Types],
        around: Around,
    ) -> None:
        params = {param.name: param for param in target.params}
        places: list[tuple[Param, Types, Expr]] = [
            (param, types, place)
            for param, types, place in zip(target.params, args, call.args, strict=False)
        ]
        places += [(params[k.name], named[k.name], k.value) for k in call.keywords]
        for param, types, place in places:
            schema = annotation_schema(target.unit, param.type)
            if schema is None or not unfit(types, schema):
                continue
            own = target.unit is self.expressions.unit and param.type is not None
            self.expressions.wrong(
                around,
                f"`{target.definition.name}` takes {describe_schema(schema)} as `{param.name}`, "
                f"not {describe(types)}",
                place.loc,
                f"is {describe(types)}",
                marks=(Mark(param.type.loc, "the annotation"),) if own and param.type else (),
            )

    def _builtin(
        self,
        call: Call,
        name: str,
        args: Sequence[Types],
        allowed: Sequence[frozenset[str]],
        around: Around,
    ) -> bool:
        """Check arguments by position; whether they may all be right."""
        for types, kinds, place in zip(args, allowed, call.args, strict=False):
            if never(types, kinds):
                needed = operators.needs(kinds)
                message = f"`{name}` needs {needed}, not {describe(types)}"
                self.expressions.wrong(around, message, place.loc, f"is {describe(types)}")
                return False
        return True

    def _method(
        self,
        call: Call,
        function: Attribute,
        receiver: Types,
        args: Sequence[Types],
        around: Around,
    ) -> Types:
        name = function.name
        if receiver and not any(operators.has_method(kind, name) for kind in receiver):
            self.expressions.wrong(
                around,
                f"{describe(receiver)} has no method `{name}`",
                function.loc,
                f"no method of {describe(receiver)}",
                code="SGL0224",
            )
            return None
        allowed = operators.METHOD_ARGUMENTS.get(name, ())
        if not self._builtin(call, name, args, allowed, around):
            return None
        return operators.method_result(receiver, name)


def _result(target: Target) -> Types:
    """What a function returns by its annotation; those of scripts may also return nothing."""
    schema = annotation_schema(target.unit, target.definition.returns)
    if schema is None:
        return None
    types = from_schema(schema)
    return types if isinstance(target.definition, Extern) else union(types, NONE)


def _misplaced(call: Call, target: Target, around: Around) -> Iterator[Problem]:
    name = target.definition.name
    if around.comprehension:
        yield Problem(
            "SGL0223",
            f"`{name}` is called inside a list comprehension",
            call.loc,
            "not allowed here",
            helps=("use a `for` loop",),
        )
    if around.role is not None and target.path in target.unit.opens_role:
        yield Problem(
            "SGL0209",
            f"fragment `{name}` opens a role inside role `{around.role[0]}`",
            call.loc,
            "opens a role",
            marks=(Mark(around.role[1], "still open"),),
        )


def _image_inside(call: Call) -> Problem:
    helps = ("write it on a line of its own",)
    return Problem("SGL0214", "`image` gives no value", call.loc, "must stand alone", helps=helps)


def check_call(unit: Unit, call: Call) -> Iterator[Problem]:
    """What is wrong with a call; its arguments' own expressions are not looked at."""
    target = find_target(unit, call.function)
    if target is not None:
        yield from duplicate_keywords(call)
        yield from _check_arguments(call, target)
    elif isinstance(call.function, Name):
        yield from _check_builtin(unit, call, call.function)
    elif isinstance(call.function, Attribute):
        yield from _check_method(unit, call, call.function)
    else:
        yield Problem("SGL0201", "only functions can be called", call.function.loc, "not one")


def _check_builtin(unit: Unit, call: Call, function: Name) -> Iterator[Problem]:
    if function.id not in BUILTINS:
        helps = did_you_mean(function.id, (*unit.callables(), *BUILTINS, "gen", "select"))
        yield Problem(
            "SGL0201", f"unknown function `{function.id}`", function.loc, "not defined",
            helps=helps,
        )  # fmt: skip
        return
    yield from duplicate_keywords(call)
    yield from _fits(call, [signature(FUNCTIONS[function.id])], function.id, 1)


def _check_method(unit: Unit, call: Call, function: Attribute) -> Iterator[Problem]:
    if isinstance(function.value, Name) and function.value.id in unit.import_items:
        other = unit.imports.get(function.value.id)
        if other is None:  # it could not be imported, which is reported there
            return
        yield Problem(
            "SGL0201",
            f"`{other.file}` has no function `{function.name}`",
            function.loc,
            "not defined there",
            helps=did_you_mean(function.name, other.own()),
        )
        return
    if function.name not in METHODS:
        helps = did_you_mean(function.name, METHODS)
        if function.name in MUTATORS:
            helps = ("values never change: build a new one, with `+` for lists, `|` for dicts",)
        yield Problem(
            "SGL0224", f"no value has a method `{function.name}`", function.loc, "not a method",
            helps=helps,
        )  # fmt: skip
        return
    yield from _fits(call, method_signatures(function.name), function.name, 2)


def _fits(
    call: Call, signatures: list[inspect.Signature], name: str, hidden: int
) -> Iterator[Problem]:
    """Check against builtin signatures, of which one has to fit."""
    message = ""
    for each in signatures:
        try:
            keywords = {keyword.name: None for keyword in call.keywords}
            each.bind(*[None] * (hidden + len(call.args)), **keywords)
        except TypeError as error:
            message = str(error)
        else:
            return
    code = "SGL0205" if "unexpected keyword" in message else "SGL0204"
    yield Problem(code, f"`{name}`: {message.replace(chr(39), '`')}", call.loc, "does not fit")


def _check_arguments(call: Call, target: Target) -> Iterator[Problem]:
    params, name = target.params, target.definition.name
    declared = Mark(target.definition.loc, "defined here")
    # A mark in another file would need that file's name; imported functions go without.
    known = {p.name for p in params}
    if len(call.args) > len(params):
        extra = call.args[len(params)]
        yield Problem(
            "SGL0204",
            f"`{name}` takes {_count(len(params), 'argument')}, {len(call.args)} are given",
            extra.loc,
            "one too many",
            marks=(declared,) if target.unit.qualifier == "" else (),
        )
    positional = {p.name for p in params[: len(call.args)]}
    for keyword in call.keywords:
        if keyword.name not in known:
            yield Problem(
                "SGL0205",
                f"`{name}` has no parameter `{keyword.name}`",
                keyword.loc,
                "not a parameter",
                helps=did_you_mean(keyword.name, known) or _signature_help(name, params),
            )
        elif keyword.name in positional:
            yield Problem(
                "SGL0204", f"`{keyword.name}` is given twice", keyword.loc, "also by position"
            )
    given = positional | {k.name for k in call.keywords}
    missing = [p.name for p in params if p.default is None and p.name not in given]
    # A misspelt name is the reason why another is missing.
    if missing and given <= known:
        listed = ", ".join(f"`{each}`" for each in missing)
        yield Problem(
            "SGL0204",
            f"`{name}` needs {listed}",
            call.loc,
            "missing" if len(missing) == 1 else f"{len(missing)} missing",
            helps=_signature_help(name, params),
        )


def _signature_help(name: str, params: tuple[Param, ...]) -> tuple[str, ...]:
    shown = [p.name if p.default is None else f"{p.name}=..." for p in params]
    return (f"it is `{name}({', '.join(shown)})`",)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}" if number else f"no {noun}s"
