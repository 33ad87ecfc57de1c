"""Schemas that combine others: applicators, references, nesting; and the whole set."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from tests.runtime.constraints.schema_set import (
    SCALARS,
    Case,
    Family,
    Schema,
    arrays,
    bounds,
    literals,
    objects,
    strings,
    types,
)


def applicators(rng: random.Random) -> Iterator[Case]:
    for _ in range(16):
        yield Case("anyOf", {"anyOf": rng.sample(SCALARS, rng.randint(1, 4))})
    for names in ("ab", "ac", "bd"):
        arms = [{"required": [name]} for name in names]
        props = {name: {"type": "integer"} for name in names}
        yield Case("anyOf", {"type": "object", "properties": props, "anyOf": arms})
    for low, high in ((0, 9), (-5, 5), (3, 300)):
        yield Case("allOf", {"type": "integer", "allOf": [{"minimum": low}, {"maximum": high}]})
    yield Case("allOf", {"allOf": [{"type": "integer"}, {"multipleOf": 2}, {"multipleOf": 3}]})
    yield Case("allOf", {"allOf": [{"type": "string", "maxLength": 4}, {"minLength": 2}]})
    yield Case("allOf", {"allOf": [{"type": ["integer", "null"]}, {"type": ["null", "string"]}]})
    for closed in (True, False, {"type": "null"}):
        left = {"properties": {"a": {"type": "integer"}}, "required": ["a"]}
        right = {"properties": {"b": {"type": "null"}}, "additionalProperties": closed}
        refused = "" if closed is True else "nsatisfiable"
        yield Case("allOf", {"type": "object", "allOf": [left, right]}, refused)
        yield Case("allOf", {"type": "object", **left, "allOf": [{**right}]}, refused)
    yield Case("allOf", {"allOf": [{"items": {"minimum": 1}}, {"items": {"maximum": 3}}]})
    yield Case("allOf", {"allOf": [{"const": 1}, {"const": 2}]}, "nsatisfiable")
    disjoint: list[list[Schema]] = [
        [{"type": "integer"}, {"type": "string"}],
        [{"type": "null"}, {"type": "array", "items": {"type": "integer"}}, {"type": "boolean"}],
        [{"const": "a"}, {"const": "b"}],
        [_tagged("cat", "b"), _tagged("dog", "c")],
    ]
    for arms in disjoint:
        yield Case("oneOf", {"oneOf": arms})
    for arms in ([{"type": "number"}, {"type": "integer"}], [{"minimum": 1}, {"maximum": 3}]):
        yield Case("oneOf", {"oneOf": arms}, "oneOf")
    for inner in ({"type": "string"}, {"const": 1}, {}):
        yield Case("not", {"not": inner}, "not")
        yield Case("not", {"properties": {"a": {"not": inner}}}, "not")
    condition = {"if": {"type": "integer"}, "then": {"minimum": 3}, "else": {"type": "string"}}
    yield Case("if/then/else", condition, "if")
    yield Case("if/then/else", {"items": condition}, "if")
    for idle in ("if", "then", "else"):
        yield Case("if/then/else", {idle: condition["then"], "type": "integer"})


def _tagged(kind: str, name: str) -> Schema:
    properties = {"a": {"const": kind}, name: {"type": "integer"}}
    return {"type": "object", "properties": properties, "required": ["a", name]}


def references(rng: random.Random) -> Iterator[Case]:
    for scalar in SCALARS:
        yield Case("$ref", {"$ref": "#/$defs/T", "$defs": {"T": scalar}})
        pair = {"properties": {"a": {"$ref": "#/$defs/T"}, "b": {"$ref": "#/$defs/T"}}}
        yield Case("$ref", {**pair, "required": ["b"], "$defs": {"T": scalar}})
    node = {"properties": {"a": {"type": "integer"}, "b": {"$ref": "#"}}, "required": ["a"]}
    for closed in (True, False):
        yield Case("recursion", {"type": "object", **node, "additionalProperties": closed})
    tree = {"type": "array", "items": {"$ref": "#/$defs/T"}, "maxItems": 3}
    yield Case("recursion", {"$ref": "#/$defs/T", "$defs": {"T": tree}})
    leaf = {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/T"}]}
    pair = {"type": "array", "prefixItems": [leaf, leaf], "items": False, "minItems": 2}
    yield Case("recursion", {"$ref": "#/$defs/T", "$defs": {"T": pair}})
    yield Case("$ref", {"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}}})
    yield Case("$ref", {"$ref": "#here", "$defs": {"T": {"$anchor": "here", "type": "null"}}})
    yield Case("$ref", {"properties": {"a": {"type": "null"}, "b": {"$ref": "#/properties/a"}}})
    sibling = {"$ref": "#/$defs/T", "maximum": 5, "$defs": {"T": {"type": "integer", "minimum": 2}}}
    yield Case("$ref", sibling)
    unused = {"type": "null", "$defs": {"T": {"not": {}}}}
    yield Case("$ref", unused)
    yield Case("$ref", {"$ref": "#/$defs/T", "$defs": {"T": {"not": {}}}}, "not")
    yield Case("$ref", {"$ref": "https://example.com/other.json"}, "$ref")
    yield Case(
        "$ref", {"$dynamicRef": "#T", "$defs": {"T": {"$dynamicAnchor": "T"}}}, "$dynamicRef"
    )


def composed(rng: random.Random) -> Iterator[Case]:
    for _ in range(90):
        yield Case("nested", _nested(rng, 3))


def _nested(rng: random.Random, depth: int) -> Schema:
    form = rng.randint(0, 5) if depth else 0
    if form <= 1:
        return rng.choice(SCALARS)
    if form == 2:
        bounds = rng.choice(({}, {"maxItems": 2}, {"minItems": 1}))
        return {"type": "array", "items": _nested(rng, depth - 1), **bounds}
    if form == 3:
        return {"anyOf": [_nested(rng, depth - 1), _nested(rng, depth - 1)]}
    names = sorted(rng.sample("abcdefgh", rng.randint(1, 3)))
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: _nested(rng, depth - 1) for name in names},
        "required": [name for name in names if rng.random() < 0.6],
    }
    if form == 4:
        schema["additionalProperties"] = rng.choice((False, {"type": "integer"}))
    return schema


FAMILIES: tuple[Family, ...] = (
    *(types, literals, bounds, strings, arrays, objects),
    *(applicators, references, composed),
)


def all_cases(seed: int = 0) -> list[Case]:
    """The whole set; the same for the same seed."""
    return [case for family in FAMILIES for case in family(random.Random(seed))]
