"""IR as text: `parse_module(print_module(m))` equals `m`, and printing that gives the same text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from sglc.ir import text
from sglc.ir.collector import without_collection
from sglc.ir.core import Func, Module, Op, Region, Value

VERSION = 1
"""Version of the text form, on the first line of every file."""
_NOT_IN_NAME = re.compile(r"[^\w.]")


@without_collection
def print_module(module: Module, *, locations: bool = True) -> str:
    """The module's text; without locations it is easier to read and still parses."""
    head = f"module {text.quote(module.file)}"
    if module.attrs:
        head += " {\n  " + ",\n  ".join(text.entries(module.attrs)) + "\n}"
    parts = [f"sglir {VERSION}\n{head}\n"]
    parts += [print_func(func, locations=locations) for func in module.funcs.values()]
    return "\n".join(parts)


def print_func(func: Func, *, locations: bool = True) -> str:
    """One function's text."""
    names = name_values(func)
    head = f"func {text.symbol(func.name)}({_typed(func.params, names)})"
    if func.attrs:
        head += f" {{{', '.join(text.entries(func.attrs))}}}"
    lines = [f"{head} {{"]
    for op in func.body.ops:
        lines += _op_lines(op, names, "  ", locations)
    lines.append("}" + (f" !{func.loc}" if locations and func.loc else ""))
    return "\n".join(lines) + "\n"


def op_text(op: Op, names: Mapping[Value, str] | None = None) -> str:
    """One op without its regions' bodies and location, for messages."""
    if names is None:
        owner = function_of(op)
        names = name_values(owner) if owner is not None else {}
    regions = "".join(f" ^{r.label} {{…}}" for r in op.regions)
    return _head(op, names) + regions


def function_of(op: Op) -> Func | None:
    """The function that the op stands in, or None when it stands nowhere."""
    region = op.parent
    while region is not None:
        if isinstance(region.parent, Func):
            return region.parent
        region = region.parent.parent if region.parent is not None else None
    return None


def name_values(func: Func) -> dict[Value, str]:
    """A unique printed name, `%` included, for every value defined in the function, in order."""
    names: dict[Value, str] = {}
    taken: set[str] = set()
    counts: dict[str, int] = {}
    for value in _definitions(func.body):
        hint = _NOT_IN_NAME.sub("_", value.name) or "v"
        name = hint
        while name in taken:
            counts[hint] = counts.get(hint, 0) + 1
            name = f"{hint}.{counts[hint]}"
        taken.add(name)
        names[value] = f"%{name}"
    return names


def _definitions(region: Region) -> Iterator[Value]:
    yield from region.args
    for op in region.ops:
        yield from op.results
        for inner in op.regions:
            yield from _definitions(inner)


def _typed(values: Sequence[Value], names: Mapping[Value, str]) -> str:
    return ", ".join(f"{names[v]}: {v.type}" for v in values)


def _head(op: Op, names: Mapping[Value, str]) -> str:
    results = ", ".join(
        _name(r, names) if r.type == "val" else f"{_name(r, names)}: {r.type}" for r in op.results
    )
    head = f"{results} = {op.name}" if results else op.name
    head += f"({', '.join(_name(v, names) for v in op.operands)})"
    if op.attrs:
        head += f" {{{', '.join(text.entries(op.attrs))}}}"
    return head


def _name(value: Value, names: Mapping[Value, str]) -> str:
    # A value that is defined nowhere in the function is a bug that the verifier reports by name.
    return names.get(value) or f"%<undefined {value.name}>"


def _op_lines(op: Op, names: Mapping[Value, str], indent: str, locations: bool) -> Iterator[str]:
    line = indent + _head(op, names)
    for region in op.regions:
        line += f" ^{region.label}"
        if region.args:
            line += f"({_typed(region.args, names)})"
        yield f"{line} {{"
        for inner in region.ops:
            yield from _op_lines(inner, names, indent + "  ", locations)
        line = f"{indent}}}"
    yield line + (f" !{op.loc}" if locations and op.loc else "")
