"""Symbols of a file and every place that names one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from sglc.expressions.nodes import Attribute, Call, Expr, Name, Node
from sglc.frontends.script.symbols import Unit
from sglc.ir.core import Loc

Kind = Literal["variable", "parameter", "function", "fragment", "extern", "schema", "import"]
How = Literal["value", "item", "unpacked", "item unpacked", "branches", "branch item", "error"]
"""How a variable gets its value from an expression."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that sets a variable."""

    loc: Loc
    how: How
    value: Expr | None = None
    index: int = 0
    """Which item it takes where a value is taken apart."""
    branch: Scope | None = None
    """For the name of a fork: the scope of its branches."""


@dataclass(slots=True, eq=False)
class Symbol:
    """Something that has a name."""

    name: str
    kind: Kind
    unit: Unit
    """The file that it is defined in."""
    places: list[Loc] = field(default_factory=list)
    """Where it is defined."""
    node: Node | None = None
    """Its definition, for all but variables."""
    bindings: list[Binding] = field(default_factory=list)
    owner: str = ""
    """Path of the function whose variable it is."""


@dataclass(slots=True, eq=False)
class Scope:
    """A function, a fork's branches, or a comprehension: variables are looked up from inside."""

    kind: Literal["function", "branch", "comprehension"]
    parent: Scope | None
    loc: Loc
    path: str
    """Of the function."""
    variables: dict[str, Symbol] = field(default_factory=dict)
    functions: dict[str, Symbol] = field(default_factory=dict)

    def chain(self) -> Iterator[Scope]:
        """This scope and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def variable(self, name: str) -> Symbol | None:
        """What a variable's name means here."""
        return next((s.variables[name] for s in self.chain() if name in s.variables), None)

    def function(self, name: str) -> Symbol | None:
        """The local function that a name means here."""
        return next((s.functions[name] for s in self.chain() if name in s.functions), None)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A name in the text and what it means."""

    loc: Loc
    symbol: Symbol
    definition: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A name after a dot; what it means depends on the value's type."""

    loc: Loc
    node: Attribute


@dataclass(slots=True, eq=False)
class Index:
    """Everything that is known about the names of one file."""

    unit: Unit
    definitions: dict[str, Symbol] = field(default_factory=dict)
    """What the file defines at its top level, imports included."""
    occurrences: list[Occurrence] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    """In the order of the text."""
    meanings: dict[int, Symbol] = field(default_factory=dict)
    """What a `Name` node means, by its id."""
    parameters: dict[int, Symbol] = field(default_factory=dict)
    """The symbol of a `Param` node, by its id."""
    generations: list[Call] = field(default_factory=list)
    """Every `gen` and `select`."""
    imports: dict[str, Index] = field(default_factory=dict)

    def target(self, function: Expr) -> Symbol | None:
        """What is called: a function, fragment or extern, of this file or an imported one."""
        if isinstance(function, Name):
            return self.meanings.get(id(function))
        if isinstance(function, Attribute) and isinstance(function.value, Name):
            other = self.imports.get(function.value.id)
            return other.definitions.get(function.name) if other is not None else None
        return None

    def at(self, line: int, column: int) -> Occurrence | None:
        """The name at a place, or the one that ends there; lines and columns count from 1."""
        return _touching(self.occurrences, line, column)

    def member_at(self, line: int, column: int) -> Member | None:
        """The name after a dot at a place."""
        return _touching(self.members, line, column)

    def of(self, symbol: Symbol) -> list[Occurrence]:
        """Every place in this file that names a symbol."""
        return [each for each in self.occurrences if each.symbol is symbol]


_Place = TypeVar("_Place", Occurrence, Member)


def _touching(found: list[_Place], line: int, column: int) -> _Place | None:
    inside = [each for each in found if contains(each.loc, line, column)]
    return min(inside, key=lambda each: _size(each.loc), default=None)


def contains(loc: Loc, line: int, column: int) -> bool:
    """Whether a place is inside a location or right behind it."""
    return (loc.line, loc.column) <= (line, column) <= (loc.end_line, loc.end_column)


def _size(loc: Loc) -> tuple[int, int]:
    return loc.end_line - loc.line, loc.end_column - loc.column
