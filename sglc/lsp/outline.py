"""The definitions of a script as a tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sglc.frontends.script.ast import Extern, Function, Import, Schema, Use
from sglc.frontends.script.names import local_functions
from sglc.frontends.script.types import type_text
from sglc.ir.core import Loc
from sglc.lsp.hover import signature
from sglc.lsp.project import Analysis

What = Literal["function", "extern", "schema", "field", "import"]


@dataclass(frozen=True, slots=True)
class Node:
    """A definition and what is in it."""

    name: str
    detail: str
    what: What
    name_loc: Loc
    whole: Loc
    children: tuple[Node, ...] = ()


def outline(analysis: Analysis) -> list[Node]:
    """The definitions of the file, in order."""
    found: list[Node] = []
    for item in analysis.index.unit.script.items:
        match item:
            case Import():
                found.append(Node(item.name, item.path, "import", item.loc, item.loc))
            case Extern():
                whole = _lines(analysis, item.loc.line, item.loc.line)
                found.append(Node(item.name, signature(item), "extern", item.loc, whole))
            case Schema():
                found.append(_schema(analysis, item))
            case Function():
                found.append(_function(analysis, item))
            case Use():
                pass
    return found


def _schema(analysis: Analysis, schema: Schema) -> Node:
    fields = tuple(
        Node(f.name, type_text(f.type), "field", f.loc, _lines(analysis, f.loc.line, f.loc.line))
        for f in schema.fields
    )
    whole = _block(analysis, schema.loc.line)
    return Node(schema.name, "", "schema", schema.loc, whole, fields)


def _function(analysis: Analysis, function: Function) -> Node:
    inner = tuple(_function(analysis, each) for each in local_functions(function))
    whole = _block(analysis, function.loc.line)
    return Node(function.name, signature(function), "function", function.loc, whole, inner)


def _block(analysis: Analysis, first: int) -> Loc:
    """A header's line and those indented deeper below it."""
    header = analysis.line(first)
    own = len(header) - len(header.lstrip())
    last = first
    for number in range(first + 1, len(analysis.lines) + 1):
        line = analysis.line(number)
        if line.strip():
            if len(line) - len(line.lstrip()) <= own and line.lstrip()[:1] not in ")]}":
                break
            last = number
    return _lines(analysis, first, last)


def _lines(analysis: Analysis, first: int, last: int) -> Loc:
    header = analysis.line(first)
    indent = len(header) - len(header.lstrip())
    return Loc(first, indent + 1, last, len(analysis.line(last)) + 1)
