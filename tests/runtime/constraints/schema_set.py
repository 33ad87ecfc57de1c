"""
Schemas for every feature of JSON Schema 2020-12, generated.

Names of properties are alphabetical in the order in which a generation writes them (`properties`,
then `required` ones that have no schema, `patternProperties`, others), so that sorting the keys of
an instance puts them in schema order: a to h, r, s, x to z.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Schema = Any


@dataclass(frozen=True, slots=True)
class Case:
    """A schema, its feature, and strings worth trying on it."""

    feature: str
    schema: Schema
    refused: str = ""
    """The keyword by whose name it must be refused; empty where it must be followed."""
    strings: tuple[str, ...] = field(default=())


Family = Callable[[random.Random], Iterator[Case]]
KINDS = ("null", "boolean", "integer", "number", "string", "array", "object")


def types(rng: random.Random) -> Iterator[Case]:
    for kind in KINDS:
        yield Case("type", {"type": kind})
    for _ in range(14):
        yield Case("type", {"type": sorted(rng.sample(KINDS, rng.randint(2, 4)))})
    for schema in (True, {}, {"title": "t", "description": "d", "default": 1, "examples": [1]}):
        yield Case("boolean schemas", schema)
    yield Case("boolean schemas", {"properties": {"a": False, "b": True}})
    yield Case("boolean schemas", {"properties": {"a": False}, "required": ["a"]})
    yield Case("boolean schemas", {"items": False})
    yield Case("boolean schemas", {"additionalProperties": False})
    yield Case("boolean schemas", {"type": "array", "prefixItems": [True, False, True]})
    yield Case("boolean schemas", {"anyOf": [False, {"type": "integer"}]})


def literals(rng: random.Random) -> Iterator[Case]:
    values: list[Any] = [
        *(None, True, False, 0, 1, -7, 1.5, -0.25, 1e3, 123456789),
        *("", "a", "é日😀", 'q"uote\\', "line\nbreak\ttab", "a/b", " "),
        *([], [1, "a", None], {}, {"a": 1, "b": [True]}, [[]], {"a": {"a": 0}}),
    ]
    for value in values:
        yield Case("const", {"const": value})
    for _ in range(16):
        yield Case("enum", {"enum": rng.sample(values, rng.randint(1, 5))})
    for kind in ("integer", "number", "string", "object"):
        mixed = {"type": kind, "enum": [1, 1.5, "a", "b", {"a": 1}]}
        yield Case("enum", mixed)


def bounds(rng: random.Random) -> Iterator[Case]:
    numbers = (-1000, -17, -1, 0, 1, 3, 9, 10, 99, 100, 255, 65536)
    halves = (-10.5, -1.25, -0.001, 0.5, 0.1, 2.75, 9.99, 100.01)
    for kind in ("integer", "number"):
        pool = (*numbers, *(halves if kind == "number" else ()))
        for _ in range(24):
            low, high = sorted(rng.sample(pool, 2))
            schema: dict[str, Any] = {"type": kind}
            form = rng.randint(0, 2)
            if form != 1:
                schema[rng.choice(("minimum", "exclusiveMinimum"))] = low
            if form != 0:
                schema[rng.choice(("maximum", "exclusiveMaximum"))] = high
            if schema.get("exclusiveMinimum", -9e9) + 1 >= schema.get("exclusiveMaximum", 9e9):
                continue
            yield Case("number bounds", schema)
    yield Case("number bounds", {"minimum": 3, "exclusiveMinimum": 3, "type": "integer"})
    yield Case("number bounds", {"minimum": 1, "maximum": 1})
    for step in (1, 2, 3, 7, 10, 60, 100):
        yield Case("multipleOf", {"type": "integer", "multipleOf": step})
        yield Case("multipleOf", {"type": "integer", "multipleOf": step, "minimum": 0})
    for fraction in (0.5, 0.25, 0.125):
        yield Case("multipleOf", {"type": "number", "multipleOf": fraction})
        yield Case("multipleOf", {"type": "number", "multipleOf": fraction, "maximum": 4})
    yield Case("number bounds", {"type": "integer", "maximum": 2**60}, "maximum")


PATTERNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("^[a-z]+$", ("abc", "a", "Abc", "ab1")),
    ("b", ("abc", "b", "ac")),
    ("^a|b$", ("ax", "xb", "xx")),
    (r"^\d{3}-\d{4}$", ("555-1234", "5551234", "555-12345")),
    (r"\$", ("$", "a$b", "ab")),
    (r"^\w+@\w+\.com$", ("joe@home.com", "joe@home.org")),
    ("^(yes|no)$", ("yes", "no", "yesno")),
    ("^.{2,3}$", ("ab", "日本", "a", "abcd", "a\nb")),
    ("[^a-c]", ("abc", "abcd", "d", "é")),
    ("^$", ("", "a")),
    ('^"quoted"$', ('"quoted"', "quoted")),
    (r"^a\\b/c$", ("a\\b/c", "ab/c")),
    ("^é+$", ("é", "éé", "e")),
    ("(?i)^abc$", ("ABC", "abc", "abd")),
)
FORMATS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("date", ("2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "2023-13-01", "2023-04-31")),
    ("date-time", ("2023-06-01T12:30:45Z", "2023-02-29T00:00:00Z", "2023-06-01 12:30:45", "x")),
    ("time", ("12:30:45Z", "23:59:59+01:00", "25:00:00Z", "12:30")),
    ("ipv4", ("127.0.0.1", "255.255.255.255", "256.1.1.1", "1.2.3")),
    ("ipv6", ("::1", "2001:db8::8a2e:370:7334", "1::2::3", "12345::")),
    ("uuid", ("123e4567-e89b-12d3-a456-426614174000", "123e4567", "123e4567e89b")),
    ("email", ("joe@example.com", "no-at-sign")),
)


def strings(rng: random.Random) -> Iterator[Case]:
    for low, high in ((0, 0), (1, None), (0, 3), (2, 4), (3, 3), (0, 1), (5, 12)):
        schema: dict[str, Any] = {"type": "string", "minLength": low}
        yield Case("string lengths", schema if high is None else {**schema, "maxLength": high})
        bare = {"maxLength": 2 if high is None else high}
        yield Case("string lengths", bare)
    for pattern, tries in PATTERNS:
        yield Case("pattern", {"type": "string", "pattern": pattern}, strings=tries)
        if pattern not in ("^$", "^a|b$"):
            longer = {"pattern": pattern, "minLength": 1, "maxLength": 12}
            yield Case("pattern", longer, strings=tries)
    for name, tries in FORMATS:
        yield Case("format", {"type": "string", "format": name}, strings=tries)
        yield Case("format", {"type": ["string", "null"], "format": name}, strings=tries)
    yield Case("format", {"type": "integer", "format": "int32"})
    yield Case("format", {"type": "string", "format": "idn-email"}, "format")
    yield Case("pattern", {"type": "string", "pattern": "a(?=b)"}, "look-around")


SCALARS: tuple[Schema, ...] = (
    {"type": "integer"},
    {"type": "string"},
    {"type": "boolean"},
    {"type": "null"},
    {"enum": ["red", "green", 3]},
    {"type": "integer", "minimum": 0, "maximum": 20},
    {"type": "string", "maxLength": 3},
    {"type": "number", "exclusiveMinimum": 0},
)


def arrays(rng: random.Random) -> Iterator[Case]:
    for scalar in SCALARS:
        yield Case("items", {"type": "array", "items": scalar})
    for low, high in ((1, None), (0, 2), (2, 3), (0, 0), (3, 3), (None, 1)):
        schema: dict[str, Any] = {"type": "array", "items": rng.choice(SCALARS[:4])}
        schema |= {} if low is None else {"minItems": low}
        schema |= {} if high is None else {"maxItems": high}
        yield Case("array lengths", schema)
        yield Case("array lengths", {name: schema[name] for name in schema if name != "items"})
    for _ in range(14):
        prefix = rng.sample(SCALARS, rng.randint(1, 3))
        schema = {"type": "array", "prefixItems": prefix}
        schema |= rng.choice(({}, {"items": False}, {"items": rng.choice(SCALARS)}))
        schema |= rng.choice(({}, {"minItems": len(prefix)}, {"minItems": 1, "maxItems": 4}))
        yield Case("prefixItems", schema)
    yield Case("contains", {"contains": {"type": "integer"}}, "contains")
    yield Case("contains", {"contains": {}, "minContains": 2}, "contains")
    yield Case(
        "contains", {"type": "array", "contains": {"const": 1}, "maxContains": 1}, "contains"
    )
    yield Case("contains", {"type": "array", "minContains": 2, "items": {"type": "null"}})
    yield Case("uniqueItems", {"type": "array", "uniqueItems": True}, "uniqueItems")
    yield Case("uniqueItems", {"type": "array", "items": {"type": "null"}, "uniqueItems": False})
    yield Case("unevaluatedItems", {"type": "array", "unevaluatedItems": False}, "unevaluatedItems")
    yield Case("unevaluatedItems", {"type": "array", "unevaluatedItems": True})
    yield Case("items", {"type": "array", "items": [{"type": "integer"}]}, "items")


def objects(rng: random.Random) -> Iterator[Case]:
    for _ in range(40):
        names = sorted(rng.sample("abcdefgh", rng.randint(1, 4)))
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {name: rng.choice(SCALARS) for name in names},
        }
        if rng.random() < 0.7:
            schema["required"] = sorted(rng.sample(names, rng.randint(1, len(names))))
        schema |= rng.choice(
            ({}, {"additionalProperties": False}, {"additionalProperties": rng.choice(SCALARS)})
        )
        yield Case("properties", schema)
    yield Case("required", {"required": ["r"]})
    yield Case("required", {"properties": {"a": {"type": "null"}}, "required": ["r"]})
    yield Case("additionalProperties", {"additionalProperties": {"type": "integer"}})
    for inner in ({"type": "integer"}, {"type": "string", "maxLength": 2}, True, False):
        only = {"patternProperties": {"^s": inner}, "additionalProperties": False}
        yield Case("patternProperties", {"type": "object", **only})
        mixed = {"properties": {"a": {"type": "null"}}, "patternProperties": {"^s": inner}}
        yield Case("patternProperties", mixed)
    two = {"patternProperties": {"^s": {"type": "null"}, "^x": {"type": "boolean"}}}
    yield Case("patternProperties", {"type": "object", **two})
    yield Case("propertyNames", {"propertyNames": {"pattern": "^a"}}, "propertyNames")
    yield Case("propertyNames", {"propertyNames": {"maxLength": 2}}, "propertyNames")
    yield Case("propertyNames", {"propertyNames": True, "properties": {"a": {"type": "null"}}})
    for least in (0, 1):
        yield Case("minProperties", {"type": "object", "minProperties": least})
    for most in (0, 1, 2):
        full = {"additionalProperties": {"type": "null"}, "maxProperties": most}
        yield Case("maxProperties", {"type": "object", **full})
    some = {"properties": {"a": {"type": "null"}, "b": {"type": "null"}}}
    yield Case("minProperties", {**some, "minProperties": 1, "additionalProperties": False})
    yield Case("minProperties", {**some, "required": ["a", "b"], "minProperties": 2})
    yield Case("minProperties", {**some, "minProperties": 2}, "minProperties")
    yield Case("maxProperties", {**some, "required": ["a", "b"], "maxProperties": 3})
    yield Case("maxProperties", {**some, "maxProperties": 1}, "maxProperties")
    for name, value in (
        ("dependentRequired", {"a": ["b"]}),
        ("dependentSchemas", {"a": {"required": ["b"]}}),
        ("unevaluatedProperties", False),
        ("unevaluatedProperties", {"type": "null"}),
        ("dependencies", {"a": ["b"]}),
    ):
        yield Case(name, {"properties": {"a": {"type": "null"}}, name: value}, name)
    for name, idle in (("dependentRequired", {}), ("unevaluatedProperties", True)):
        yield Case(name, {"properties": {"a": {"type": "null"}}, name: idle})
