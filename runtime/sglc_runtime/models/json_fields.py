"""Fields of config.json with their types checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from sglc_runtime.models.errors import LoadError

LARGEST = 2**31 - 1
"""No size in a config.json is larger."""

T = TypeVar("T")


def field(config: Mapping[str, Any], name: str, kind: type[T], default: T | None = None) -> T:
    """A value of type `kind`, positive where it is a number; raises `LoadError` for others."""
    value = config.get(name)
    if value is None:
        value = default
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if kind is int and isinstance(value, int) and value > LARGEST:
        raise LoadError("bad_checkpoint", f"config.json: {name} is {value}, which is too large")
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        problem = "is missing" if value is None else f"is {value!r}, not {kind.__name__}"
        raise LoadError("bad_checkpoint", f"config.json: {name} {problem}")
    if kind in (int, float) and value <= 0:  # type: ignore[operator]
        raise LoadError("bad_checkpoint", f"config.json: {name} is {value}, has to be positive")
    return value
