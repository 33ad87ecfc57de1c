"""
The kinds of expressions and variables, for display: never wrong on purpose, often just `any`.

Variables have the kinds of all their assignments together; control flow is not followed.
"""

from __future__ import annotations

from functools import lru_cache

from sglc.expressions import reference
from sglc.expressions.build import parse_expression
from sglc.expressions.functions import ERROR_KINDS
from sglc.expressions.nodes import (
    Attribute,
    Binary,
    BoolOp,
    Call,
    Compare,
    Comprehension,
    Conditional,
    DictExpr,
    Expr,
    Index,
    ListExpr,
    Literal,
    Name,
    Slice,
    Text,
    Unary,
)
from sglc.frontends.script.ast import Extern, Function, Param, Return, Script
from sglc.frontends.script.generation import is_generation
from sglc.frontends.script.symbols import Unit
from sglc.lsp import kinds
from sglc.lsp.index import own_statements
from sglc.lsp.kinds import ANY, BOOL, ERROR, FLOAT, INT, NONE, RANGE, STR, Kind
from sglc.lsp.symbols import Binding, Symbol
from sglc.lsp.symbols import Index as FileIndex

_AS_GIVEN = frozenset({"abs", "list", "max", "min", "reversed", "sorted", "sum", "unique"})
"""Builtin functions whose result depends on what they are given."""


@lru_cache(maxsize=1)
def _results() -> dict[str, Kind]:
    """What the other builtin functions, and methods, give: the kind of their example's value."""
    plain = Inference(FileIndex(Unit(Script("", ()), "", "")))
    found: dict[str, Kind] = {}
    for _, entries in reference.TABLES:
        for entry in entries:
            kind = plain.expr(parse_expression(entry.value))
            same = found.setdefault(entry.name, kind) == kind
            found[entry.name] = kind if same else ANY
    errors = dict.fromkeys(ERROR_KINDS, ERROR)
    return {**found, **errors, "range": RANGE, "parse_json": ANY, "get": ANY, "values": ANY}


class Inference:
    """Kinds in one file; remembers what it found."""

    def __init__(self, index: FileIndex) -> None:
        self.index = index
        self.found: dict[Symbol, Kind] = {}
        self.busy: set[object] = set()

    def symbol(self, symbol: Symbol) -> Kind:
        """The kind of a variable or parameter; of a function, that of its result."""
        if symbol in self.found:
            return self.found[symbol]
        if symbol in self.busy:
            return ANY
        self.busy.add(symbol)
        kind = self._symbol(symbol)
        self.busy.discard(symbol)
        self.found[symbol] = kind
        return kind

    def _symbol(self, symbol: Symbol) -> Kind:
        node = symbol.node
        if isinstance(node, Param):
            return kinds.declared(symbol.unit, node.type)
        if isinstance(node, Extern):
            return kinds.declared(symbol.unit, node.returns)
        if isinstance(node, Function):
            return self._result(node, symbol)
        if symbol.unit is not self.index.unit:
            return ANY
        known = [b for b in symbol.bindings if not _is_step(b, symbol, self.index)]
        return kinds.union(self.binding(each) for each in known or symbol.bindings)

    def _result(self, function: Function, symbol: Symbol) -> Kind:
        if function.returns is not None or symbol.unit is not self.index.unit:
            return kinds.declared(symbol.unit, function.returns)
        returns = [s for s in own_statements(function.body) if isinstance(s, Return)]
        if not returns:
            return NONE
        return kinds.union(NONE if s.value is None else self.expr(s.value) for s in returns)

    def binding(self, binding: Binding) -> Kind:
        """What one assignment, loop or fork gives a variable."""
        if binding.how == "branches" and binding.branch is not None:
            return kinds.list_of(kinds.Branch(binding.branch))
        if binding.how == "error" or binding.value is None:
            return ERROR
        kind = self.expr(binding.value)
        if binding.how.startswith("item"):
            kind = _item(kind)
        return _item(kind) if binding.how.endswith("unpacked") else kind

    def expr(self, expr: Expr) -> Kind:
        """The kind of an expression."""
        match expr:
            case Literal(value=str()) | Text():
                return STR
            case Literal(value=value):
                return {bool: BOOL, int: INT, float: FLOAT, type(None): NONE}[type(value)]
            case Name():
                symbol = self.index.meanings.get(id(expr))
                return self.symbol(symbol) if symbol is not None else ANY
            case ListExpr():
                return kinds.list_of(kinds.union(map(self.expr, expr.items)))
            case DictExpr():
                values = kinds.union(self.expr(value) for _, value in expr.pairs)
                return kinds.Named("dict", (STR, values))
            case Comprehension():
                item = self.expr(expr.item)
                return kinds.list_of(item) if expr.key is None else kinds.Named("dict", (STR, item))
            case Unary():
                return BOOL if expr.op == "not" else _signed(self.expr(expr.value))
            case Compare():
                return BOOL
            case BoolOp():
                return kinds.union((self.expr(expr.left), self.expr(expr.right)))
            case Conditional():
                return kinds.union((self.expr(expr.then), self.expr(expr.other)))
            case Binary():
                return _binary(expr.op, self.expr(expr.left), self.expr(expr.right))
            case Slice():
                return kinds.widened(self.expr(expr.value))
            case Index():
                return _item(self.expr(expr.value))
            case Attribute():
                return self.member(self.expr(expr.value), expr.name)
            case Call():
                return self._call(expr)
        return ANY

    def member(self, kind: Kind, name: str) -> Kind:
        """The kind of a field."""
        found: list[Kind] = []
        for each in kinds.members(kind):
            if isinstance(each, kinds.Record):
                types = [field.type for field in each.schema.fields if field.name == name]
                found += [kinds.declared(each.unit, type_) for type_ in types]
            elif isinstance(each, kinds.Branch) and name in each.scope.variables:
                found.append(self.symbol(each.scope.variables[name]))
            elif each == ERROR and name in ("kind", "message"):
                found.append(STR)
            elif isinstance(each, kinds.Named) and each.name == "dict":
                found.append(_item(each))
        return kinds.union(found)

    def _call(self, call: Call) -> Kind:
        if is_generation(call):
            return self._generation(call)
        function = call.function
        if isinstance(function, Name):
            symbol = self.index.meanings.get(id(function))
            if symbol is not None:
                return self.symbol(symbol)
            return self._builtin(function.id, call)
        if isinstance(function, Attribute):
            if isinstance(function.value, Name) and function.value.id in self.index.imports:
                target = self.index.imports[function.value.id].definitions.get(function.name)
                return self.symbol(target) if target is not None else ANY
            return _results().get(function.name, ANY)
        return ANY

    def _builtin(self, name: str, call: Call) -> Kind:
        args = [self.expr(arg) for arg in call.args]
        if name == "round" and args:
            return INT if len(args) == 1 else FLOAT
        if name not in _AS_GIVEN or not args:
            return _results().get(name, ANY)
        if name == "abs":
            return args[0]
        if name in ("min", "max", "sum"):
            return _item(args[0]) if len(args) == 1 or name == "sum" else kinds.union(args)
        return kinds.list_of(_item(args[0]))

    def _generation(self, call: Call) -> Kind:
        assert isinstance(call.function, Name)
        given = {keyword.name: keyword.value for keyword in call.keywords}
        if call.function.id == "select":
            choices = call.args[0] if call.args else given.get("choices")
            if not isinstance(choices, ListExpr):
                return STR
            return kinds.union(
                kinds.Choice(c.value)
                if isinstance(c, Literal) and isinstance(c.value, str)
                else STR
                for c in choices.items
            )
        one = self._record(given["json"]) if "json" in given else STR
        samples = given.get("n")
        many = samples is not None and samples != Literal(1) and samples != Literal(None)
        return kinds.list_of(one) if many else one

    def _record(self, schema: Expr) -> Kind:
        index, name = self.index, ""
        if isinstance(schema, Name):
            name = schema.id
        elif isinstance(schema, Attribute) and isinstance(schema.value, Name):
            index, name = self.index.imports.get(schema.value.id, index), schema.name
        found = index.unit.schemas.get(name)
        return kinds.Record(found, index.unit) if found is not None else ANY


def _item(kind: Kind) -> Kind:
    """The kind of what is in a value."""
    found: list[Kind] = []
    for each in kinds.members(kind):
        if each == STR or isinstance(each, kinds.Choice):
            found.append(STR)
        elif each == RANGE:
            found.append(INT)
        elif isinstance(each, kinds.Named) and each.args:
            found.append(each.args[-1])
        else:
            return ANY
    return kinds.union(found)


def _signed(kind: Kind) -> Kind:
    """The kind of `-x`: numbers stay, truth values become numbers."""
    if kind == FLOAT:
        return FLOAT
    return INT if kind in (INT, BOOL) else ANY


def _binary(op: str, left: Kind, right: Kind) -> Kind:
    left, right = kinds.widened(left), kinds.widened(right)
    numbers = {INT, FLOAT}
    if left in numbers and right in numbers:
        if op == "**" and left == right == INT:
            return kinds.union((INT, FLOAT))  # by a negative number
        return INT if left == right == INT and op != "/" else FLOAT
    if left == right == STR or (op == "*" and STR in (left, right)):
        return STR
    if not isinstance(left, kinds.Named) or not isinstance(right, kinds.Named):
        return ANY
    if op in ("+", "|") and left.name == right.name and left.args and right.args:
        items = kinds.union((left.args[-1], right.args[-1]))
        return kinds.Named(left.name, (*left.args[:-1], items))
    return ANY


def _is_step(binding: Binding, symbol: Symbol, index: FileIndex) -> bool:
    """Whether a binding only changes the variable's own value, as `n += 1` does."""
    value = binding.value
    if binding.how != "value" or not isinstance(value, Binary) or not isinstance(value.left, Name):
        return False
    return index.meanings.get(id(value.left)) is symbol
