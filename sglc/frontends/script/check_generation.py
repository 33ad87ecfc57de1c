"""What `gen` and `select` give, and parameters of theirs that cannot fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sglc.expressions.conversion import describe as describe_schema
from sglc.expressions.nodes import Call, Expr, Keyword, Name
from sglc.expressions.parameters import GEN, SELECT
from sglc.expressions.problem import Problem
from sglc.frontends.script.check_kinds import (
    STR,
    Kind,
    Types,
    describe,
    names_of,
    one,
    texts,
    unfit,
)
from sglc.frontends.script.generation import schema_name
from sglc.frontends.script.symbols import Unit
from sglc.frontends.script.types import NO_DEFAULT, constant


def generated_type(unit: Unit, call: Call) -> Types:
    """The type of what a `gen` or `select` gives."""
    own = {keyword.name: keyword for keyword in call.keywords}
    if isinstance(call.function, Name) and call.function.id == "select":
        choices = call.args[0] if call.args else own["choices"].value if "choices" in own else None
        values = constant(choices)
        known = isinstance(values, list) and all(isinstance(value, str) for value in values)
        return texts(values) if known and isinstance(values, list) and values else STR
    types = STR
    if "json" in own:
        name = schema_name(unit, own["json"].value)
        types = None if name is None else frozenset({Kind("dict", record=name)})
    samples = _samples(unit, own)
    return types if samples == 1 else one("list", types) if isinstance(samples, int) else None


def _samples(unit: Unit, own: Mapping[str, Keyword]) -> object:
    keyword = own.get("n") or unit.settings.get("n")
    if keyword is None:
        return 1
    value = constant(keyword.value)
    return 1 if value is None else value


def unfit_parameters(
    call: Call, args: Sequence[Types], named: Mapping[str, Types]
) -> Iterator[Problem]:
    """Parameters whose values are computed and certainly of a wrong type."""
    table: Mapping[str, dict[str, Any]] = GEN
    given: list[tuple[str, Expr, Types]] = []
    for keyword in call.keywords:
        given.append((keyword.name, keyword.value, named.get(keyword.name)))
    if isinstance(call.function, Name) and call.function.id == "select":
        table = SELECT
        given += [("choices", arg, types) for arg, types in zip(call.args[:1], args, strict=False)]
    for name, value, types in given:
        schema = table.get(name, {})
        # Constants were checked by value, and none leaves a parameter to the run's settings.
        if "none" in names_of(types) or constant(value) is not NO_DEFAULT:
            continue
        if unfit(types, schema):
            yield Problem(
                "SGL0206",
                f"`{name}` is {describe(types)}, not {describe_schema(schema)}",
                value.loc,
                "does not fit",
            )
