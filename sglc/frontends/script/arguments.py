"""What a run starts with: the function, and its arguments converted by their annotations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from sglc.diagnostics.core import Diagnostic, LowerError, Span, UsageError
from sglc.diagnostics.suggest import did_you_mean
from sglc.expressions.conversion import (
    ConversionError,
    JsonSchema,
    convert,
    describe,
    from_text,
)
from sglc.expressions.values import ValueFailedError, from_host
from sglc.ir.core import Func, Module
from sglc.ir.signature import declared


def entry_function(module: Module, name: str | None = None) -> Func:
    """
    The function that a run starts with: the named one, the file's only one, or `main`.

    Raises:
        UsageError: there is none, or it is a fragment.
    """
    own = [f for f in module.funcs.values() if f.attrs.get("kind") == "function"]
    own = [f for f in own if "." not in f.name]
    names = [f.name for f in own]
    if name is None:
        if len(own) == 1:
            return own[0]
        if "main" in module.funcs and "main" in names:
            return module.funcs["main"]
        message = f"`{module.file}` has several functions and none is called `main`"
        helps: tuple[str, ...] = (
            "name one: " + ", ".join(f"`{module.file}:{each}`" for each in names),
        )
        if not own:
            message, helps = f"`{module.file}` has no function to start with", ()
        raise UsageError(Diagnostic(code="SGL0221", message=message, helps=helps))
    func = module.funcs.get(name)
    if func is not None and func.attrs.get("kind") == "fragment":
        raise UsageError(
            Diagnostic(
                code="SGL0221",
                message=f"`{name}` is a fragment; it needs a prompt to append to",
                span=_span(module, func),
                label="a fragment",
            )
        )
    if func is None:
        raise UsageError(
            Diagnostic(
                code="SGL0221",
                message=f"`{module.file}` has no function `{name}`",
                helps=did_you_mean(name, names) or (f"there are {', '.join(names)}",),
            )
        )
    return func


def convert_args(
    func: Func, given: Mapping[str, object], module: Module, *, text: bool = True
) -> dict[str, object]:
    """
    Arguments of a run by parameter name, defaults filled in.

    Args:
        func: the function to run.
        given: values by name; strings are converted by the parameter's annotation.
        module: the function's module, for its schemas.
        text: whether strings are text to convert (a command line) or values (JSON, Python).

    Raises:
        LowerError: with a diagnostic for each missing, unknown or unfitting argument.
    """
    params = list(cast("tuple[Mapping[str, Any], ...]", declared(func)))
    schemas = cast("Mapping[str, JsonSchema]", module.attrs.get("schemas", {}))
    problems = list(_unknown(module, func, params, given))
    values: dict[str, object] = {}
    for param in params:
        name = str(param["name"])
        if name not in given:
            if "default" in param:
                values[name] = plain(param["default"])
            else:
                problems.append(_missing(module, func, param))
            continue
        schema = cast(JsonSchema, param.get("schema", {}))
        try:
            values[name] = _value(given[name], schema, schemas, text)
        except (ConversionError, ValueFailedError) as error:
            problems.append(_unfit(module, func, param, str(error)))
    if problems:
        raise LowerError(problems)
    return values


def plain(value: object) -> object:
    """An attribute value as a script's value: tuples become lists."""
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return value


def _value(
    value: object, schema: JsonSchema, schemas: Mapping[str, JsonSchema], text: bool
) -> object:
    if text and isinstance(value, str):
        return from_text(value, schema, schemas)
    return convert(from_host(value), schema, schemas)


def _unknown(
    module: Module, func: Func, params: list[Mapping[str, Any]], given: Mapping[str, object]
) -> Iterator[Diagnostic]:
    names = [str(param["name"]) for param in params]
    for name in given:
        if name not in names:
            listed = ", ".join(f"`{each}`" for each in names)
            yield Diagnostic(
                code="SGL0222",
                message=f"`{func.name}` has no parameter `{name}`",
                span=_span(module, func),
                label=f"takes {listed or 'no arguments'}",
                helps=did_you_mean(name, names),
            )


def _missing(module: Module, func: Func, param: Mapping[str, Any]) -> Diagnostic:
    kind = f" ({describe(param['schema'])})" if "schema" in param else ""
    return Diagnostic(
        code="SGL0222",
        message=f"argument `{param['name']}`{kind} is missing",
        span=_span(module, func),
        label=f"needs `{param['name']}`",
    )


def _unfit(module: Module, func: Func, param: Mapping[str, Any], reason: str) -> Diagnostic:
    span = _span(module, func)
    declared = f"declared as `{param['type']}`" if "type" in param else ""
    return Diagnostic(
        code="SGL0220",
        message=f"argument `{param['name']}` {reason}",
        span=span,
        label=declared,
    )


def _span(module: Module, func: Func) -> Span | None:
    loc = func.loc
    if loc is None or loc.line == 0:
        return None
    file = str(func.attrs.get("file", module.file))
    return Span(file, loc.line, loc.column, loc.end_line, loc.end_column)
