"""Expressions as data. Equality ignores locations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any
from typing import Literal as OneOf

from sglc.ir.core import Loc

NOWHERE = Loc(0, 0, 0, 0)
BinaryOp = OneOf["+", "-", "*", "/", "//", "%", "**", "|"]
CompareOp = OneOf["==", "!=", "<", "<=", ">", ">=", "in", "not in"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything in a script that has a place."""

    loc: Loc = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable."""

    id: str


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A constant; strings without `${}` included."""

    value: bool | int | float | str | None

    def __eq__(self, other: object) -> bool:
        """Equality that tells 1, 1.0 and true apart."""
        if not isinstance(other, Literal):
            return NotImplemented
        return type(self.value) is type(other.value) and repr(self.value) == repr(other.value)

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A string with `${}` parts. Adjacent constants are merged, empty ones dropped."""

    parts: tuple[str | Expr, ...]


@dataclass(frozen=True, slots=True)
class ListExpr(Node):
    """`[a, b]`."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class DictExpr(Node):
    """`{"a": 1}`."""

    pairs: tuple[tuple[Expr, Expr], ...]


@dataclass(frozen=True, slots=True)
class Comprehension(Node):
    """`[item for targets in iterable if condition]`; with a key, `{key: item for ...}`."""

    item: Expr
    targets: tuple[str, ...]
    iterable: Expr
    condition: Expr | None
    key: Expr | None = None


@dataclass(frozen=True, slots=True)
class Attribute(Node):
    """`value.name`: a field of a record or dict."""

    value: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`value[index]`."""

    value: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class Slice(Node):
    """`value[start:stop:step]`."""

    value: Expr
    start: Expr | None
    stop: Expr | None
    step: Expr | None


@dataclass(frozen=True, slots=True)
class Keyword(Node):
    """`name=value` in a call."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`function(args)`: a builtin, a function of a script, or a method (`function` Attribute)."""

    function: Expr
    args: tuple[Expr, ...]
    keywords: tuple[Keyword, ...] = ()


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`-x`, `+x`, `not x`."""

    op: OneOf["-", "+", "not"]
    value: Expr


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """Arithmetic and `|`."""

    op: BinaryOp
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class BoolOp(Node):
    """`and`, `or`: the deciding operand, the right one only where needed."""

    op: OneOf["and", "or"]
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """A chain `a < b <= c`, each operand evaluated once."""

    first: Expr
    rest: tuple[tuple[CompareOp, Expr], ...]


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    """`then if condition else other`."""

    condition: Expr
    then: Expr
    other: Expr


Expr = (
    Name
    | Literal
    | Text
    | ListExpr
    | DictExpr
    | Comprehension
    | Attribute
    | Index
    | Slice
    | Call
    | Unary
    | Binary
    | BoolOp
    | Compare
    | Conditional
)


def children(expr: Expr) -> Iterator[Expr]:
    """Direct subexpressions, in order of evaluation; a called function's name is not one."""
    match expr:
        case Name() | Literal():
            return
        case Text(parts=parts):
            yield from (part for part in parts if not isinstance(part, str))
        case ListExpr(items=items):
            yield from items
        case DictExpr(pairs=pairs):
            for key, value in pairs:
                yield key
                yield value
        case Comprehension():
            yield expr.iterable
            if expr.condition is not None:
                yield expr.condition
            if expr.key is not None:
                yield expr.key
            yield expr.item
        case Call():
            if isinstance(expr.function, Attribute):
                yield expr.function.value
            elif not isinstance(expr.function, Name):
                yield expr.function
            yield from expr.args
            yield from (keyword.value for keyword in expr.keywords)
        case Compare():
            yield expr.first
            yield from (operand for _, operand in expr.rest)
        case Conditional():
            yield expr.condition
            yield expr.then
            yield expr.other
        case _:
            for each in fields(expr):
                value = getattr(expr, each.name)
                if isinstance(value, Node):
                    yield value


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and everything in it."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def names(expr: Expr) -> Iterator[Name]:
    """Variables that the expression reads, each occurrence, without a comprehension's own."""
    if isinstance(expr, Name):
        yield expr
    elif isinstance(expr, Comprehension):
        yield from names(expr.iterable)
        for part in (expr.condition, expr.key, expr.item):
            if part is not None:
                yield from (name for name in names(part) if name.id not in expr.targets)
    else:
        for child in children(expr):
            yield from names(child)


def with_children(expr: Expr, new: list[Expr]) -> Expr:
    """The expression with other subexpressions, given in the order of `children`."""
    left = iter(new)

    match expr:
        case Text():
            parts = tuple(p if isinstance(p, str) else next(left) for p in expr.parts)
            return replace(expr, parts=parts)
        case ListExpr():
            return replace(expr, items=tuple(left))
        case DictExpr():
            return replace(expr, pairs=tuple((next(left), next(left)) for _ in expr.pairs))
        case Call():
            function = expr.function
            if isinstance(function, Attribute):
                function = replace(function, value=next(left))
            args = tuple(next(left) for _ in expr.args)
            keywords = tuple(replace(k, value=next(left)) for k in expr.keywords)
            return replace(expr, function=function, args=args, keywords=keywords)
        case Compare():
            first = next(left)
            return replace(expr, first=first, rest=tuple((op, next(left)) for op, _ in expr.rest))
        case Index() | Slice() | Binary() | BoolOp() | Conditional() | Unary() | Attribute():
            changed: dict[str, Any] = {
                each.name: next(left)
                for each in fields(expr)
                if isinstance(getattr(expr, each.name), Node)
            }
            return replace(expr, **changed)
    return expr
