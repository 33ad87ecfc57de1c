"""Type annotations and schemas as JSON schemas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sglc.diagnostics.suggest import did_you_mean
from sglc.expressions.conversion import ConversionError, convert
from sglc.expressions.evaluate import evaluate
from sglc.expressions.meter import Meter, TooLargeError
from sglc.expressions.nodes import Call as CallExpr
from sglc.expressions.nodes import Expr, names, walk
from sglc.expressions.printer import quoted
from sglc.expressions.problem import Mark, Problem
from sglc.expressions.values import ValueFailedError, ValueLimits
from sglc.frontends.script.ast import (
    LiteralType,
    NamedType,
    Param,
    Schema,
    SchemaField,
    TypeExpr,
    UnionType,
)
from sglc.frontends.script.symbols import Unit

_SCALARS = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "none": "null",
}
_ARITY = {"list": 1, "dict": 2}
TYPE_NAMES = (*_SCALARS, *_ARITY, "any")
NO_DEFAULT = object()


def type_text(type_: TypeExpr) -> str:
    """The annotation as it is written."""
    match type_:
        case NamedType():
            args = ", ".join(type_text(arg) for arg in type_.args)
            return f"{type_.name}[{args}]" if args else type_.name
        case LiteralType():
            return quoted(type_.value)
        case UnionType(members=(inner, NamedType(name="none"))):
            text = type_text(inner)
            return f"{text} | none" if isinstance(inner, UnionType) else f"{text}?"
        case UnionType():
            return " | ".join(type_text(member) for member in type_.members)


def json_type(unit: Unit, type_: TypeExpr) -> dict[str, Any]:
    """The JSON schema of a checked annotation; record types are `$ref`s to qualified names."""
    match type_:
        case NamedType(name="any"):
            return {}
        case NamedType(name="list"):
            items = json_type(unit, type_.args[0]) if type_.args else {}
            return {"type": "array", "items": items} if items else {"type": "array"}
        case NamedType(name="dict"):
            values = json_type(unit, type_.args[1]) if type_.args else {}
            extra = {"additionalProperties": values} if values else {}
            return {"type": "object", **extra}
        case NamedType() if type_.name in _SCALARS:
            return {"type": _SCALARS[type_.name]}
        case NamedType():
            return {"$ref": f"#/$defs/{unit.qualified(type_.name)}"}
        case LiteralType():
            return {"enum": [type_.value]}
        case UnionType():
            return _union([json_type(unit, member) for member in type_.members])


def annotation_schema(unit: Unit, type_: TypeExpr | None) -> dict[str, Any] | None:
    """The JSON schema of an annotation; None without one, and for one that is wrong."""
    if type_ is None or next(check_type(unit, type_), None) is not None:
        return None
    return json_type(unit, type_)


def _union(members: list[dict[str, Any]]) -> dict[str, Any]:
    """Strings that stand next to each other are one enumeration."""
    merged: list[dict[str, Any]] = []
    for member in members:
        if "enum" in member and merged and "enum" in merged[-1]:
            merged[-1]["enum"] += member["enum"]
        else:
            merged.append(member)
    return merged[0] if len(merged) == 1 else {"anyOf": merged}


def schema_json(unit: Unit, schema: Schema) -> dict[str, Any]:
    """The JSON schema of one schema; others it refers to are `$ref`s."""
    properties: dict[str, Any] = {}
    for field in schema.fields:
        inner = json_type(unit, field.type)
        if field.doc:
            inner = {**inner, "description": field.doc}
        default = constant(field.default)
        if default is not NO_DEFAULT:
            inner = {**inner, "default": default}
        properties[field.name] = inner
    result: dict[str, Any] = {"title": schema.name}
    if schema.doc:
        result["description"] = schema.doc
    return {
        **result,
        "type": "object",
        "properties": properties,
        # A field with a default may be left out, and is filled in where the value is read.
        "required": [field.name for field in schema.fields if field.default is None],
        "additionalProperties": False,
    }


def constant(expr: Expr | None) -> object:
    """The value of a constant expression, `NO_DEFAULT` if it is absent or not constant."""
    if expr is None or next(names(expr), None) is not None:
        return NO_DEFAULT
    if any(isinstance(part, CallExpr) for part in walk(expr)):
        return NO_DEFAULT
    limits = ValueLimits(100_000, 10_000, meter=Meter(50_000, 1_000_000))
    try:
        return evaluate(expr, {}, limits=limits)
    except (ValueFailedError, TooLargeError):
        return NO_DEFAULT


# ---- checks --------------------------------------------------------------------------------------


def check_type(unit: Unit, type_: TypeExpr) -> Iterator[Problem]:
    """Unknown names and wrong numbers of arguments in an annotation."""
    match type_:
        case UnionType():
            for member in type_.members:
                yield from check_type(unit, member)
        case NamedType():
            known = type_.name in TYPE_NAMES or type_.name in unit.schemas
            if not known:
                yield Problem(
                    "SGL0208",
                    f"unknown type `{type_.name}`",
                    type_.loc,
                    "not a type",
                    helps=_type_help(type_.name, unit),
                )
            wanted = _ARITY.get(type_.name, 0)
            if type_.args and known and len(type_.args) != wanted:
                takes = f"{wanted} type{'s' * (wanted != 1)}" if wanted else "no types"
                yield Problem(
                    "SGL0208",
                    f"`{type_.name}` takes {takes} in brackets, not {len(type_.args)}",
                    type_.loc,
                    "wrong number",
                )
            elif type_.name == "dict" and type_.args and type_text(type_.args[0]) != "str":
                yield Problem(
                    "SGL0208", "keys of a dict are strings", type_.args[0].loc, "must be `str`"
                )
            for arg in type_.args:
                yield from check_type(unit, arg)


_FOREIGN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
_FOREIGN |= {"String": "str", "List": "list", "Dict": "dict", "array": "list", "object": "dict"}
_FOREIGN |= {"Any": "any", "null": "none", "text": "str", "Optional": "T?"}


def _type_help(name: str, unit: Unit) -> tuple[str, ...]:
    if name in _FOREIGN:
        return (f"did you mean `{_FOREIGN[name]}`?",)
    return did_you_mean(name, (*TYPE_NAMES, *unit.schemas))


def check_default(unit: Unit, type_: TypeExpr | None, default: Expr) -> Iterator[Problem]:
    """A default that is not constant or does not fit its annotation."""
    value = constant(default)
    if value is NO_DEFAULT:
        yield Problem("SGL0218", "a default value is a constant", default.loc, "not constant")
        return
    if type_ is None or next(check_type(unit, type_), None) is not None:
        return
    schemas = {unit.qualified(s.name): schema_json(unit, s) for s in unit.schemas.values()}
    try:
        convert(value, json_type(unit, type_), schemas)
    except ConversionError as error:
        yield Problem(
            "SGL0218",
            f"the default {error}",
            default.loc,
            f"does not fit `{type_text(type_)}`",
            marks=(Mark(type_.loc, "the annotation"),),
        )


def check_params(unit: Unit, params: tuple[Param, ...]) -> Iterator[Problem]:
    """Names given twice, bad annotations and defaults, required ones after optional ones."""
    seen: dict[str, Param] = {}
    optional: Param | None = None
    for param in params:
        if param.name in seen:
            yield Problem(
                "SGL0210",
                f"two parameters are called `{param.name}`",
                param.loc,
                "second one",
                marks=(Mark(seen[param.name].loc, "first one"),),
            )
        seen.setdefault(param.name, param)
        if param.type is not None:
            yield from check_type(unit, param.type)
        if param.default is not None:
            optional = optional or param
            yield from check_default(unit, param.type, param.default)
        elif optional is not None:
            yield Problem(
                "SGL0218",
                f"`{param.name}` has no default but follows `{optional.name}`, which has one",
                param.loc,
                "needs a default",
                marks=(Mark(optional.loc, "has a default"),),
            )


def check_schema(unit: Unit, schema: Schema) -> Iterator[Problem]:
    """Bad fields, and schemas that contain themselves without end."""
    seen: dict[str, SchemaField] = {}
    for field in schema.fields:
        if field.name in seen:
            yield Problem(
                "SGL0210",
                f"two fields are called `{field.name}`",
                field.loc,
                "second one",
                marks=(Mark(seen[field.name].loc, "first one"),),
            )
        seen.setdefault(field.name, field)
        yield from check_type(unit, field.type)
        if field.default is not None:
            yield from check_default(unit, field.type, field.default)
        if field.default is None and schema.name in _always_inside(unit, field.type, set()):
            yield Problem(
                "SGL0208",
                f"`{schema.name}` contains itself without end",
                field.loc,
                "always holds another one",
                helps=(f"write `{type_text(field.type)}?` or use a list",),
            )


def _always_inside(unit: Unit, type_: TypeExpr, seen: set[str]) -> set[str]:
    """Schemas of which every value of the type contains a value."""
    if not isinstance(type_, NamedType) or type_.name in seen or type_.name not in unit.schemas:
        return set()
    seen.add(type_.name)
    found = {type_.name}
    for field in unit.schemas[type_.name].fields:
        if field.default is None:
            found |= _always_inside(unit, field.type, seen)
    return found
