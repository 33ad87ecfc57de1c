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
from typing import Any, cast, get_args

from sglc.diagnostics.core import Diagnostic, ParseError
from sglc.ir.collector import without_collection
from sglc.ir.core import Attr, Func, Loc, Module, Op, Region, Symbol, TypeName, Value
from sglc.ir.printer import VERSION, name_values

Json = dict[str, Any]
_TYPES = frozenset(get_args(TypeName))


@without_collection
def to_json(module: Module, *, indent: int | None = 1) -> str:
    """The module as standard JSON text."""
    return json.dumps(to_data(module), indent=indent, allow_nan=False)


@without_collection
def from_json(text: str) -> Module:
    """The module that `to_json` wrote. Raises `ParseError`."""
    try:
        data = json.loads(text)
    except ValueError as error:
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
def from_data(data: Mapping[str, Any]) -> Module:
    """The module that `to_data` wrote. Raises `ParseError` when the data has another shape."""
    try:
        if data["sglir"] != VERSION:
            raise ValueError(f"version {data['sglir']} cannot be read")
        module = Module(data["file"], attrs=_attrs_in(data["attrs"]))
        for item in data["funcs"]:
            module.funcs[item["name"]] = _func_in(item)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"not an IR module in JSON: {type(error).__name__}: {error}"
        raise ParseError(Diagnostic(code="SGL0155", message=message)) from error
    return module


def _func_out(func: Func) -> Json:
    names = name_values(func)
    return {
        "name": func.name,
        "params": _values_out(func.params, names),
        "attrs": _attrs_out(func.attrs),
        "ops": [_op_out(op, names) for op in func.body.ops],
        "loc": _loc_out(func.loc),
    }


def _func_in(data: Json) -> Func:
    values: dict[str, Value] = {}
    params = _values_in(data["params"], values)
    func = Func(data["name"], params, _attrs_in(data["attrs"]), _loc_in(data["loc"]))
    for item in data["ops"]:
        func.body.append(_op_in(item, values))
    return func


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


def _op_in(data: Json, values: dict[str, Value]) -> Op:
    operands = [values[name] for name in data["operands"]]
    regions = []
    for item in data["regions"]:
        region = Region(item["label"], _values_in(item["args"], values))
        for inner in item["ops"]:
            region.append(_op_in(inner, values))
        regions.append(region)
    results = _values_in(data["results"], values)
    attrs = _attrs_in(data["attrs"])
    return Op(data["op"], operands, results, attrs, regions, _loc_in(data["loc"]))


def _values_out(values: Sequence[Value], names: Mapping[Value, str]) -> list[list[str]]:
    return [[names[v], v.type] for v in values]


def _values_in(data: list[list[str]], values: dict[str, Value]) -> list[Value]:
    made = []
    for name, kind in data:
        if kind not in _TYPES or name in values:
            raise ValueError(f"bad definition of {name}")
        values[name] = Value(name.removeprefix("%"), cast("TypeName", kind))
        made.append(values[name])
    return made


def _loc_out(loc: Loc | None) -> list[int] | None:
    return None if loc is None else [loc.line, loc.column, loc.end_line, loc.end_column]


def _loc_in(data: list[int] | None) -> Loc | None:
    return None if data is None else Loc(*data)


def _attrs_out(attrs: Mapping[str, Attr]) -> Json:
    return {key: _attr_out(value) for key, value in attrs.items()}


def _attrs_in(data: Json) -> dict[str, Attr]:
    return {key: _attr_in(value) for key, value in data.items()}


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


def _attr_in(data: Any) -> Attr:
    match data:
        case {"$symbol": str(name)}:
            return Symbol(name)
        case {"$float": str(number)}:
            return float(number)
        case {"$dict": list(pairs)}:
            return {key: _attr_in(value) for key, value in pairs}
        case dict():
            return _attrs_in(data)
        case list():
            return tuple(_attr_in(v) for v in data)
        case None | bool() | int() | float() | str():
            return data
    raise TypeError(f"{type(data).__name__} is no JSON value")
