"""Scripts as data: definitions and statements. Expressions are `sglc.expressions.nodes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf

from sglc.expressions.nodes import Expr, Keyword, Literal, Name, Node, Text

# ---- types ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamedType(Node):
    """`str`, `Person`, `list[int]`."""

    name: str
    args: tuple[TypeExpr, ...] = ()


@dataclass(frozen=True, slots=True)
class LiteralType(Node):
    """`"yes"`: this string and no other."""

    value: str


@dataclass(frozen=True, slots=True)
class UnionType(Node):
    """`A | B`; `T?` is `T | none`."""

    members: tuple[TypeExpr, ...]


TypeExpr = NamedType | LiteralType | UnionType

# ---- statements ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Emit(Node):
    """A string alone: append it to the prompt."""

    text: Literal | Text


@dataclass(frozen=True, slots=True)
class ExprStmt(Node):
    """Any other expression alone; only calls mean something."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Assign(Node):
    """`a = value`, `a, b = value`."""

    targets: tuple[Name, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class Role(Node):
    """`user "text"` or `user:` with a block."""

    role: str
    body: tuple[Stmt, ...]
    role_loc: Node


@dataclass(frozen=True, slots=True)
class Return(Node):
    """`return value`."""

    value: Expr | None


@dataclass(frozen=True, slots=True)
class Leave(Node):
    """`break` or `continue`."""

    kind: OneOf["break", "continue"]


@dataclass(frozen=True, slots=True)
class Pass(Node):
    """`pass`."""


@dataclass(frozen=True, slots=True)
class If(Node):
    """`if`; an `elif` is an `If` alone in `orelse`."""

    condition: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class While(Node):
    """`while`."""

    condition: Expr
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class For(Node):
    """`for a, b in iterable`."""

    targets: tuple[Name, ...]
    iterable: Expr
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Fork(Node):
    """`fork item in items as name`; `fork count as name` has no item."""

    item: Name | None
    items: Expr
    """The list, or the count."""
    name: Name | None
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Handler(Node):
    """`except kind as name`."""

    kind: Name | None
    name: Name | None
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Try(Node):
    """`try` with its handlers."""

    body: tuple[Stmt, ...]
    handlers: tuple[Handler, ...]


Stmt = Emit | ExprStmt | Assign | Role | Return | Leave | Pass | If | While | For | Fork | Try

# ---- definitions ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Param(Node):
    """A parameter."""

    name: str
    type: TypeExpr | None
    default: Expr | None


@dataclass(frozen=True, slots=True)
class Import(Node):
    """`import "file.sgl" as name`."""

    path: str
    name: str
    path_loc: Node


@dataclass(frozen=True, slots=True)
class Use(Node):
    """`use temperature=0`: sampling defaults of the file."""

    settings: tuple[Keyword, ...]


@dataclass(frozen=True, slots=True)
class SchemaField(Node):
    """A field of a schema."""

    name: str
    type: TypeExpr
    default: Expr | None
    doc: str | None


@dataclass(frozen=True, slots=True)
class Schema(Node):
    """`schema Name:`."""

    name: str
    doc: str | None
    fields: tuple[SchemaField, ...]


@dataclass(frozen=True, slots=True)
class Extern(Node):
    """`extern def name(...) from "module:function"`."""

    name: str
    params: tuple[Param, ...]
    returns: TypeExpr | None
    target: str
    target_loc: Node


@dataclass(frozen=True, slots=True)
class Function(Node):
    """`def` or `fragment`. Its own `loc` is the header's name."""

    kind: OneOf["function", "fragment"]
    name: str
    params: tuple[Param, ...]
    returns: TypeExpr | None
    body: tuple[Stmt, ...]


Item = Import | Use | Schema | Extern | Function


@dataclass(frozen=True, slots=True)
class Script:
    """One file."""

    file: str
    items: tuple[Item, ...]
