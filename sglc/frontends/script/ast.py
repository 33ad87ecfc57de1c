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
    """`while`; `else` runs when the condition ends the loop."""

    condition: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...] = ()


@dataclass(frozen=True, slots=True)
class For(Node):
    """`for a, b in iterable`; `else` runs when the items end the loop."""

    targets: tuple[Name, ...]
    iterable: Expr
    body: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...] = ()


@dataclass(frozen=True, slots=True)
class Fork(Node):
    """`fork a, b in items as name`; `fork count as name` has no targets."""

    targets: tuple[Name, ...]
    items: Expr
    """The list, or the count."""
    name: Name | None
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Handler(Node):
    """`except kind as name`, `except (kind, kind)`; no kinds handle everything."""

    kinds: tuple[Name, ...]
    name: Name | None
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Try(Node):
    """`try` with its handlers; it has a handler, a `finally`, or both."""

    body: tuple[Stmt, ...]
    handlers: tuple[Handler, ...]
    orelse: tuple[Stmt, ...] = ()
    final: tuple[Stmt, ...] = ()


@dataclass(frozen=True, slots=True)
class Raise(Node):
    """`raise error`; without a value it raises the handled error again."""

    value: Expr | None


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
    """`def` or `fragment`, of the file or inside another one. Its own `loc` is its name."""

    kind: OneOf["function", "fragment"]
    name: str
    params: tuple[Param, ...]
    returns: TypeExpr | None
    body: tuple[Stmt, ...]
    path: str
    """Its name in the file: `outer.inner` for one inside another."""
    captured: tuple[str, ...] = ()
    """Variables of the functions around that it reads, once they are handed over as arguments."""


Stmt = (
    Emit
    | ExprStmt
    | Assign
    | Role
    | Return
    | Leave
    | Pass
    | If
    | While
    | For
    | Fork
    | Try
    | Raise
    | Function
)
Item = Import | Use | Schema | Extern | Function


@dataclass(frozen=True, slots=True)
class Script:
    """One file."""

    file: str
    items: tuple[Item, ...]
