"""From checked scripts to IR modules."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sglc.diagnostics.source import normalize_newlines
from sglc.frontends.script.ast import Function, Param
from sglc.frontends.script.closures import lifted
from sglc.frontends.script.files import Loaded
from sglc.frontends.script.lower_body import BodyLowering
from sglc.frontends.script.symbols import Unit
from sglc.frontends.script.types import (
    NO_DEFAULT,
    constant,
    json_type,
    schema_json,
    type_text,
)
from sglc.frontends.script.unfinally import without_finally
from sglc.ir.attrs import freeze
from sglc.ir.builder import Named, make_func
from sglc.ir.collector import without_collection
from sglc.ir.core import Module


@without_collection
def lower(loaded: Loaded) -> Module:
    """The module of a checked program: everything it needs, under qualified names."""
    root = loaded.root
    module = Module(root.file)
    module.attrs = {
        "language": "sgl",
        "source_sha256": sha256(root.text),
    }
    schemas: dict[str, Any] = {}
    externs: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    imports: dict[str, Any] = {}
    for unit in loaded.units:
        schemas |= {unit.qualified(s.name): schema_json(unit, s) for s in unit.schemas.values()}
        for extern in unit.externs.values():
            entry: dict[str, Any] = {
                "target": extern.target,
                "params": params_data(unit, extern.params),
            }
            if extern.returns is not None:
                entry["returns"] = type_text(extern.returns)
                entry["schema"] = json_type(unit, extern.returns)
            externs[unit.qualified(extern.name)] = entry
        if unit.settings:
            key = unit.qualifier.removesuffix(".") or "."
            settings[key] = {k.name: constant(k.value) for k in unit.settings.values()}
        if unit is not root:
            imports[unit.qualifier.removesuffix(".")] = {
                "file": unit.file,
                "source_sha256": sha256(unit.text),
            }
    for name, value in (
        ("schemas", schemas),
        ("externs", externs),
        ("use", settings),
        ("imports", imports),
    ):
        if value:
            module.attrs[name] = freeze(value)
    for unit in loaded.units:
        for function in unit.functions.values():
            for each in lifted(unit, function):
                _lower_function(module, unit.within(each), each)
    return module


def sha256(text: str) -> str:
    """Hash of a script's text with normalised newlines."""
    return hashlib.sha256(normalize_newlines(text).encode()).hexdigest()


def params_data(unit: Unit, params: Sequence[Param]) -> list[dict[str, Any]]:
    """Parameters as plain data: name, type as text and as JSON schema, default."""
    found = []
    for param in params:
        entry: dict[str, Any] = {"name": param.name}
        if param.type is not None:
            entry["type"] = type_text(param.type)
            entry["schema"] = json_type(unit, param.type)
        default = constant(param.default)
        if default is not NO_DEFAULT:
            entry["default"] = default
        found.append(entry)
    return found


def _lower_function(module: Module, unit: Unit, function: Function) -> None:
    attrs: dict[str, Any] = {
        "kind": function.kind,
        "params": params_data(unit, function.params),
    }
    if function.returns is not None:
        attrs["returns"] = type_text(function.returns)
        attrs["schema"] = json_type(unit, function.returns)
    if unit.qualifier:
        attrs["file"] = unit.file
    # What a local function captures is handed over by name, after its own parameters.
    attrs["params"] += [{"name": name} for name in function.captured]
    values: list[Named] = [(param["name"], "val") for param in attrs["params"]]
    if function.kind == "fragment":
        values.insert(0, ("s", "handle"))
    func = make_func(module, unit.qualified(function.path), values, attrs, function.loc)
    plain, synthetic = without_finally(function)
    BodyLowering(unit, plain, func, synthetic).run()
