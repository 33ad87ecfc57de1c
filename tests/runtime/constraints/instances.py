"""Instances to try on a schema: directed by it, mutated, and some of every kind; and their text."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from tests.runtime.constraints.schema_set import Case, Schema

COMMON: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 5, 7, 42, -100, 1000, 0.5, -2.25, 3.125),
    *("", "a", "ab", "abc", "hello world", "é日😀", 'say "hi"\\', "tab\t", "3", "null"),
    *([], [1], ["a"], [None, None], [1, "a", True], [[1]], [1, 2, 3, 4], [{}]),
    *({}, {"a": 1}, {"b": None}, {"x": 1}, {"a": "s", "x": None}, {"s1": 3}, {"r": 0}),
    *({"a": None, "b": None}, {"a": 1, "b": {"a": 2}}, {"x": None, "y": None, "z": None}),
)


def instances(case: Case, rng: random.Random, count: int = 30) -> Iterator[Any]:
    """Values, most of them near what the schema allows."""
    yield from COMMON
    yield from case.strings
    for _ in range(count):
        value = directed(case.schema, case.schema, rng, 4)
        yield value
        yield mutated(value, rng)
    for bound in _bounds(case.schema):
        yield from (bound, bound - 1, bound + 1, bound + 0.5, bound - 0.001)


def _bounds(schema: Schema) -> Iterator[int | float]:
    if isinstance(schema, Mapping):
        for name, value in schema.items():
            if name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
                yield value
            else:
                yield from _bounds(value)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _bounds(inner)


def directed(schema: Schema, root: Schema, rng: random.Random, depth: int) -> Any:
    """A value that tries to be valid."""
    if not isinstance(schema, Mapping) or depth <= 0:
        return rng.choice(COMMON[:25])
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if "$ref" in schema:
        return directed(_target(schema["$ref"], root), root, rng, depth - 1)
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema and ("properties" not in schema or rng.random() < 0.3):
            arm = directed(rng.choice(schema[name]), root, rng, depth)
            return _joined(schema[name], root, rng, depth) if name == "allOf" else arm
    kinds = schema.get("type") or _guessed(schema)
    kind = rng.choice(kinds) if isinstance(kinds, list) else kinds
    return _MAKERS[kind](schema, root, rng, depth)


def _target(reference: str, root: Schema) -> Schema:
    at = root
    for step in reference[1:].split("/")[1:]:
        at = at.get(step.replace("~1", "/"), {})
    return at if reference.startswith(("#/", "#")) else {}


def _joined(arms: list[Schema], root: Schema, rng: random.Random, depth: int) -> Any:
    values = [directed(arm, root, rng, depth) for arm in arms]
    if all(isinstance(value, dict) for value in values):
        return {name: item for value in values for name, item in value.items()}
    return rng.choice(values)


def _guessed(schema: Mapping[str, Any]) -> str | list[str]:
    guesses = {
        "object": ("properties", "required", "additionalProperties", "patternProperties"),
        "array": ("items", "prefixItems", "minItems", "maxItems"),
        "string": ("minLength", "maxLength", "pattern"),
        "integer": ("minimum", "maximum", "multipleOf"),
    }
    for kind, names in guesses.items():
        if any(name in schema for name in names):
            return kind
    return ["null", "boolean", "integer", "string"]


def _array(schema: Schema, root: Schema, rng: random.Random, depth: int) -> list[Any]:
    prefix = schema.get("prefixItems", [])
    items = schema.get("items", {})
    least = schema.get("minItems", 0)
    size = rng.randint(least, max(least, min(schema.get("maxItems", least + 3), 6)))
    return [
        directed(prefix[at] if at < len(prefix) else items, root, rng, depth - 1)
        for at in range(size)
    ]


def _object(schema: Schema, root: Schema, rng: random.Random, depth: int) -> dict[str, Any]:
    required = schema.get("required", [])
    value = {
        name: directed(inner, root, rng, depth - 1)
        for name, inner in schema.get("properties", {}).items()
        if name in required or rng.random() < 0.6
    }
    extra = schema.get("additionalProperties", True)
    for name in required:
        value.setdefault(name, directed(extra, root, rng, depth - 1))
    for pattern, inner in schema.get("patternProperties", {}).items():
        if rng.random() < 0.7:
            value[pattern[1:] + rng.choice(("1", "kip"))] = directed(inner, root, rng, depth - 1)
    if extra is not False and rng.random() < 0.4:
        value[rng.choice("xyz")] = directed(extra, root, rng, depth - 1)
    return value


def _number(schema: Schema, root: Schema, rng: random.Random, depth: int) -> float:
    return _integer(schema, root, rng, depth) + rng.choice((0, 0.5, 0.25, 0.125, -0.75))


def _integer(schema: Schema, root: Schema, rng: random.Random, depth: int) -> int:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    low = (high if high is not None else 0) - 1000 if low is None else low
    high = low + 2000 if high is None else high
    value = rng.randint(round(low), max(round(low), round(high)))
    step = schema.get("multipleOf", 1)
    return int(value // step * step)


def _string(schema: Schema, root: Schema, rng: random.Random, depth: int) -> str:
    low = schema.get("minLength", 0)
    size = rng.randint(low, max(low, min(schema.get("maxLength", low + 8), 20)))
    return "".join(rng.choice('abcxyz 09é日😀"\\\n/') for _ in range(size))


_MAKERS: Mapping[str, Any] = {
    "null": lambda *_: None,
    "boolean": lambda _schema, _root, rng, _depth: rng.random() < 0.5,
    "integer": _integer,
    "number": _number,
    "string": _string,
    "array": _array,
    "object": _object,
}


def mutated(value: Any, rng: random.Random) -> Any:
    """The value with something small changed."""
    if isinstance(value, dict) and value:
        name = rng.choice(list(value))
        rest = {key: item for key, item in value.items() if key != name}
        return rng.choice((rest, {**value, name: mutated(value[name], rng)}, {**value, "zz": 1}))
    if isinstance(value, list) and value:
        at = rng.randrange(len(value))
        changed = [*value[:at], mutated(value[at], rng), *value[at + 1 :]]
        return rng.choice((value[:-1], [*value, value[0]], changed))
    if isinstance(value, str):
        return rng.choice((value + "x", value[1:], None, value.upper()))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return rng.choice((value + 1, value - 1, -value, value + 0.5, str(value)))
    return rng.choice(COMMON)


def text(
    value: Any,
    decimals: int = 0,
    *,
    spaced: bool = False,
    first: Collection[str] = (),
) -> str:
    """
    The text in which a generation would write a value: plain numbers, keys sorted.

    Those in `first`, which the schema has names for, come before the others.
    """

    def written(inner: Any) -> str:
        return text(inner, decimals, spaced=spaced, first=first)

    comma, colon = (", ", ": ") if spaced else (",", ":")
    if isinstance(value, dict):
        pairs = (
            f"{_quoted(name)}{colon}{written(item)}"
            for name, item in sorted(value.items(), key=lambda p: (p[0] not in first, p[0]))
        )
        return "{" + comma.join(pairs) + "}"
    if isinstance(value, list):
        return "[" + comma.join(map(written, value)) + "]"
    if isinstance(value, float):
        whole, _, fraction = format(Decimal(repr(value)), "f").partition(".")
        fraction = fraction.rstrip("0")
        return f"{whole}.{fraction:0<{decimals}}" if fraction else whole
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def named_first(schema: Schema) -> set[frozenset[str]]:
    """The names that each `properties` in a schema has."""
    if isinstance(schema, Mapping):
        own = {frozenset(schema["properties"])} if "properties" in schema else set()
        return own.union(*map(named_first, schema.values()))
    return set().union(*map(named_first, schema)) if isinstance(schema, list) else set()


def decimals_of(schema: Schema) -> int:
    """
    Decimals that a fraction is written with at least, where a schema has `multipleOf`.

    Multiples of 0.25 are 0.25, 0.50, 0.75 and 1.
    """
    if isinstance(schema, Mapping):
        step = schema.get("multipleOf", 1)
        own = len(str(step).partition(".")[2]) if isinstance(step, float) else 0
        return max(own, *map(decimals_of, schema.values()), 0)
    return max(map(decimals_of, schema), default=0) if isinstance(schema, list) else 0


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def spellings(value: Any) -> Iterator[str]:
    """Other texts of the same value: none of them may get through where the value is invalid."""
    yield text(value)
    yield text(value, spaced=True)
    yield json.dumps(value)
    yield json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1)
    if isinstance(value, dict | list | str):
        yield escaped(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield from (f"{value:e}", f"{float(value)}", f"{text(value)}.0", f"{text(value)}e0")


def escaped(value: Any) -> str:
    """Every letter of every string as `\\uXXXX`."""
    plain = json.dumps(value)
    inside, result, skip = False, "", False
    for char in plain:
        if skip or not (inside and char.isalpha()):
            result += char
            skip = not skip and char == "\\"
            inside = inside != (char == '"' and not result.endswith('\\"'))
        else:
            result += f"\\u{ord(char):04x}"
    return result
