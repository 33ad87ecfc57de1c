"""Verifier, fifth part: JSON schemas in attributes have the shape that conversion relies on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from sglc.ir.attrs import DICT, STR, STRS, AttrType, list_of
from sglc.ir.core import Attr, Func, Module, Op, Symbol

_KEYS: Mapping[str, AttrType] = {
    "$ref": STR,
    "type": STR | STRS,
    "enum": AttrType("a list", lambda v: isinstance(v, tuple)),
    "required": STRS,
    "properties": DICT,
    "anyOf": list_of(DICT),
    "description": STR,
}
"""Keys of a schema that are read, and what they hold."""


def schema_findings(module: Module) -> Iterator[str]:
    """What is wrong with the schemas of a module, its functions and its `extern` declarations."""
    schemas = module.attrs.get("schemas", {})
    names = list(schemas) if isinstance(schemas, Mapping) else []
    if isinstance(schemas, Mapping):
        for name, schema in schemas.items():
            yield from _schema(schema, names, f"schema `{name}`")
    externs = module.attrs.get("externs")
    for name, entry in externs.items() if isinstance(externs, Mapping) else ():
        yield from _signature(entry, names, f"extern `{name}`")
    for func in module.funcs.values():
        yield from _signature(func.attrs, names, f"`@{func.name}`")


def symbol_findings(module: Module, func: Func) -> Iterator[tuple[Op, str]]:
    """Schemas that generations name and the module does not have."""
    schemas = module.attrs.get("schemas")
    names: Collection[str] = schemas if isinstance(schemas, Mapping) else ()
    for op in func.walk():
        named = op.attrs.get("json_schema")
        if op.name == "lm.gen" and isinstance(named, Symbol) and named.name not in names:
            yield op, f"schema `@{named.name}` is not in the module"


def _signature(attrs: Attr, names: Collection[str], whose: str) -> Iterator[str]:
    if not isinstance(attrs, Mapping):
        return
    if "schema" in attrs:
        yield from _schema(attrs["schema"], names, f"the result of {whose}")
    params = attrs.get("params")
    for entry in params if isinstance(params, tuple) else ():
        if isinstance(entry, Mapping) and "schema" in entry:
            yield from _schema(entry["schema"], names, f"a parameter of {whose}")


def _schema(schema: Attr, names: Collection[str], where: str) -> Iterator[str]:
    """Faults of one schema; `names` are those that a `$ref` may name."""
    if not isinstance(schema, Mapping):
        yield f"{where} has a schema that is no dict"
        return
    for key, type in _KEYS.items():
        if key in schema and not type.accepts(schema[key]):
            yield f"{where} has a schema whose `{key}` must be {type.name}"
            return
    target = schema.get("$ref")
    if isinstance(target, str) and target.rsplit("/", 1)[-1] not in names:
        yield f"{where} refers to the schema `{target}`, which is not in the module"
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and "$ref" in properties:
        yield f"{where} has a property called `$ref`"
    for inner in _inner(schema):
        yield from _schema(inner, names, where)


def _inner(schema: Mapping[str, Attr]) -> Iterator[Attr]:
    properties, choices = schema.get("properties"), schema.get("anyOf")
    if isinstance(properties, Mapping):
        yield from properties.values()
    if isinstance(choices, tuple):
        yield from choices
    if "items" in schema:
        yield schema["items"]
    if not isinstance(schema.get("additionalProperties", True), bool):
        yield schema["additionalProperties"]
