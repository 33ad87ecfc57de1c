"""Parameters of `gen`, `select` and `use`: names, types, patterns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sglc.diagnostics.suggest import closest, did_you_mean
from sglc.expressions.conversion import ConversionError
from sglc.expressions.nodes import Attribute, Call, Expr, Keyword, ListExpr, Literal, Name
from sglc.expressions.parameters import GEN, SAMPLING, SELECT, check_parameter
from sglc.expressions.problem import Mark, Problem
from sglc.frontends.script.symbols import Unit
from sglc.frontends.script.types import NO_DEFAULT, constant
from sglc.ir.core import Loc

_RENAMED = {
    "max_new_tokens": "max_tokens",
    "max_length": "max_tokens",
    "schema": "json",
    "type": "dtype",
    "choices_method": "method",
    "options": "choices",
}


_CONSTRAINTS = ("regex", "json", "json_schema", "ebnf", "dtype")


def is_generation(expr: Expr) -> bool:
    """Whether the expression is `gen(...)` or `select(...)`."""
    return (
        isinstance(expr, Call)
        and isinstance(expr.function, Name)
        and expr.function.id in ("gen", "select")
    )


def is_image(unit: Unit, expr: Expr) -> bool:
    """Whether the expression is `image(...)`, and the file has no function of that name."""
    return (
        isinstance(expr, Call)
        and isinstance(expr.function, Name)
        and expr.function.id == "image"
        and "image" not in unit.functions
        and "image" not in unit.externs
    )


def check_image(call: Call) -> Iterator[Problem]:
    """`image` takes one value, by position."""
    if len(call.args) != 1 or call.keywords:
        place = call.keywords[0].loc if call.keywords else call.loc
        yield Problem(
            "SGL0204",
            "`image` takes one argument",
            place,
            "not one",
            helps=('write `image("picture.png")`, or `image(path)`',),
        )


def schema_name(unit: Unit, expr: Expr) -> str | None:
    """The qualified schema that `json=` names, None if it names none."""
    if isinstance(expr, Name) and expr.id in unit.schemas:
        return unit.qualified(expr.id)
    if isinstance(expr, Attribute) and isinstance(expr.value, Name):
        other = unit.imports.get(expr.value.id)
        if other is not None and expr.name in other.schemas:
            return other.qualified(expr.name)
    return None


def dtype_value(expr: Expr) -> Expr:
    """`dtype=int` means the type's name."""
    if isinstance(expr, Name) and expr.id in ("int", "float", "str", "bool"):
        return Literal(expr.id, loc=expr.loc)
    return expr


def check_use(unit: Unit) -> Iterator[Problem]:
    """Unknown settings, and settings that are not constants of their type."""
    for setting in unit.settings.values():
        yield from _known(setting, SAMPLING, "`use`")
        if setting.name not in SAMPLING:
            continue
        if constant(setting.value) is NO_DEFAULT:
            yield Problem(
                "SGL0206", "`use` takes constants only", setting.value.loc, "not constant"
            )
            continue
        yield from check_value(setting, SAMPLING)


def check_generation(unit: Unit, call: Call) -> Iterator[Problem]:
    """What is wrong with the parameters of a `gen` or `select`."""
    assert isinstance(call.function, Name)
    kind = call.function.id
    table = GEN if kind == "gen" else SELECT
    yield from duplicate_keywords(call)
    for keyword in call.keywords:
        yield from _known(keyword, table, f"`{kind}`")
        if keyword.name == "json" and kind == "gen":
            yield from _check_json(unit, keyword)
        elif keyword.name in table:
            yield from check_value(keyword, table)
    if kind == "gen":
        yield from _check_gen(call)
    else:
        yield from _check_select(call)


def _check_gen(call: Call) -> Iterator[Problem]:
    if call.args:
        yield Problem(
            "SGL0206",
            "`gen` takes named parameters only",
            call.args[0].loc,
            "has no name",
            helps=("write for example `gen(max_tokens=20)`; `x = gen()` names the result",),
        )
    constraints = [k for k in call.keywords if k.name in _CONSTRAINTS]
    if len(constraints) > 1:
        first, second = constraints[:2]
        yield Problem(
            "SGL0206",
            f"`{first.name}` and `{second.name}` cannot be combined",
            second.loc,
            "second constraint",
            marks=(Mark(first.loc, "first constraint"),),
        )


def _check_select(call: Call) -> Iterator[Problem]:
    given = [k.value for k in call.keywords if k.name == "choices"]
    choices = [*call.args[:1], *given]
    if len(call.args) > 1:
        yield Problem(
            "SGL0206",
            "`select` takes the list of choices, and named parameters",
            call.args[1].loc,
            "has no name",
            helps=('write `select(["a", "b"])`',),
        )
    elif len(choices) != 1:
        message = "`select` needs choices" if not choices else "choices are given twice"
        yield Problem("SGL0206", message, call.loc, "here", helps=('write `select(["a", "b"])`',))
    elif isinstance(choices[0], ListExpr) and not choices[0].items:
        yield Problem("SGL0206", "the list of choices is empty", choices[0].loc, "empty")
    elif call.args:
        yield from check_value(Keyword("choices", call.args[0], loc=call.args[0].loc), SELECT)


def duplicate_keywords(call: Call) -> Iterator[Problem]:
    """Keyword arguments that are given twice."""
    seen: dict[str, Loc] = {}
    for keyword in call.keywords:
        if keyword.name in seen:
            yield Problem(
                "SGL0210",
                f"`{keyword.name}` is given twice",
                keyword.loc,
                "second time",
                marks=(Mark(seen[keyword.name], "first time"),),
            )
        seen.setdefault(keyword.name, keyword.loc)


def _known(keyword: Keyword, table: Mapping[str, Any], what: str) -> Iterator[Problem]:
    if keyword.name in table:
        return
    renamed = _RENAMED.get(keyword.name)
    helps = did_you_mean(keyword.name, table)
    if renamed in table:
        helps = (f"did you mean `{renamed}`?",)
    elif closest(keyword.name, table) is None:
        helps = ("there are " + ", ".join(f"`{name}`" for name in table),)
    yield Problem(
        "SGL0206",
        f"{what} has no parameter `{keyword.name}`",
        keyword.loc,
        "not a parameter",
        helps=helps,
    )


def check_value(keyword: Keyword, table: Mapping[str, dict[str, Any]]) -> Iterator[Problem]:
    """A constant value that does not fit the parameter; others are checked at run time."""
    expr = dtype_value(keyword.value) if keyword.name == "dtype" else keyword.value
    value = constant(expr)
    if value is NO_DEFAULT:
        return
    if value is None:
        return
    try:
        check_parameter(keyword.name, value, table)
    except ConversionError as error:
        yield Problem("SGL0206", f"`{keyword.name}` {error}", keyword.value.loc, "does not fit")
        return
    patterns = value if isinstance(value, list) else [value]
    if keyword.name in ("regex", "stop_regex"):
        for pattern in patterns:
            yield from _check_pattern(keyword.name, str(pattern), keyword.value)
    if keyword.name in ("json_schema", "ebnf"):
        yield from _check_grammar(keyword.name, str(value), keyword.value)


def _check_pattern(name: str, pattern: str, place: Expr) -> Iterator[Problem]:
    from sglc.expressions.patterns import regex_fault, stop_regex_fault

    fault = regex_fault(pattern) if name == "regex" else stop_regex_fault(pattern)
    if fault is not None:
        code = "SGL0232" if fault.too_large else "SGL0207"
        yield Problem(code, fault.message, place.loc, fault.label, notes=fault.notes)


def _check_grammar(name: str, text: str, place: Expr) -> Iterator[Problem]:
    from sglc.expressions.constraints import ebnf_fault, schema_fault

    fault = ebnf_fault(text) if name == "ebnf" else schema_fault(text)
    if fault is not None:
        invalid = "SGL0207" if name == "ebnf" else "SGL0208"
        code = "SGL0232" if fault.too_large else invalid
        yield Problem(code, f"`{name}` {fault.message}", place.loc, fault.label)


def _check_json(unit: Unit, keyword: Keyword) -> Iterator[Problem]:
    if schema_name(unit, keyword.value) is not None:
        return
    helps: tuple[str, ...] = ("declare it with `schema Name:`",)
    if isinstance(keyword.value, Name):
        helps = did_you_mean(keyword.value.id, unit.schemas) or helps
    elif isinstance(keyword.value, Literal) and isinstance(keyword.value.value, str):
        helps = ("for the text of a JSON schema, use `json_schema=`",)
    yield Problem(
        "SGL0208", "`json` takes the name of a schema", keyword.value.loc, "not a schema",
        helps=helps,
    )  # fmt: skip
