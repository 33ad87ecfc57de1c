"""Static checks of a whole program, file by file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sglc.diagnostics.core import Diagnostic
from sglc.expressions.problem import Problem
from sglc.frontends.script.ast import Function, Role
from sglc.frontends.script.check_body import check_body
from sglc.frontends.script.closures import every_function, find_scopes
from sglc.frontends.script.files import Loaded
from sglc.frontends.script.generation import check_use
from sglc.frontends.script.names import expressions, walk_statements
from sglc.frontends.script.symbols import Unit, calls_inside, find_target
from sglc.frontends.script.types import check_params, check_schema, check_type, schema_json
from sglc.ir.collector import without_collection

_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


@without_collection
def check_program(loaded: Loaded) -> list[Diagnostic]:
    """Errors and warnings of every file, in the order of the text."""
    for unit in loaded.units:
        find_scopes(unit)
    _find_role_openers(loaded.units)
    for unit in loaded.units:
        unit.problems += _check_definitions(unit)
    schemas = _sound_schemas(loaded.units)
    for unit in loaded.units:
        for function in every_function(unit):
            unit.problems += _body(unit, function, schemas)
    return [
        problem.diagnostic(unit.file)
        for unit in loaded.units
        for problem in sorted(unit.problems, key=lambda p: (p.loc.line, p.loc.column))
    ]


def _check_definitions(unit: Unit) -> Iterator[Problem]:
    yield from check_use(unit)
    for schema in unit.schemas.values():
        yield from check_schema(unit, schema)
    for extern in unit.externs.values():
        yield from check_params(unit, extern.params)
        if extern.returns is not None:
            yield from check_type(unit, extern.returns)
        if not _TARGET.fullmatch(extern.target):
            yield Problem(
                "SGL0217",
                f'`{extern.target}` is not of the form "module:function"',
                extern.target_loc.loc,
                "malformed",
            )
    for function in every_function(unit):
        yield from check_params(unit, function.params)
        if function.returns is not None:
            yield from check_type(unit, function.returns)


def _body(unit: Unit, function: Function, schemas: Mapping[str, Any]) -> list[Problem]:
    try:
        return check_body(unit.within(function), function, schemas)
    except RecursionError:
        # A chain of hundreds of `elif` is as deep as blocks inside blocks.
        message = f"`{function.name}` is too deeply nested"
        return [Problem("SGL0114", message, function.loc, "too many blocks or `elif`s")]


def _sound_schemas(units: list[Unit]) -> dict[str, dict[str, Any]]:
    """Schemas without mistakes as JSON schemas, by qualified name."""
    return {
        unit.qualified(schema.name): schema_json(unit, schema)
        for unit in units
        for schema in unit.schemas.values()
        if next(check_schema(unit, schema), None) is None
    }


def _find_role_openers(units: list[Unit]) -> None:
    """Which fragments open a role, until nothing new is found."""
    changed = True
    while changed:
        changed = False
        for unit in units:
            for function in every_function(unit):
                if (
                    function.kind == "fragment"
                    and function.path not in unit.opens_role
                    and _opens_role(unit.within(function), function)
                ):
                    unit.opens_role.add(function.path)
                    changed = True


def _opens_role(unit: Unit, function: Function) -> bool:
    for stmt in walk_statements(function.body):
        if isinstance(stmt, Role):
            return True
        for expr in expressions(stmt):
            for call in calls_inside(unit, expr):
                target = find_target(unit, call.function)
                if target is not None and target.path in target.unit.opens_role:
                    return True
    return False
