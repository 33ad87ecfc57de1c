"""What an editor shows as the type of a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sglc.expressions.printer import quoted
from sglc.frontends.script.ast import LiteralType, NamedType, Schema, TypeExpr
from sglc.frontends.script.symbols import Unit
from sglc.ir.core import Loc
from sglc.lsp.symbols import Scope


@dataclass(frozen=True, slots=True)
class Named:
    """`str`, `list[int]`; `any` where nothing is known."""

    name: str
    args: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One string and no other."""

    value: str


@dataclass(frozen=True, slots=True)
class Record:
    """A value of a schema, defined in `unit`."""

    schema: Schema
    unit: Unit


@dataclass(frozen=True, slots=True)
class Branch:
    """The variables of one branch of a fork."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class Either:
    """One of several."""

    members: tuple[Kind, ...]


Kind = Named | Choice | Record | Branch | Either
ANY, STR, INT, FLOAT, BOOL, NONE = map(Named, ("any", "str", "int", "float", "bool", "none"))
RANGE, ERROR = Named("range"), Named("error")


def list_of(item: Kind) -> Kind:
    """A list of items of a kind."""
    return Named("list", (item,))


def union(kinds: Iterable[Kind]) -> Kind:
    """One of the kinds, each named once; anything if one of them is."""
    found: dict[Kind, None] = {}
    for kind in kinds:
        found.update(dict.fromkeys(kind.members if isinstance(kind, Either) else (kind,)))
    if ANY in found or not found:
        return ANY
    if STR in found:
        found = {kind: None for kind in found if not isinstance(kind, Choice)}
    if NONE in found:  # it is written last, as `T?`
        found = {**{kind: None for kind in found if kind != NONE}, NONE: None}
    return next(iter(found)) if len(found) == 1 else Either(tuple(found))


def widened(kind: Kind) -> Kind:
    """A kind with strings of any content for its constants."""
    if isinstance(kind, Either):
        return union(widened(member) for member in kind.members)
    return STR if isinstance(kind, Choice) else kind


def members(kind: Kind) -> tuple[Kind, ...]:
    """The alternatives of a kind, those for `none` left out."""
    each = kind.members if isinstance(kind, Either) else (kind,)
    return tuple(kind for kind in each if kind != NONE)


def show(kind: Kind) -> str:
    """The kind as an annotation would write it."""
    match kind:
        case Named():
            args = ", ".join(map(show, kind.args))
            return f"{kind.name}[{args}]" if args else kind.name
        case Choice():
            return quoted(kind.value)
        case Record():
            return kind.schema.name
        case Branch():
            return f"branch of {', '.join(kind.scope.variables)}"
        case Either(members=(one, Named("none"))):
            text = show(one)
            return f"{text}?"
        case Either():
            return " | ".join(map(show, kind.members))


def declared(unit: Unit, type_: TypeExpr | None) -> Kind:
    """The kind that an annotation of a file means."""
    match type_:
        case None:
            return ANY
        case LiteralType():
            return Choice(type_.value)
        case NamedType():
            if type_.name in unit.schemas:
                return Record(unit.schemas[type_.name], unit)
            return Named(type_.name, tuple(declared(unit, arg) for arg in type_.args))
    return union(declared(unit, member) for member in type_.members)


def fields(kind: Kind) -> Mapping[str, tuple[str, Loc]]:
    """The fields that values of a kind have: what each is, and where it is defined."""
    found: dict[str, tuple[str, Loc]] = {}
    for each in members(kind):
        if isinstance(each, Record):
            for field in each.schema.fields:
                text = show(declared(each.unit, field.type))
                found[field.name] = (text, field.loc)
    return found
