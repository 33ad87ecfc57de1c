"""
JSON Schema (draft 2020-12) as llguidance can follow it exactly.

What llguidance does not implement is refused by name and place, and so is what it implements more
loosely than the draft says; keywords that ask for nothing are left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from sglc_grammar.constraints.errors import GrammarError, unsupported
from sglc_grammar.constraints.regexes import LARGEST, size_of, too_large

LONGEST = 1_000_000
"""Characters of a schema."""
DEEPEST = 100
"""Schemas inside each other, references not counted."""
MOST_REPETITIONS = 50_000
"""Characters or items that a length may ask for at least, or count up to."""
EXACT = 2**53
"""llguidance holds bounds as float64: integers beyond this are not exact."""
FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri")
)
REFUSED = (
    *("not", "if", "then", "else", "contains", "minContains", "maxContains", "uniqueItems"),
    *("propertyNames", "dependentRequired", "dependentSchemas", "dependencies"),
    *("unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef"),
)
"""Keywords of the draft, or of an older one, that nothing here implements."""
_KINDS = ("string", "integer", "number", "boolean", "null", "array", "object")
_MAPS = ("properties", "patternProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_ONE = ("items", "additionalProperties")
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_COMMON = r"^(....-..-([01].|2[0-8]|30|31)|....-(0[13-9]|1.)-29"
_LEAP = r"|(..(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
LEAP_DAYS = _COMMON + _LEAP
"""llguidance's dates have a 29th of February every year."""

Schema = Any
Path = tuple[str | int, ...]


class Place(NamedTuple):
    """A schema inside a schema."""

    schema: Schema
    path: Path


def pointer(path: Path) -> str:
    """A JSON pointer as a URI fragment, `#/properties/a`."""
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return "#" + "".join(f"/{part}" for part in escaped)


def prepared(source: str) -> str:
    """
    The text of a schema, ready for llguidance. Raises GrammarError.

    Definitions that nothing refers to are not looked at, as in llguidance.
    """
    schema = _parsed(source)
    if schema is False:
        raise unsupported("it allows no text at all")
    if schema is True:
        return "{}"
    if not isinstance(schema, dict):
        raise GrammarError("must be an object or a boolean")
    try:
        return json.dumps(_Reader(schema).root(), ensure_ascii=True)
    except RecursionError:
        raise GrammarError("is too deeply nested", too_large=True) from None


def _parsed(source: str) -> Schema:
    if len(source) > LONGEST:
        message = f"has {len(source)} characters; {LONGEST} are allowed"
        raise GrammarError(message, too_large=True)
    try:
        return json.loads(source)
    except json.JSONDecodeError as error:
        message = f"is not JSON: {error.msg} at character {error.pos + 1}"
        raise GrammarError(message) from None
    except RecursionError:
        raise GrammarError("is too deeply nested", too_large=True) from None


class _Reader:
    """One walk over a schema: checks every part that can be reached, and copies it."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.source = schema
        self.targets: list[str] = []
        """References met, to be looked at in turn."""
        self.anchors: dict[str, Place] = {}

    def root(self) -> dict[str, Any]:
        """The whole schema; what references lead to is replaced where it stands."""
        copy: dict[str, Any] = self.part(Place(self.source, ()))
        seen = {"#"}
        while self.targets:
            target = self.targets.pop()
            if target not in seen:
                seen.add(target)
                place = self.find(target)
                _put(copy, place.path, self.part(place))
        return copy

    def part(self, place: Place) -> Schema:
        """A checked copy of a schema and of all below it."""
        schema, path = place
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, Mapping):
            raise GrammarError(f"has no schema at {pointer(path)}: must be an object or a boolean")
        if len(path) > 2 * DEEPEST:
            raise GrammarError("is too deeply nested", too_large=True)
        copy = _without_idle(schema)
        for name in copy:
            if name in REFUSED:
                raise _unsupported(name, path)
        _check_values(copy, path)
        copy.pop("x-guidance", None)
        copy.pop("$schema", None)
        if path and "$id" in copy:
            raise _unsupported("$id", path, "below the root")
        if "$ref" in copy:
            self.reference(copy["$ref"], path)
        for inner in below(copy, path):
            _put(copy, inner.path[len(path) :], self.part(inner))
        return _with_leap_days(copy)

    def reference(self, target: object, path: Path) -> None:
        """Note a reference, which must lead into this schema."""
        place = pointer((*path, "$ref"))
        if not isinstance(target, str) or not target.startswith("#"):
            text = json.dumps(target)
            raise GrammarError(f"refers to another document at {place}: {text}")
        if self.find(target, place).path not in ((), path):
            self.targets.append(target)
        elif self.find(target).path == path:
            raise GrammarError(f"refers to itself at {place}")

    def find(self, target: str, place: str = "") -> Place:
        """What a local reference leads to."""
        fragment = unquote(target[1:])
        if fragment and not fragment.startswith("/"):
            if not self.anchors:
                self.anchors = dict(_anchors(Place(self.source, ())))
            if fragment in self.anchors:
                return self.anchors[fragment]
            raise GrammarError(f"has a reference to nothing at {place}: {json.dumps(target)}")
        at: Any = self.source
        path: list[str | int] = []
        for raw in fragment.split("/")[1:]:
            name = raw.replace("~1", "/").replace("~0", "~")
            step: str | int = int(name) if isinstance(at, list) and name.isdecimal() else name
            try:
                at = at[step]
            except (KeyError, IndexError, TypeError):
                text = json.dumps(target)
                raise GrammarError(f"has a reference to nothing at {place}: {text}") from None
            path.append(step)
        return Place(at, tuple(path))


def _unsupported(name: str, path: Path, how: str = "") -> GrammarError:
    what = f"`{name}` {how}" if how else f"`{name}`"
    return unsupported(f"{what} at {pointer((*path, name))}")


def below(schema: Mapping[str, Any], path: Path) -> Iterator[Place]:
    """The schemas directly inside a schema; its definitions are reached by reference alone."""
    for name in _MAPS:
        for key, inner in schema.get(name, {}).items():
            yield Place(inner, (*path, name, key))
    for name in _LISTS:
        for index, inner in enumerate(schema.get(name, ())):
            yield Place(inner, (*path, name, index))
    for name in _ONE:
        if name in schema:
            yield Place(schema[name], (*path, name))


def _anchors(place: Place) -> Iterator[tuple[str, Place]]:
    schema, path = place
    if isinstance(schema, Mapping):
        anchor = schema.get("$anchor")
        if isinstance(anchor, str):
            yield anchor, place
        for key, inner in schema.items():
            yield from _anchors(Place(inner, (*path, key)))
    elif isinstance(schema, list):
        for index, inner in enumerate(schema):
            yield from _anchors(Place(inner, (*path, index)))


def _put(copy: Any, path: Path, value: Schema) -> None:
    """Set what is at `path`; the containers on the way become copies of their own."""
    for part in path[:-1]:
        inner = copy[part]
        copy[part] = inner = inner.copy() if isinstance(inner, dict | list) else inner
        copy = inner
    copy[path[-1]] = value


def _without_idle(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A copy without keywords that ask for nothing."""
    idle: dict[str, bool] = {
        "uniqueItems": schema.get("uniqueItems") is False,
        "then": "if" not in schema,
        "else": "if" not in schema,
        "if": "then" not in schema and "else" not in schema,
        "minContains": "contains" not in schema,
        "maxContains": "contains" not in schema,
        "format": not _may_be(schema, "string"),
        **{
            name: schema.get(name) in (True, {})
            for name in ("propertyNames", "unevaluatedProperties", "unevaluatedItems")
        },
        **{
            name: schema.get(name) == {}
            for name in ("dependentRequired", "dependentSchemas", "dependencies")
        },
    }
    return {name: value for name, value in schema.items() if not idle.get(name, False)}


def _may_be(schema: Mapping[str, Any], kind: str) -> bool:
    kinds = schema.get("type", kind)
    return kind in kinds if isinstance(kinds, list) else kinds == kind


def _check_values(schema: Mapping[str, Any], path: Path) -> None:
    """Raise GrammarError for values that the draft does not allow, or that are not exact."""
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if not isinstance(kind, str) or kind not in _KINDS:
            raise GrammarError(f"has an unknown type {json.dumps(kind)} at {pointer(path)}")
    for name in (*_MAPS, "$defs", "definitions"):
        if not isinstance(schema.get(name, {}), Mapping):
            raise _wrong(name, "no object", path)
    for name in (*_LISTS, "enum"):
        if not isinstance(schema.get(name, []), list):
            raise _wrong(name, "no list", path)
    if isinstance(schema.get("items"), list):
        raise _unsupported("items", path, "as a list (`prefixItems` is its name since 2020-12)")
    if "additionalItems" in schema:
        raise _unsupported("additionalItems", path)
    _check_numbers(schema, path)
    _check_objects(schema, path)
    _check_strings(schema, path)
    for name, values in (("const", [schema.get("const")]), ("enum", schema.get("enum", []))):
        if not _exact(values):
            raise GrammarError(f"has a number that is not exact at {pointer((*path, name))}")


def _wrong(name: str, what: str, path: Path) -> GrammarError:
    return GrammarError(f"has `{name}` that is {what} at {pointer((*path, name))}")


def _check_numbers(schema: Mapping[str, Any], path: Path) -> None:
    for name in _COUNTS:
        count = schema.get(name, 0)
        if isinstance(count, float) and count.is_integer():
            count = int(count)
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise _wrong(name, "no count", path)
        if count > MOST_REPETITIONS and name.startswith("min"):
            raise GrammarError(
                f"asks for {count} at {pointer((*path, name))}; {MOST_REPETITIONS} are allowed",
                too_large=True,
            )
    for name in _BOUNDS:
        if name not in schema:
            continue
        bound = schema[name]
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise _wrong(name, "no number", path)
        if not _exact([bound]):
            raise _unsupported(name, path, "that is not an exact number")


def _check_objects(schema: Mapping[str, Any], path: Path) -> None:
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise _wrong("required", "no list of names", path)
    least = schema.get("minProperties", 0)
    if least > 1 and len(set(required)) < least:
        # Names outside `properties` may come twice, and count twice.
        raise _unsupported("minProperties", path, "above 1 and above the number of `required`")


def _check_strings(schema: Mapping[str, Any], path: Path) -> None:
    name = schema.get("format")
    if name is not None and (not isinstance(name, str) or name not in FORMATS):
        raise _unsupported("format", path, json.dumps(name))
    patterns = [schema["pattern"]] if "pattern" in schema else []
    for pattern in (*patterns, *schema.get("patternProperties", ())):
        if not isinstance(pattern, str):
            raise _wrong("pattern", "no text", path)
        if (characters := size_of(pattern)) > LARGEST:
            message = f"has a pattern that is too large at {pointer(path)}: "
            raise GrammarError(message + too_large(characters), too_large=True)


def _exact(value: Any) -> bool:
    """Whether every number in a value is one that llguidance holds exactly."""
    if isinstance(value, bool):
        return True
    if isinstance(value, int):
        return abs(value) <= EXACT
    if isinstance(value, float):
        return math.isfinite(value) and abs(value) <= EXACT
    if isinstance(value, Mapping):
        return all(map(_exact, value.values()))
    return all(map(_exact, value)) if isinstance(value, list) else True


def _with_leap_days(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("format") not in ("date", "date-time"):
        return schema
    return {**schema, "allOf": [*schema.get("allOf", []), {"pattern": LEAP_DAYS}]}
