"""Checks of calls: that the function exists, and that the arguments fit its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from sglc.diagnostics.suggest import did_you_mean
from sglc.expressions.functions import FUNCTIONS, METHODS, MUTATORS, method_signatures, signature
from sglc.expressions.nodes import Attribute, Call, Name
from sglc.expressions.problem import Mark, Problem
from sglc.frontends.script.ast import Param
from sglc.frontends.script.generation import duplicate_keywords
from sglc.frontends.script.symbols import Target, Unit, find_target

BUILTINS = tuple(name for name in FUNCTIONS if not name.startswith("_"))


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
    if isinstance(function.value, Name) and function.value.id in unit.imports:
        other = unit.imports[function.value.id]
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
