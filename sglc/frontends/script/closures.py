"""
Functions inside functions: what is in scope, and which variables of the functions around they read.

A local function is no value, so it runs only while the functions around it are suspended. Handing
over the variables it reads as further arguments of each call therefore means the same as looking
them up when they are read (lambda lifting: Johnsson, 1985).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import TypeVar, cast

from sglc.expressions.nodes import Call, Keyword, Name, Node
from sglc.frontends.script.ast import Function
from sglc.frontends.script.names import (
    assigned,
    expressions,
    local_functions,
    reads,
    walk_statements,
)
from sglc.frontends.script.symbols import Target, Unit, calls_inside, find_target

_Node = TypeVar("_Node")


def every_function(unit: Unit) -> Iterator[Function]:
    """The functions of a file and those inside them, outer ones first."""
    todo = list(reversed(unit.functions.values()))
    while todo:
        function = todo.pop()
        yield function
        todo += reversed(list(local_functions(function)))


def variables(function: Function) -> set[str]:
    """Names that are the function's own: parameters, and what it assigns outside of branches."""
    return {*(param.name for param in function.params), *assigned(function.body)}


def find_scopes(unit: Unit) -> None:
    """Enter what each function of the file sees of local functions and outer variables."""
    for function in unit.functions.values():
        _enter(unit, function, {}, frozenset())
    if any(unit.scopes.values()):
        _find_captures(unit)


def _enter(
    unit: Unit, function: Function, around: dict[str, Function], outer: frozenset[str]
) -> None:
    inside = {**around, **{local.name: local for local in local_functions(function)}}
    unit.scopes[function.path] = inside
    own = frozenset(variables(function))
    unit.own_names[function.path] = own
    unit.outer_names[function.path] = outer - own
    for local in local_functions(function):
        _enter(unit, local, inside, outer | own)


def _find_captures(unit: Unit) -> None:
    """Outer variables that each function needs, its callees' included, until none is added."""
    changed = True
    while changed:
        changed = False
        for function in every_function(unit):
            needed = set(reads(function.body)) | set(_needed_by_callees(unit, function))
            found = tuple(sorted(needed & unit.outer_names[function.path]))
            changed = changed or found != unit.captures.get(function.path, ())
            unit.captures[function.path] = found


def _needed_by_callees(unit: Unit, function: Function) -> Iterator[str]:
    scope = unit.within(function)
    for stmt in walk_statements(function.body):
        for expr in expressions(stmt):
            for call in calls_inside(scope, expr):
                target = find_target(scope, call.function)
                if target is not None and target.unit is scope:
                    yield from unit.captures.get(target.path, ())


def hides(unit: Unit, function: Function, target: Target, name: str) -> bool:
    """Whether a variable between `function` and where its callee stands hides an outer `name`."""
    path, around = function.path, target.path.rpartition(".")[0]
    while path not in ("", around):
        if name in unit.own_names.get(path, ()):
            return True
        path = path.rpartition(".")[0]
    return False


def lifted(unit: Unit, function: Function) -> Iterator[Function]:
    """The function and those inside it, with captured variables as arguments."""
    if not any(local_functions(function)) and "." not in function.path:
        yield function
        return
    captured = unit.captures.get(function.path, ())
    body = _hand_over(unit.within(function), function.body)
    yield replace(function, body=body, captured=captured)
    for local in local_functions(function):
        yield from lifted(unit, local)


def _hand_over(scope: Unit, value: _Node) -> _Node:
    """A part of a body, without local functions, whose calls hand over what those capture."""
    if isinstance(value, tuple):
        kept = (_hand_over(scope, part) for part in value if not isinstance(part, Function))
        return cast(_Node, tuple(kept))
    if not isinstance(value, Node):
        return value
    old = {field.name: getattr(value, field.name) for field in fields(value)}
    new = {name: _hand_over(scope, part) for name, part in old.items()}
    if isinstance(value, Call):
        target = find_target(scope, value.function)
        if target is not None and target.unit is scope:
            names = scope.captures.get(target.path, ())
            added = (Keyword(n, Name(n, loc=value.loc), loc=value.loc) for n in names)
            new["keywords"] = (*new["keywords"], *added)
    return cast(_Node, replace(value, **new))
