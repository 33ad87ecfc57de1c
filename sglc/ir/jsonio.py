"""
IR as JSON, for tools that do not want to parse IR text.

Values are referred to by their printed names. JSON has no symbols, infinities or nan: these are
objects with one `$symbol` or `$float` key; a dict with a key that starts with `$` is written as
`{"$dict": [[key, value], …]}`. `from_json(to_json(m))` equals `m`; two lone surrogates side by side
are the exception, JSON joins them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from sglc.diagnostics.core import Diagnostic, ParseError
from sglc.ir.collector import without_collection
from sglc.ir.core import Attr, Func, Loc, Module, Op, Symbol, Value
from sglc.ir.json_reader import read
from sglc.ir.printer import VERSION, name_values

Json = dict[str, Any]


@without_collection
def to_json(module: Module, *, indent: int | None = 1) -> str:
    """The module as standard JSON text."""
    return json.dumps(to_data(module), indent=indent, allow_nan=False)


@without_collection
def from_json(text: str) -> Module:
    """The module that `to_json` wrote. Raises `ParseError`."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError(Diagnostic(code="SGL0155", message=f"not JSON: {error}")) from error
    return from_data(data)


@without_collection
def to_data(module: Module) -> Json:
    """The module as JSON data: dicts, lists, strings, finite numbers, booleans, null."""
    return {
        "sglir": VERSION,
        "file": module.file,
        "attrs": _attrs_out(module.attrs),
        "funcs": [_func_out(func) for func in module.funcs.values()],
    }


@without_collection
def from_data(data: Any) -> Module:
    """The module that `to_data` wrote. Raises `ParseError` when the data has another shape."""
    return read(data)


def _func_out(func: Func) -> Json:
    names = name_values(func)
    return {
        "name": func.name,
        "params": _values_out(func.params, names),
        "attrs": _attrs_out(func.attrs),
        "ops": [_op_out(op, names) for op in func.body.ops],
        "loc": _loc_out(func.loc),
    }


def _op_out(op: Op, names: Mapping[Value, str]) -> Json:
    return {
        "op": op.name,
        "operands": [names[v] for v in op.operands],
        "results": _values_out(op.results, names),
        "attrs": _attrs_out(op.attrs),
        "regions": [
            {
                "label": region.label,
                "args": _values_out(region.args, names),
                "ops": [_op_out(inner, names) for inner in region.ops],
            }
            for region in op.regions
        ],
        "loc": _loc_out(op.loc),
    }


def _values_out(values: Sequence[Value], names: Mapping[Value, str]) -> list[list[str]]:
    return [[names[v], v.type] for v in values]


def _loc_out(loc: Loc | None) -> list[int] | None:
    return None if loc is None else [loc.line, loc.column, loc.end_line, loc.end_column]


def _attrs_out(attrs: Mapping[str, Attr]) -> Json:
    return {key: _attr_out(value) for key, value in attrs.items()}


def _attr_out(value: Attr) -> Any:
    match value:
        case Symbol():
            return {"$symbol": value.name}
        case float() if not math.isfinite(value):
            return {"$float": repr(value)}
        case tuple():
            return [_attr_out(v) for v in value]
        case Mapping():
            if any(key.startswith("$") for key in value):
                return {"$dict": [[k, _attr_out(v)] for k, v in value.items()]}
            return _attrs_out(value)
    return value
