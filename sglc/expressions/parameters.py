"""Parameters of `gen` and `select` in scripts: their types as JSON schemas, and their bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sglc.expressions.conversion import ConversionError, convert

_INT: dict[str, Any] = {"type": "integer"}
_NUMBER: dict[str, Any] = {"type": "number"}
_TEXTS: dict[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
}
SAMPLING: Mapping[str, dict[str, Any]] = {
    "max_tokens": _INT,
    "min_tokens": _INT,
    "n": _INT,
    "stop": _TEXTS,
    "stop_token_ids": {"type": "array", "items": _INT},
    "stop_regex": _TEXTS,
    "temperature": _NUMBER,
    "top_p": _NUMBER,
    "top_k": _INT,
    "min_p": _NUMBER,
    "frequency_penalty": _NUMBER,
    "presence_penalty": _NUMBER,
    "ignore_eos": {"type": "boolean"},
}
GEN: Mapping[str, dict[str, Any]] = {
    **SAMPLING,
    "regex": {"type": "string"},
    "json_schema": {"type": "string"},
    "ebnf": {"type": "string"},
    "dtype": {"enum": ["int", "float", "str", "bool"]},
    "json": {},
}
METHODS = (
    "token_length_normalized",
    "greedy_token_selection",
    "unconditional_likelihood_normalized",
)
SELECT: Mapping[str, dict[str, Any]] = {
    "choices": {"type": "array", "items": {"type": "string"}},
    "method": {"enum": list(METHODS)},
    "temperature": _NUMBER,
}
BOUNDS: Mapping[str, tuple[float, float]] = {
    "max_tokens": (0, 2**31),
    "min_tokens": (0, 2**31),
    "n": (1, 4096),
    "temperature": (0, 1000),
    "top_p": (0, 1),
    "min_p": (0, 1),
    "top_k": (-1, 2**31),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}


def check_parameter(name: str, value: object, table: Mapping[str, dict[str, Any]]) -> object:
    """
    The value of a parameter as its type; none leaves it to the run's settings.

    Raises:
        ConversionError: wrong type, or out of bounds.
    """
    if value is None:
        return None
    result = convert(value, table[name], {})
    low, high = BOUNDS.get(name, (float("-inf"), float("inf")))
    if isinstance(result, int | float) and not low <= result <= high:
        raise ConversionError(f"is {value}; it must lie between {low} and {high}")
    return result
