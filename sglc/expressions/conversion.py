"""
Values against types. Types are JSON schemas of the subset that scripts produce:
`type`, `enum`, `anyOf`, `items`, `properties`, `required`, `additionalProperties`, `$ref`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from sglc.expressions.values import type_name

JsonSchema = Mapping[str, Any]
MISSING = object()


class ConversionError(ValueError):
    """A value does not fit a type; the message completes "the value ..."."""


def convert(value: object, schema: JsonSchema, schemas: Mapping[str, JsonSchema]) -> object:
    """
    The value as one of the type: whole floats become integers where those are wanted, integers
    floats, absent record fields with a default are filled in.

    Args:
        value: a script's value, nothing pending inside.
        schema: the type.
        schemas: record types by name, for `$ref`.

    Raises:
        ConversionError: it does not fit.
    """
    if not schema:
        return value
    if "$ref" in schema:
        return convert(value, _referred(schema, schemas), schemas)
    if "anyOf" in schema:
        return _first_fit(value, cast("Sequence[JsonSchema]", schema["anyOf"]), schemas)
    if "enum" in schema:
        if value in schema["enum"] and not isinstance(value, bool):
            return value
        raise ConversionError(f"is {_shown(value)}, not {describe(schema)}")
    match schema.get("type"):
        case "array" if isinstance(value, list | tuple | range):
            inner = schema.get("items", {})
            return [convert(item, inner, schemas) for item in value]
        case "object" if isinstance(value, Mapping):
            return _record(value, schema, schemas)
        case str() as kind if kind not in ("array", "object"):
            return _scalar(value, kind, schema)
    raise ConversionError(f"is {_kind(value)}, not {describe(schema)}")


def from_text(text: str, schema: JsonSchema, schemas: Mapping[str, JsonSchema]) -> object:
    """
    A value written on a command line, converted by its type; containers are written as JSON.

    Raises:
        ConversionError: the text does not stand for a value of the type.
    """
    if not schema:
        return text
    if "$ref" in schema:
        return from_text(text, _referred(schema, schemas), schemas)
    if "anyOf" in schema:
        return _first_text(text, cast("Sequence[JsonSchema]", schema["anyOf"]), schemas)
    if "enum" in schema:
        return convert(text, schema, schemas)
    match schema.get("type"):
        case "string":
            return text
        case "integer" | "number" as kind:
            return _number(text, kind)
        case "boolean":
            if text.lower() in ("true", "false"):
                return text.lower() == "true"
        case "null":
            if text.lower() in ("none", "null"):
                return None
        case "array" | "object":
            try:
                value = json.loads(text)
            except json.JSONDecodeError as error:
                raise ConversionError(
                    f"is not JSON: {error.msg} at character {error.pos + 1}"
                ) from None
            return convert(value, schema, schemas)
    raise ConversionError(f"is {_shown(text)}, not {describe(schema)}")


def describe(schema: JsonSchema) -> str:
    """The type in words."""
    if not schema:
        return "any value"
    if "$ref" in schema:
        return f"a `{str(schema['$ref']).rsplit('/', 1)[-1]}`"
    if "anyOf" in schema:
        return " or ".join(describe(member) for member in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    kinds = {
        "string": "text",
        "integer": "an integer",
        "number": "a number",
        "boolean": "true or false",
        "null": "none",
        "array": "a list",
        "object": "a dict",
    }
    return kinds.get(str(schema.get("type")), "a value")


def _referred(schema: JsonSchema, schemas: Mapping[str, JsonSchema]) -> JsonSchema:
    name = str(schema["$ref"]).rsplit("/", 1)[-1]
    return schemas[name]


def _first_fit(
    value: object, members: Sequence[JsonSchema], schemas: Mapping[str, JsonSchema]
) -> object:
    for member in members:
        try:
            return convert(value, member, schemas)
        except ConversionError:
            continue
    raise ConversionError(f"is {_kind(value)}, not {describe({'anyOf': members})}")


def _first_text(
    text: str, members: Sequence[JsonSchema], schemas: Mapping[str, JsonSchema]
) -> object:
    # Everything is text, so that reading comes last.
    ordered = sorted(members, key=lambda member: member.get("type") == "string")
    for member in ordered:
        try:
            return from_text(text, member, schemas)
        except ConversionError:
            continue
    raise ConversionError(f"is {_shown(text)}, not {describe({'anyOf': members})}")


def _scalar(value: object, kind: str, schema: JsonSchema) -> object:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if kind == "string" and isinstance(value, str):
        return value
    if kind == "integer" and whole:
        return value
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind == "number" and (whole or isinstance(value, float)):
        return float(cast(float, value))
    if kind == "boolean" and isinstance(value, bool):
        return value
    if kind == "null" and value is None:
        return value
    raise ConversionError(f"is {_kind(value)}, not {describe(schema)}")


def _number(text: str, kind: str) -> int | float:
    try:
        return int(text) if kind == "integer" else float(text)
    except ValueError:
        wanted = describe({"type": kind})
        raise ConversionError(f"is {_shown(text)}, not {wanted}") from None


def _record(
    value: Mapping[str, object], schema: JsonSchema, schemas: Mapping[str, JsonSchema]
) -> dict[str, object]:
    properties = cast("Mapping[str, JsonSchema]", schema.get("properties", {}))
    extra = schema.get("additionalProperties", {})
    record: dict[str, object] = {}
    for name, inner in properties.items():
        if name in value:
            try:
                record[name] = convert(value[name], inner, schemas)
            except ConversionError as error:
                raise ConversionError(f"has a field `{name}` that {error}") from None
        elif "default" in inner:
            record[name] = inner["default"]
        elif name in schema.get("required", ()):
            raise ConversionError(f"has no field `{name}`")
    for name, item in value.items():
        if name in properties:
            continue
        if extra is False:
            raise ConversionError(f"has an unknown field `{name}`")
        record[name] = convert(item, extra if isinstance(extra, Mapping) else {}, schemas)
    return record


def _kind(value: object) -> str:
    if isinstance(value, str):
        return f"text, {_shown(value)}"
    return f"{type_name(value)}, {_shown(value)}" if value is not None else "none"


def _shown(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def self_contained(name: str, schemas: Mapping[str, Any]) -> str:
    """JSON text of schema `name` with every schema it reaches under `$defs`."""
    reached: dict[str, Any] = {}
    todo = [name]
    while todo:
        current = todo.pop(0)
        for other in _references(schemas[current]):
            if other not in reached:
                reached[other] = schemas[other]
                todo.append(other)
    whole = dict(schemas[name])
    if reached:
        whole["$defs"] = reached
    return json.dumps(whole, ensure_ascii=False)


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key == "$ref":
                yield str(value).rsplit("/", 1)[-1]
            else:
                yield from _references(value)
    elif isinstance(schema, list | tuple):
        for item in schema:
            yield from _references(item)
