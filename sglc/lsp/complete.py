"""What can be written at the cursor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from sglc.expressions import reference
from sglc.expressions.functions import ERROR_KINDS
from sglc.expressions.parameters import GEN, METHODS, SAMPLING, SELECT
from sglc.expressions.words import ROLES, STATEMENTS, TOP_LEVEL
from sglc.frontends.script.ast import Extern, Function
from sglc.frontends.script.types import TYPE_NAMES
from sglc.lsp import kinds
from sglc.lsp.cursor import Cursor, Opened
from sglc.lsp.hover import describe_entry, describe_parameter, methods_of, parameter, signature
from sglc.lsp.project import Analysis
from sglc.lsp.symbols import Scope, Symbol

What = Literal[
    "keyword", "variable", "function", "schema", "module", "field", "method", "parameter", "type",
    "constant",
]  # fmt: skip
_VALUES = ("true", "false", "none", "not")
_AFTER_VALUE = ("and", "or", "in", "not", "if", "else")


@dataclass(frozen=True, slots=True)
class Completion:
    """One proposal."""

    label: str
    what: What
    detail: str = ""
    text: str = ""
    """Markdown."""
    insert: str = ""
    """What is written, where that is not the label."""


def complete(analysis: Analysis, line: int, column: int) -> list[Completion]:
    """Proposals for a place, the likely ones first; each name once."""
    cursor = analysis.cursor(line, column)
    if cursor.kind != "code":
        return []
    found: dict[str, Completion] = {}
    for each in _proposals(analysis, cursor, line, column):
        found.setdefault(each.label, each)
    return list(found.values())


def _proposals(analysis: Analysis, cursor: Cursor, line: int, column: int) -> Iterable[Completion]:
    scope = scope_at(analysis, line, column)
    if cursor.receiver:
        return _members(analysis, scope, cursor.receiver)
    if _in_type(cursor, analysis, line):
        return _types(analysis)
    if cursor.before[:1] == ("use",) and cursor.before[-1] != "=":
        return _parameters("gen", SAMPLING, ())
    if cursor.before[:1] == ("except",):
        return [Completion(kind, "type", "kind of error") for kind in ERROR_KINDS]
    if cursor.opened is not None and cursor.opened.bracket == "(":
        return _in_call(analysis, scope, cursor, cursor.opened)
    if not cursor.before and cursor.opened is None:
        if scope is None or column - len(cursor.prefix) == 1:
            return [Completion(word, "keyword") for word in TOP_LEVEL]
        return _statement(analysis, scope)
    return _expression(analysis, scope, cursor)


def scope_at(analysis: Analysis, line: int, column: int) -> Scope | None:
    """The function or branch that a place is in, going by indentation; None outside of all."""
    text = analysis.line(line)
    blank = not text.strip()
    width = column - 1 if blank else len(text) - len(text.lstrip())
    best: Scope | None = None
    for scope in analysis.index.scopes:
        if scope.kind != "comprehension" and scope.loc.line < line:
            if _reaches(analysis, scope, line, width):
                best = scope
        elif scope.loc.line == line and scope.loc.column <= column:
            best = scope
    return best


def _reaches(analysis: Analysis, scope: Scope, line: int, width: int) -> bool:
    """Whether the block that a scope's line opens goes on until a line indented by `width`."""
    header = analysis.line(scope.loc.line)
    own = len(header) - len(header.lstrip())
    between = analysis.lines[scope.loc.line : line - 1]
    code = [each for each in between if each.strip() and not each.lstrip().startswith("#")]
    inside = (len(each) - len(each.lstrip()) > own or each.lstrip()[:1] in ")]}" for each in code)
    return width > own and all(inside)


# ---- families ------------------------------------------------------------------------------------


def _members(analysis: Analysis, scope: Scope | None, receiver: str) -> Iterator[Completion]:
    other = analysis.index.imports.get(receiver)
    if other is not None:
        yield from map(_symbol, other.definitions.values())
        return
    kind = _receiver_kind(analysis, scope, receiver)
    for name, (text, _) in kinds.fields(kind).items():
        yield Completion(name, "field", text)
    for each in kinds.members(kind):
        if isinstance(each, kinds.Branch):
            for name, symbol in each.scope.variables.items():
                yield Completion(name, "field", kinds.show(analysis.inference.symbol(symbol)))
        elif each == kinds.ERROR:
            yield from (Completion(name, "field", "str") for name in ("kind", "message"))
    for entry in methods_of(kind):
        yield Completion(entry.name, "method", entry.usage, describe_entry(entry))


def _receiver_kind(analysis: Analysis, scope: Scope | None, receiver: str) -> kinds.Kind:
    first, *names = receiver.split(".")
    symbol = scope.variable(first) if scope is not None else None
    if symbol is None:
        return kinds.ANY
    kind = analysis.inference.symbol(symbol)
    for name in names:
        kind = analysis.inference.member(kind, name)
    return kind


def _in_type(cursor: Cursor, analysis: Analysis, line: int) -> bool:
    before = cursor.before
    if before[-1:] == ("->",):
        return True
    opened = cursor.opened
    if opened is not None:
        defines = analysis.line(line).lstrip().startswith(("def ", "fragment ", "extern "))
        return defines and opened.bracket == "(" and bool(opened.value_of) and before[1] == ":"
    return before[1:] == (":",) and before[0].isidentifier() and before[0] not in _HEADERS


_HEADERS = frozenset((*STATEMENTS, *ROLES))


def _types(analysis: Analysis) -> Iterator[Completion]:
    yield from (Completion(name, "type") for name in TYPE_NAMES)
    yield from (_symbol(s) for s in analysis.index.definitions.values() if s.kind == "schema")


def _parameters(function: str, table: Iterable[str], given: Iterable[str]) -> Iterator[Completion]:
    for name in table:
        if name not in given:
            text = describe_parameter(name, function)
            yield Completion(f"{name}=", "parameter", function, text)


def _in_call(
    analysis: Analysis, scope: Scope | None, cursor: Cursor, opened: Opened
) -> Iterator[Completion]:
    value = opened.value_of if cursor.before[1:2] == ("=",) else ""
    if opened.function in ("gen", "select") and value in ("json", "dtype", "method"):
        yield from _generation_values(analysis, value)
        return
    if not cursor.before:
        yield from _arguments(analysis, scope, opened)
    yield from _expression(analysis, scope, cursor)


def _generation_values(analysis: Analysis, name: str) -> Iterator[Completion]:
    if name == "json":
        found = analysis.index.definitions.values()
        yield from (_symbol(symbol) for symbol in found if symbol.kind == "schema")
    elif name == "dtype":
        yield from (Completion(word, "type") for word in ("int", "float", "str", "bool"))
    elif name == "method":
        yield from (Completion(f'"{word}"', "constant") for word in METHODS)


def _arguments(analysis: Analysis, scope: Scope | None, opened: Opened) -> Iterator[Completion]:
    if opened.function in ("gen", "select"):
        table = GEN if opened.function == "gen" else SELECT
        yield from _parameters(opened.function, table, opened.named)
        return
    target = _called(analysis, scope, opened.function)
    if target is not None and isinstance(target.node, Function | Extern):
        for param in target.node.params[opened.items - len(opened.named) :]:
            if param.name not in opened.named:
                yield Completion(f"{param.name}=", "parameter", parameter(param))


def _called(analysis: Analysis, scope: Scope | None, name: str) -> Symbol | None:
    alias, dot, rest = name.partition(".")
    if dot:
        other = analysis.index.imports.get(alias)
        return other.definitions.get(rest) if other is not None else None
    local = scope.function(name) if scope is not None else None
    return local or analysis.index.definitions.get(name)


def _statement(analysis: Analysis, scope: Scope) -> Iterator[Completion]:
    for role in ROLES:
        yield Completion(role, "keyword", "role")
    yield from _names(analysis, scope)
    yield from (Completion(word, "keyword") for word in (*STATEMENTS, "def", "fragment"))


def _expression(analysis: Analysis, scope: Scope | None, cursor: Cursor) -> Iterator[Completion]:
    last = cursor.before[-1] if cursor.before else ""
    if last == "()" or last[:1].isdigit() or (last.isidentifier() and last not in _HEADERS):
        yield from (Completion(word, "keyword") for word in _AFTER_VALUE)
        return
    yield from _names(analysis, scope)
    yield from (Completion(word, "keyword") for word in _VALUES)


def _names(analysis: Analysis, scope: Scope | None) -> Iterator[Completion]:
    for each in scope.chain() if scope is not None else ():
        for symbol in each.variables.values():
            kind = analysis.inference.symbol(symbol)
            yield Completion(symbol.name, "variable", kinds.show(kind))
        yield from map(_symbol, each.functions.values())
    for word in ("gen", "select"):
        yield Completion(word, "function", f"lm.{word}")
    yield from (_symbol(s) for s in analysis.index.definitions.values() if s.kind != "schema")
    for entry in reference.FUNCTIONS:
        yield Completion(entry.name, "function", entry.usage, describe_entry(entry))


def _symbol(symbol: Symbol) -> Completion:
    match symbol.kind:
        case "schema":
            return Completion(symbol.name, "schema", f"schema {symbol.name}")
        case "import":
            return Completion(symbol.name, "module")
    assert isinstance(symbol.node, Function | Extern)
    return Completion(symbol.name, "function", signature(symbol.node))
