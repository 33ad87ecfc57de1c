"""Attribute values: their types, freezing from plain Python data, and strict comparison."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sglc.ir.core import Attr, Symbol


@dataclass(frozen=True, slots=True)
class AttrType:
    """A named set of attribute values."""

    name: str
    """As the op table and messages show it."""
    accepts: Callable[[Attr], bool]
    """Whether a frozen value belongs to the type."""

    def __or__(self, other: AttrType) -> AttrType:
        return AttrType(
            f"{self.name} | {other.name}", lambda v: self.accepts(v) or other.accepts(v)
        )


def _is_int(value: Attr) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def list_of(item: AttrType) -> AttrType:
    """A list whose every element is an `item`."""
    return AttrType(
        f"[{item.name}]", lambda v: isinstance(v, tuple) and all(item.accepts(e) for e in v)
    )


def one_of(*values: str) -> AttrType:
    """One of a few words."""
    return AttrType(" | ".join(f'"{v}"' for v in values), lambda v: v in values)


def _is_data(value: Attr) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_data, value))
    if isinstance(value, Mapping):
        return all(map(_is_data, value.values()))
    return not isinstance(value, Symbol)


ANY = AttrType("any", lambda v: True)
DATA = AttrType("data", _is_data)
"""A value of a program: anything without symbols."""
NULL = AttrType("null", lambda v: v is None)
BOOL = AttrType("bool", lambda v: isinstance(v, bool))
INT = AttrType("int", _is_int)
NUMBER = AttrType("number", lambda v: _is_int(v) or isinstance(v, float))
STR = AttrType("str", lambda v: isinstance(v, str))
SYMBOL = AttrType("@symbol", lambda v: isinstance(v, Symbol))
DICT = AttrType("dict", lambda v: isinstance(v, Mapping))
STRS = list_of(STR)
NAMES = list_of(STR | NULL)


def freeze(value: object) -> Attr:
    """
    Plain data as an attribute value: sequences become tuples, mappings become dicts.

    Raises `TypeError` for anything that is not plain data: attributes never hold live objects.
    """
    if value is None or isinstance(value, bool | int | float | str | Symbol):
        return value
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"attribute keys are strings, not {type(key).__name__}")
        return {str(k): freeze(v) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return tuple(freeze(v) for v in value)
    raise TypeError(f"{type(value).__name__} cannot be an attribute: only plain data can")


def same(a: Attr, b: Attr) -> bool:
    """Equality that tells 1, 1.0 and true apart, and 0.0 from -0.0; a nan equals itself."""
    if type(a) is not type(b) and not (isinstance(a, Mapping) and isinstance(b, Mapping)):
        return False
    if isinstance(a, float) and isinstance(b, float):
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        return struct.pack("<d", a) == struct.pack("<d", b)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        # Order counts: a JSON schema's property order is the order the model writes them in.
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return a == b
