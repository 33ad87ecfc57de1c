"""What the names of a file stand for: functions, externs, schemas, imported files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sglc.expressions.nodes import Attribute, Call, Expr, Keyword, Name, walk
from sglc.expressions.problem import Mark, Problem
from sglc.frontends.script.ast import Extern, Function, Import, Param, Schema, Script, Use
from sglc.ir.core import Loc


@dataclass(slots=True, eq=False)
class Unit:
    """A file of the program, with its place among the others."""

    script: Script
    qualifier: str
    """Prefix of its symbols in the IR: empty for the root, else `common.`."""
    text: str
    functions: dict[str, Function] = field(default_factory=dict)
    externs: dict[str, Extern] = field(default_factory=dict)
    schemas: dict[str, Schema] = field(default_factory=dict)
    imports: dict[str, Unit] = field(default_factory=dict)
    import_items: dict[str, Import] = field(default_factory=dict)
    settings: dict[str, Keyword] = field(default_factory=dict)
    """What `use` says."""
    problems: list[Problem] = field(default_factory=list)
    opens_role: set[str] = field(default_factory=set)
    """Fragments that open a role, themselves or through others, by path."""
    scopes: dict[str, dict[str, Function]] = field(default_factory=dict)
    """Local functions that can be called in each function, by its path."""
    own_names: dict[str, frozenset[str]] = field(default_factory=dict)
    """Variables of each function itself, by its path."""
    outer_names: dict[str, frozenset[str]] = field(default_factory=dict)
    """Variables of the functions around each function that it can read."""
    captures: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Those that it, or what it calls, does read."""

    @property
    def file(self) -> str:
        """The file's name as messages show it."""
        return self.script.file

    def within(self, function: Function) -> Unit:
        """The file as seen from inside a function: with local functions in scope."""
        local = self.scopes.get(function.path)
        return replace(self, functions={**self.functions, **local}) if local else self

    def qualified(self, name: str) -> str:
        """The symbol of a definition of this file."""
        return self.qualifier + name

    def callables(self) -> list[str]:
        """Names that can be called here, imported ones as `file.name`."""
        own = [*self.functions, *self.externs]
        return own + [f"{alias}.{n}" for alias, unit in self.imports.items() for n in unit.own()]

    def own(self) -> list[str]:
        """Names that other files can call."""
        return [*self.functions, *self.externs]


@dataclass(frozen=True, slots=True)
class Target:
    """A function or extern that a call means, and the file that defines it."""

    unit: Unit
    definition: Function | Extern

    @property
    def params(self) -> tuple[Param, ...]:
        """Its parameters."""
        return self.definition.params

    @property
    def symbol(self) -> str:
        """Its name in the IR."""
        return self.unit.qualified(self.path)

    @property
    def path(self) -> str:
        """Its name in its file: `outer.inner` for a local function."""
        definition = self.definition
        return definition.path if isinstance(definition, Function) else definition.name


def collect(unit: Unit) -> None:
    """Enter a file's definitions into its tables; names that are defined twice are problems."""
    places: dict[str, Loc] = {}
    for item in unit.script.items:
        match item:
            case Use():
                _collect_use(unit, item)
                continue
            case Import():
                unit.import_items.setdefault(item.name, item)
            case Function():
                unit.functions.setdefault(item.name, item)
            case Extern():
                unit.externs.setdefault(item.name, item)
            case Schema():
                unit.schemas.setdefault(item.name, item)
        if item.name in places:
            unit.problems.append(
                Problem(
                    "SGL0210",
                    f"`{item.name}` is defined twice",
                    item.loc,
                    "second definition",
                    marks=(Mark(places[item.name], "first definition"),),
                )
            )
        places.setdefault(item.name, item.loc)


def _collect_use(unit: Unit, item: Use) -> None:
    for setting in item.settings:
        first = unit.settings.get(setting.name)
        if first is not None:
            unit.problems.append(
                Problem(
                    "SGL0210",
                    f"`{setting.name}` is set twice in this file",
                    setting.loc,
                    "second setting",
                    marks=(Mark(first.loc, "first setting"),),
                )
            )
        unit.settings.setdefault(setting.name, setting)


def find_target(unit: Unit, function: Expr) -> Target | None:
    """The function or extern that `function(...)` calls, None when it is neither."""
    if isinstance(function, Name):
        found = unit.functions.get(function.id) or unit.externs.get(function.id)
        return Target(unit, found) if found is not None else None
    if isinstance(function, Attribute) and isinstance(function.value, Name):
        other = unit.imports.get(function.value.id)
        if other is not None:
            return find_target_in(other, function.name)
    return None


def find_target_in(unit: Unit, name: str) -> Target | None:
    """A function or extern of a file by name."""
    found = unit.functions.get(name) or unit.externs.get(name)
    return Target(unit, found) if found is not None else None


def calls_inside(unit: Unit, expr: Expr) -> Iterator[Call]:
    """Calls of functions and externs in the expression, itself included."""
    for part in walk(expr):
        if isinstance(part, Call) and find_target(unit, part.function) is not None:
            yield part
