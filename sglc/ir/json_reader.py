"""Reading IR as JSON: anything that is not what `sglc.ir.jsonio` writes gives a diagnostic."""

from __future__ import annotations

import re
from typing import Any, NoReturn, cast, get_args

from sglc.diagnostics.core import Diagnostic, ParseError
from sglc.diagnostics.suggest import did_you_mean
from sglc.ir.core import Attr, Func, Loc, Module, Op, Region, Symbol, TypeName, Value
from sglc.ir.ops import OPS
from sglc.ir.parser import MAX_DIGITS, MAX_NESTING
from sglc.ir.printer import VERSION

_TYPES = frozenset(get_args(TypeName))
_NAME = re.compile(r"%[\w.]+\Z")
_LABEL = re.compile(r"[A-Za-z_]\w*\Z")
_LARGEST = 10**MAX_DIGITS


def read(data: Any) -> Module:
    """The module that plain data describe. Raises `ParseError`."""
    fields = _object(data, ("sglir", "file", "attrs", "funcs"), "a module")
    if fields["sglir"] != VERSION or isinstance(fields["sglir"], bool):
        _fail(
            f"version {str(fields['sglir'])[:20]} cannot be read",
            f"this sglc reads version {VERSION}: compile the program again",
        )
    module = Module(_text(fields["file"], "`file`"), attrs=_attrs(fields["attrs"]))
    for item in _list(fields["funcs"], "`funcs`"):
        func = _Function().read(item)
        if func.name in module.funcs:
            _fail(f"function `@{func.name}` is defined twice")
        module.funcs[func.name] = func
    return module


class _Function:
    """Reads one function; `visible` are the values that an operation may use."""

    def __init__(self) -> None:
        self.visible: dict[str, Value] = {}
        self.defined: set[str] = set()
        self.depth = 0

    def read(self, data: Any) -> Func:
        fields = _object(data, ("name", "params", "attrs", "ops", "loc"), "a function")
        name = _text(fields["name"], "`name`")
        func = Func(name, self.values(fields["params"]), _attrs(fields["attrs"]))
        func.loc = _loc(fields["loc"])
        self.ops(func.body, fields["ops"])
        return func

    def ops(self, region: Region, data: Any) -> None:
        for item in _list(data, "`ops`"):
            region.append(self.op(item))

    def op(self, data: Any) -> Op:
        keys = ("op", "operands", "results", "attrs", "regions", "loc")
        fields = _object(data, keys, "an operation")
        name = _text(fields["op"], "`op`")
        if name not in OPS:
            _fail(f"unknown op `{name}`", *did_you_mean(name, OPS))
        operands = [self.use(operand) for operand in _list(fields["operands"], "`operands`")]
        regions = [self.region(item) for item in _list(fields["regions"], "`regions`")]
        results = self.values(fields["results"])
        attrs = _attrs(fields["attrs"])
        return Op(name, operands, results, attrs, regions, _loc(fields["loc"]))

    def region(self, data: Any) -> Region:
        fields = _object(data, ("label", "args", "ops"), "a region")
        label = _text(fields["label"], "`label`")
        if not _LABEL.match(label):
            _fail(f"`{label}` is no label of a region")
        self.depth += 1
        if self.depth > MAX_NESTING:
            _fail(f"regions are nested more than {MAX_NESTING} levels deep")
        region = Region(label, self.values(fields["args"]))
        self.ops(region, fields["ops"])
        for value in (*region.args, *(r for op in region.ops for r in op.results)):
            self.visible.pop(f"%{value.name}", None)
        self.depth -= 1
        return region

    def use(self, name: Any) -> Value:
        value = self.visible.get(_text(name, "an operand"))
        if value is None:
            _fail(f"value `{name}` is not defined", *did_you_mean(name, self.visible))
        return value

    def values(self, data: Any) -> list[Value]:
        return [self.value(item) for item in _list(data, "values")]

    def value(self, data: Any) -> Value:
        match data:
            case [str(name), str(kind)] if _NAME.match(name) and kind in _TYPES:
                if name in self.defined:
                    _fail(f"value `{name}` is defined twice")
                value = Value(name[1:], cast("TypeName", kind))
                self.defined.add(name)
                self.visible[name] = value
                return value
        _fail('a value is written `["%name", "type"]`')


def _attrs(data: Any) -> dict[str, Attr]:
    if not isinstance(data, dict):
        _fail("attributes are an object")
    return {key: _attr(value, 1) for key, value in data.items()}


def _attr(data: Any, depth: int) -> Attr:
    if depth > MAX_NESTING:
        _fail(f"an attribute is nested more than {MAX_NESTING} levels deep")
    match data:
        case {"$symbol": str(name)} if len(data) == 1:
            return Symbol(name)
        case {"$float": "inf" | "-inf" | "nan" as number} if len(data) == 1:
            return float(number)
        case {"$dict": list(pairs)} if len(data) == 1:
            return dict(_pair(pair, depth + 1) for pair in pairs)
        case dict():
            if any(key.startswith("$") for key in data):
                _fail("a key that starts with `$` stands in a `$dict`")
            return {key: _attr(value, depth + 1) for key, value in data.items()}
        case list():
            return tuple(_attr(value, depth + 1) for value in data)
        case int() if not -_LARGEST < data < _LARGEST:
            _fail(f"an integer has more than {MAX_DIGITS} digits")
    return cast("Attr", data)


def _pair(pair: Any, depth: int) -> tuple[str, Attr]:
    match pair:
        case [str(key), value]:
            return key, _attr(value, depth)
    _fail("a `$dict` is a list of pairs of a string and a value")


def _loc(data: Any) -> Loc | None:
    if data is None:
        return None
    if not isinstance(data, list) or len(data) != 4:
        _fail("a location is four numbers, or null")
    for number in data:
        if type(number) is not int or not 0 <= number < 10**10:
            _fail("a location is four numbers from 0 to ten digits, or null")
    return Loc(*data)


def _object(data: Any, keys: tuple[str, ...], what: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        _fail(f"{what} is an object")
    for key in keys:
        if key not in data:
            _fail(f"{what} needs `{key}`")
    return cast("dict[str, Any]", data)


def _list(data: Any, what: str) -> list[Any]:
    if not isinstance(data, list):
        _fail(f"{what} must be a list")
    return data


def _text(data: Any, what: str) -> str:
    if not isinstance(data, str):
        _fail(f"{what} must be a string")
    return data


def _fail(message: str, *helps: str) -> NoReturn:
    message = f"not an IR module in JSON: {message}"
    raise ParseError(Diagnostic(code="SGL0155", message=message, helps=helps))
