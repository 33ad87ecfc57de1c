"""
What expressions can be, as far as it is known before a run.

A type is a set of kinds, None where nothing is known. What is reported is only what fails for every
kind of the set: a value that may be of the right kind is never complained about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sglc.expressions.values import type_name

JsonSchema = Mapping[str, Any]
_MOST = 8
"""Kinds of one type, beyond which nothing is known."""
_DEEPEST = 4
"""Containers inside containers whose items are known."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value."""

    name: str
    """As `type_name` calls it."""
    item: Types = None
    """Of a list's items and a dict's values."""
    fields: tuple[tuple[str, Types], ...] | None = None
    """All fields of a dict, where they are known."""
    values: frozenset[str] | None = None
    """All texts that a string can be, where they are known."""
    record: str = ""
    """The schema of a dict."""


Types = frozenset[Kind] | None


def _depth(types: Types) -> int:
    inner = (
        each for kind in types or () for each in (kind.item, *dict(kind.fields or ()).values())
    )
    return 1 + max(map(_depth, inner), default=0) if types else 0


def one(name: str, item: Types = None) -> Types:
    """The type of a single kind."""
    return frozenset({Kind(name, item if _depth(item) < _DEEPEST else None)})


NONE, BOOL, INT, FLOAT, STR = (one(name) for name in ("none", "bool", "int", "float", "str"))
LIST, DICT, RANGE = one("list"), one("dict"), one("range")
NUMBER = frozenset({Kind("int"), Kind("float")})


def texts(values: Iterable[str]) -> Types:
    """A string that is one of these."""
    return frozenset({Kind("str", values=frozenset(values))})


def record(fields: Mapping[str, Types]) -> Types:
    """A dict with exactly these fields."""
    known = {name: types if _depth(types) < _DEEPEST else None for name, types in fields.items()}
    return frozenset({Kind("dict", fields=tuple(known.items()))})


def constant_type(value: object) -> Types:
    """The type of a constant."""
    return texts([value]) if isinstance(value, str) else one(type_name(value))


def union(*members: Types) -> Types:
    """What may be any of these; strings with known values are put together."""
    found: set[Kind] = set()
    strings: list[Kind] = []
    for types in members:
        if types is None:
            return None
        for kind in types:
            if kind.name == "str":
                strings.append(kind)
            else:
                found.add(kind)
    if strings:
        known = [kind.values for kind in strings]
        every = [values for values in known if values is not None]
        whole = frozenset().union(*every) if len(every) == len(known) else None
        found.add(Kind("str", values=whole))
    return frozenset(found) if len(found) <= _MOST else None


def names_of(types: Types) -> set[str]:
    """Names of the kinds; empty where nothing is known."""
    return {kind.name for kind in types or ()}


def never(types: Types, allowed: Iterable[str]) -> bool:
    """Whether a value is certainly of none of these kinds."""
    return bool(types) and names_of(types).isdisjoint(allowed)


def describe(types: Types) -> str:
    """The type in a message."""
    order = ("none", "bool", "int", "float", "str", "list", "range", "dict")
    records = sorted(kind.record.rpartition(".")[2] for kind in types or () if kind.record)
    plain = {kind.name for kind in types or () if not kind.record}
    shown = [*(name for name in order if name in plain), *records]
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def from_schema(schema: JsonSchema) -> Types:
    """The type of values that fit a JSON schema of an annotation."""
    if "$ref" in schema:
        return frozenset({Kind("dict", record=str(schema["$ref"]).removeprefix("#/$defs/"))})
    if "anyOf" in schema:
        return union(*(from_schema(member) for member in schema["anyOf"]))
    if "enum" in schema:
        return texts(schema["enum"])
    match schema.get("type"):
        case "array":
            return one("list", from_schema(schema.get("items", {})))
        case "object":
            extra = schema.get("additionalProperties", {})
            return one("dict", from_schema(extra if isinstance(extra, Mapping) else {}))
        case "string" | "integer" | "number" | "boolean" | "null" as name:
            # An integer is a number, and a run converts it only where it comes from outside.
            return {"string": STR, "integer": INT, "boolean": BOOL, "null": NONE}.get(name, NUMBER)
    return None


_ACCEPTED = {
    "string": ("str",),
    "integer": ("int", "float", "bool"),
    "number": ("int", "float", "bool"),
    "boolean": ("bool",),
    "null": ("none",),
    "array": ("list", "range"),
    "object": ("dict",),
}


def unfit(types: Types, schema: JsonSchema) -> bool:
    """Whether no value of the type can fit a JSON schema."""
    if not types or not schema:
        return False
    return all(_unfit(kind, schema) for kind in types)


def _unfit(kind: Kind, schema: JsonSchema) -> bool:
    if "$ref" in schema:
        return kind.name != "dict"
    if "anyOf" in schema:
        return all(_unfit(kind, member) for member in schema["anyOf"])
    if "enum" in schema:
        allowed, values = schema["enum"], kind.values
        if kind.name != "str":
            return True
        return values is not None and values.isdisjoint(allowed)
    return kind.name not in _ACCEPTED.get(str(schema.get("type")), (kind.name,))
