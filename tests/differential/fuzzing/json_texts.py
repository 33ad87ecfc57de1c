"""Texts that a schema asks for, from a hash; now and then one that is cut off."""

from __future__ import annotations

import json
import zlib
from typing import Any

WORDS = ("amber", "birch", "cedar")


def json_text(schema_text: str, *drawn_from: object) -> str:
    """JSON text that fits a schema, always the same for the same values."""
    number = zlib.crc32(repr((schema_text, *drawn_from)).encode())
    schema = json.loads(schema_text)
    text = json.dumps(_value(schema, schema.get("$defs", {}), number), ensure_ascii=False)
    return text[:-2] if number % 9 == 0 else text


def _value(schema: dict[str, Any], defs: dict[str, Any], number: int) -> Any:
    if "$ref" in schema:
        return _value(defs[schema["$ref"].rsplit("/", 1)[-1]], defs, number)
    for choice in ("enum", "anyOf", "oneOf"):
        if choice in schema:
            chosen = schema[choice][number % len(schema[choice])]
            return chosen if choice == "enum" else _value(chosen, defs, number)
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {name: _value(fields[name], defs, number // 3 + len(name)) for name in fields}
        case "array":
            return [_value(schema.get("items", {}), defs, number + i) for i in range(number % 3)]
        case "integer" | "number":
            return number % 100
        case "boolean":
            return number % 2 == 0
        case "null":
            return None
    return f"{WORDS[number % len(WORDS)]} {number % 97}"
