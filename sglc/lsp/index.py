"""Building the index of a file: one walk over its syntax tree."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sglc.expressions.nodes import Attribute, Call, Comprehension, Expr, Name, Node, children
from sglc.frontends.script.ast import (
    Assign,
    Extern,
    For,
    Fork,
    Function,
    Import,
    LiteralType,
    NamedType,
    Param,
    Schema,
    Stmt,
    Try,
    TypeExpr,
    UnionType,
    Use,
)
from sglc.frontends.script.generation import is_generation
from sglc.frontends.script.names import blocks, expressions
from sglc.frontends.script.symbols import Unit
from sglc.ir.core import Loc
from sglc.lsp.symbols import Binding, How, Index, Kind, Member, Occurrence, Scope, Symbol


def build_index(unit: Unit, known: dict[int, Index] | None = None) -> Index:
    """The index of a file, and those of its imports; `known` holds indexes by their unit's id."""
    known = {} if known is None else known
    if id(unit) in known:
        return known[id(unit)]
    index = known[id(unit)] = Index(unit)
    index.imports = {name: build_index(other, known) for name, other in unit.imports.items()}
    _Builder(index).run()
    return index


class _Builder:
    def __init__(self, index: Index) -> None:
        self.index = index
        self.unit = index.unit
        self.lines = index.unit.text.split("\n")

    def run(self) -> None:
        for item in self.unit.script.items:
            if not isinstance(item, Use):
                self._declare(item)
        for item in self.unit.script.items:
            match item:
                case Function():
                    self._function(item, None)
                case Extern():
                    self._params(item.params, None, "")
                    self._type(item.returns)
                case Schema():
                    for field in item.fields:
                        self._type(field.type)
        for scope in self.index.scopes:
            for symbol in scope.variables.values():
                symbol.places.sort(key=_start)
                symbol.bindings.sort(key=lambda binding: _start(binding.loc))

    # ---- definitions -----------------------------------------------------------------------------

    def _declare(self, item: Import | Schema | Extern | Function) -> None:
        loc = self._import_loc(item) if isinstance(item, Import) else item.loc
        symbol = self._symbol(item.name, _kind(item), loc, item)
        self.index.definitions.setdefault(item.name, symbol)

    def _import_loc(self, item: Import) -> Loc:
        """Where an import's name is; the path where it has none of its own."""
        place = item.path_loc.loc
        line = self.lines[place.end_line - 1]
        found = re.compile(r"\s*as\s+(\w+)").match(line, place.end_column - 1)
        if found is None:
            return place
        return Loc(place.end_line, found.start(1) + 1, place.end_line, found.end(1) + 1)

    def _symbol(self, name: str, kind: Kind, loc: Loc, node: Node | None) -> Symbol:
        symbol = Symbol(name, kind, self.unit, [loc], node)
        self._name(loc, symbol, definition=True)
        return symbol

    def _name(self, loc: Loc, symbol: Symbol, *, definition: bool = False) -> None:
        self.index.occurrences.append(Occurrence(loc, symbol, definition))

    def _function(self, function: Function, around: Scope | None) -> None:
        scope = self._scope(Scope("function", around, function.loc, function.path))
        for stmt in own_statements(function.body):
            if isinstance(stmt, Function):
                symbol = self._symbol(stmt.name, _kind(stmt), stmt.loc, stmt)
                scope.functions.setdefault(stmt.name, symbol)
        self._params(function.params, scope, function.path)
        self._type(function.returns)
        self._bind(function.body, scope)
        self._block(function.body, scope)

    def _scope(self, scope: Scope) -> Scope:
        self.index.scopes.append(scope)
        return scope

    def _params(self, params: tuple[Param, ...], scope: Scope | None, path: str) -> None:
        for param in params:
            symbol = _parameter(self.index, param)
            symbol.owner = path
            self._name(param.loc, symbol, definition=True)
            self._type(param.type)
            if scope is not None:
                scope.variables.setdefault(param.name, symbol)
            if param.default is not None:
                self._expr(param.default, scope)

    # ---- variables -------------------------------------------------------------------------------

    def _bind(self, stmts: tuple[Stmt, ...], scope: Scope) -> None:
        """Enter what the statements set, before anything is looked up."""
        how: How
        for stmt in own_statements(stmts, into_forks=False):
            match stmt:
                case Assign():
                    how = "unpacked" if len(stmt.targets) > 1 else "value"
                    for i, name in enumerate(stmt.targets):
                        self._set(name, scope, Binding(name.loc, how, stmt.value, i))
                case For():
                    how = "item unpacked" if len(stmt.targets) > 1 else "item"
                    for i, name in enumerate(stmt.targets):
                        self._set(name, scope, Binding(name.loc, how, stmt.iterable, i))
                case Try():
                    for handler in stmt.handlers:
                        if handler.name is not None:
                            self._set(handler.name, scope, Binding(handler.name.loc, "error"))

    def _set(self, name: Name, scope: Scope, binding: Binding) -> None:
        symbol = scope.variables.get(name.id)
        if symbol is None:
            symbol = Symbol(name.id, "variable", self.unit, owner=scope.path)
            scope.variables[name.id] = symbol
        symbol.places.append(name.loc)
        symbol.bindings.append(binding)
        self._name(name.loc, symbol, definition=True)
        self.index.meanings[id(name)] = symbol

    # ---- statements and expressions --------------------------------------------------------------

    def _block(self, stmts: tuple[Stmt, ...], scope: Scope) -> None:
        for stmt in own_statements(stmts, into_forks=False):
            if isinstance(stmt, Function):
                self._function(stmt, scope)
                continue
            for expr in expressions(stmt):
                self._expr(expr, scope)
            if isinstance(stmt, Fork):
                self._fork(stmt, scope)

    def _fork(self, stmt: Fork, scope: Scope) -> None:
        branch = self._scope(Scope("branch", scope, stmt.loc, scope.path))
        how: How = "item unpacked" if len(stmt.targets) > 1 else "item"
        for i, name in enumerate(stmt.targets):
            self._set(name, branch, Binding(name.loc, how, stmt.items, i))
        self._bind(stmt.body, branch)
        if stmt.name is not None:
            self._set(stmt.name, scope, Binding(stmt.name.loc, "branches", branch=branch))
        self._block(stmt.body, branch)

    def _expr(self, expr: Expr, scope: Scope | None) -> None:
        match expr:
            case Name():
                self._read(expr, scope)
            case Comprehension():
                self._comprehension(expr, scope)
            case Call():
                self._call(expr, scope)
            case Attribute():
                self._attribute(expr, scope)
            case _:
                for child in children(expr):
                    self._expr(child, scope)

    def _read(self, name: Name, scope: Scope | None) -> None:
        symbol = scope.variable(name.id) or scope.function(name.id) if scope is not None else None
        symbol = symbol or self.index.definitions.get(name.id)
        if symbol is not None:
            self._name(name.loc, symbol)
            self.index.meanings[id(name)] = symbol

    def _comprehension(self, expr: Comprehension, scope: Scope | None) -> None:
        self._expr(expr.iterable, scope)
        path = scope.path if scope is not None else ""
        inner = self._scope(Scope("comprehension", scope, expr.loc, path))
        how: How = "item unpacked" if len(expr.targets) > 1 else "item"
        for i, target in enumerate(expr.targets):
            loc = self._target_loc(expr, target)
            symbol = Symbol(target, "variable", self.unit, [loc], owner=inner.path)
            symbol.bindings.append(Binding(loc, how, expr.iterable, i))
            inner.variables[target] = symbol
            self._name(loc, symbol, definition=True)
        for part in (expr.key, expr.item, expr.condition):
            if part is not None:
                self._expr(part, inner)

    def _target_loc(self, expr: Comprehension, target: str) -> Loc:
        """Where a comprehension's variable is, between its item and what it goes over."""
        end = expr.iterable.loc
        for number in range(end.line, expr.item.loc.end_line - 1, -1):
            line = self.lines[number - 1]
            last = end.column - 1 if number == end.line else len(line)
            first = expr.item.loc.end_column - 1 if number == expr.item.loc.end_line else 0
            found = list(re.compile(rf"\b{target}\b").finditer(line, first, last))
            if found:
                return Loc(number, found[-1].start() + 1, number, found[-1].end() + 1)
        return expr.loc

    def _call(self, call: Call, scope: Scope | None) -> None:
        self._expr(call.function, scope)
        if is_generation(call):
            self.index.generations.append(call)
        params = self._parameters(call.function)
        for arg in call.args:
            self._expr(arg, scope)
        for keyword in call.keywords:
            if keyword.name in params:
                self._name(_first(keyword.loc, keyword.name), params[keyword.name])
            self._expr(keyword.value, scope)

    def _parameters(self, function: Expr) -> dict[str, Symbol]:
        """The parameters of what is called, as symbols."""
        symbol = self.index.target(function)
        if symbol is None or not isinstance(symbol.node, Function | Extern):
            return {}
        other = self.index
        if symbol.unit is not self.unit:
            other = next(i for i in self.index.imports.values() if i.unit is symbol.unit)
        return {param.name: _parameter(other, param) for param in symbol.node.params}

    def _attribute(self, expr: Attribute, scope: Scope | None) -> None:
        self._expr(expr.value, scope)
        end = expr.loc
        loc = Loc(end.end_line, end.end_column - len(expr.name), end.end_line, end.end_column)
        target = self.index.target(expr)
        if target is not None and isinstance(expr.value, Name):
            symbol = self.index.meanings.get(id(expr.value))
            if symbol is not None and symbol.kind == "import":
                self._name(loc, target)
                return
        self.index.members.append(Member(loc, expr))

    def _type(self, type_: TypeExpr | None) -> None:
        match type_:
            case NamedType():
                symbol = self.index.definitions.get(type_.name)
                if symbol is not None and symbol.kind == "schema":
                    self._name(_first(type_.loc, type_.name), symbol)
                for arg in type_.args:
                    self._type(arg)
            case UnionType():
                for member in type_.members:
                    self._type(member)
            case LiteralType() | None:
                pass


def own_statements(stmts: tuple[Stmt, ...], *, into_forks: bool = True) -> Iterator[Stmt]:
    """
    Statements and those in their blocks, without the bodies of local functions; in no order.

    Without recursion: a long chain of `elif` is a deep tree.
    """
    todo = [stmts]
    while todo:
        for stmt in todo.pop():
            yield stmt
            if not isinstance(stmt, Function) and (into_forks or not isinstance(stmt, Fork)):
                todo += blocks(stmt)


def _start(loc: Loc) -> tuple[int, int]:
    return loc.line, loc.column


def _parameter(index: Index, param: Param) -> Symbol:
    """The symbol of a parameter, which calls may name before its function is looked at."""
    symbol = index.parameters.get(id(param))
    if symbol is None:
        symbol = Symbol(param.name, "parameter", index.unit, [param.loc], param)
        index.parameters[id(param)] = symbol
    return symbol


def _first(loc: Loc, name: str) -> Loc:
    return Loc(loc.line, loc.column, loc.line, loc.column + len(name))


def _kind(item: Import | Schema | Extern | Function) -> Kind:
    match item:
        case Import():
            return "import"
        case Schema():
            return "schema"
        case Extern():
            return "extern"
        case Function():
            return "function" if item.kind == "function" else "fragment"
