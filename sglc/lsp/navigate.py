"""Where names are defined and used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sglc.expressions.words import RESERVED
from sglc.frontends.script.ast import Import
from sglc.frontends.script.symbols import Unit
from sglc.ir.core import Loc
from sglc.lsp import kinds
from sglc.lsp.project import Analysis
from sglc.lsp.symbols import Index, Member, Occurrence, Symbol


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a file, named as `Unit.file` does."""

    unit: Unit
    loc: Loc


class RenameError(Exception):
    """Why a name cannot be changed, in words for the user."""


def definition(analysis: Analysis, line: int, column: int) -> list[Place]:
    """
    Where the name at a place is defined: for a variable, the assignment before, else the first.

    For the path of an import it is the start of that file.
    """
    file = _imported(analysis, line, column)
    if file is not None:
        return [Place(file, Loc(1, 1, 1, 1))]
    occurrence = analysis.index.at(line, column)
    if occurrence is not None:
        return _of_symbol(analysis, occurrence)
    member = analysis.index.member_at(line, column)
    return _of_member(analysis, member) if member is not None else []


def _imported(analysis: Analysis, line: int, column: int) -> Unit | None:
    for item in analysis.index.unit.import_items.values():
        loc = item.path_loc.loc
        if (loc.line, loc.column) <= (line, column) <= (loc.end_line, loc.end_column):
            return analysis.index.unit.imports.get(item.name)
    return None


def _of_symbol(analysis: Analysis, occurrence: Occurrence) -> list[Place]:
    symbol = occurrence.symbol
    if isinstance(symbol.node, Import):
        file = symbol.unit.imports.get(symbol.name)
        if file is not None and not occurrence.definition:
            return [Place(file, Loc(1, 1, 1, 1))]
    here = (occurrence.loc.line, occurrence.loc.column)
    before = [loc for loc in symbol.places if (loc.line, loc.column) <= here]
    if symbol.unit is not analysis.index.unit or not before:
        before = symbol.places[:1]
    return [Place(symbol.unit, loc) for loc in before[-1:]]


def _of_member(analysis: Analysis, member: Member) -> list[Place]:
    kind = analysis.inference.expr(member.node.value)
    found: list[Place] = []
    for each in kinds.members(kind):
        if isinstance(each, kinds.Record):
            fields = [f for f in each.schema.fields if f.name == member.node.name]
            found += [Place(each.unit, field.loc) for field in fields]
        elif isinstance(each, kinds.Branch) and member.node.name in each.scope.variables:
            symbol = each.scope.variables[member.node.name]
            found += [Place(symbol.unit, loc) for loc in symbol.places[:1]]
    return found


# ---- all places of a name ------------------------------------------------------------------------


def references(
    analysis: Analysis, line: int, column: int, others: Iterable[Analysis] = ()
) -> list[Place]:
    """
    Every place that names what is named here, in this file and those it imports.

    `others` are further open scripts, which may import this one.
    """
    symbol = _symbol_at(analysis, line, column)
    return _everywhere(analysis, symbol, others) if symbol is not None else []


def _everywhere(analysis: Analysis, symbol: Symbol, others: Iterable[Analysis]) -> list[Place]:
    """The places of a symbol, each once; other scripts have symbols of their own for it."""
    found = list(_places(analysis, symbol))
    for other in others:
        if other is not analysis and symbol.places:
            for same in _twins(other.index, symbol):
                found += _places(other, same)
    once = {(place.unit.file, place.loc): place for place in found}
    return list(once.values())


def _twins(index: Index, symbol: Symbol) -> Iterator[Symbol]:
    """The symbol as another script sees it: of the same file, defined at the same place."""
    for file in _files(index, set()):
        if file.unit.file == symbol.unit.file:
            found = (o.symbol for o in file.occurrences if o.definition)
            yield from {s: None for s in found if s.places[:1] == symbol.places[:1]}


def _symbol_at(analysis: Analysis, line: int, column: int) -> Symbol | None:
    occurrence = analysis.index.at(line, column)
    if occurrence is not None:
        return occurrence.symbol
    member = analysis.index.member_at(line, column)
    if member is None:
        return None
    for each in kinds.members(analysis.inference.expr(member.node.value)):
        if isinstance(each, kinds.Branch) and member.node.name in each.scope.variables:
            return each.scope.variables[member.node.name]
    return None


def _places(analysis: Analysis, symbol: Symbol) -> Iterator[Place]:
    for index in _files(analysis.index, set()):
        yield from (Place(index.unit, each.loc) for each in index.of(symbol))
    for member in analysis.index.members:
        for each in kinds.members(analysis.inference.expr(member.node.value)):
            if isinstance(each, kinds.Branch) and (
                each.scope.variables.get(member.node.name) is symbol
            ):
                yield Place(analysis.index.unit, member.loc)


def _files(index: Index, seen: set[int]) -> Iterator[Index]:
    if id(index) in seen:
        return
    seen.add(id(index))
    yield index
    for other in index.imports.values():
        yield from _files(other, seen)


def renamable(analysis: Analysis, line: int, column: int) -> tuple[str, Loc] | None:
    """The name at a place and where it is, if every place that names it is known."""
    symbol = _symbol_at(analysis, line, column)
    if symbol is None or symbol.unit is not analysis.index.unit or analysis.broken:
        return None
    word, loc = analysis.word(line, column)
    return (word, loc) if word == symbol.name else None


def rename(
    analysis: Analysis, line: int, column: int, name: str, others: Iterable[Analysis] = ()
) -> list[Place]:
    """
    The places to change so that what is named here is called `name`, in `others` too.

    Raises:
        RenameError: it cannot be called so, or not every place is known.
    """
    if not name.isidentifier() or name in RESERVED:
        raise RenameError(f"`{name}` cannot be a name")
    symbol = _symbol_at(analysis, line, column)
    if analysis.broken:
        raise RenameError("the script has syntax errors")
    if symbol is None or symbol.unit is not analysis.index.unit:
        raise RenameError("only names that this file defines can be changed")
    if symbol.name != name and _is_taken(analysis, symbol, name):
        raise RenameError(f"`{name}` means something else here")
    if symbol.kind == "import" and symbol.places[0] == _path(symbol):
        raise RenameError("the import has no name of its own; add `as name`")
    return _everywhere(analysis, symbol, others)


def _path(symbol: Symbol) -> Loc:
    assert isinstance(symbol.node, Import)
    return symbol.node.path_loc.loc


def _is_taken(analysis: Analysis, symbol: Symbol, name: str) -> bool:
    """Whether a name already means something in the function, or at the file's top level."""
    index = analysis.index
    if name in index.definitions:
        return True
    own = symbol.owner
    scopes = [s for s in index.scopes if not own or _related(s.path, own)]
    return any(name in scope.variables or name in scope.functions for scope in scopes)


def _related(path: str, other: str) -> bool:
    return path == other or path.startswith(f"{other}.") or other.startswith(f"{path}.")
