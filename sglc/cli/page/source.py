"""The program's text, cut where locations of the IR begin and end, so that they can be shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from sglc.cli.page.markup import Markup, element, joined
from sglc.ir.core import Loc, Module


def locations(module: Module) -> list[Loc]:
    """Every place of the module's own file that the IR names, the smallest first."""
    others = foreign(module)
    own = [func for name, func in module.funcs.items() if name not in others]
    found = {op.loc for func in own for op in func.walk()} | {func.loc for func in own}
    return sorted((loc for loc in found if loc is not None and loc.line), key=_size)


def foreign(module: Module) -> frozenset[str]:
    """Functions that were imported from another file."""
    return frozenset(name for name, func in module.funcs.items() if "file" in func.attrs)


def _size(loc: Loc) -> tuple[int, ...]:
    return (loc.end_line - loc.line, loc.end_column - loc.column, loc.line, loc.column)


def key(loc: Loc) -> str:
    """A location as the page's elements name it."""
    return str(loc)


def source_view(text: str, places: Sequence[Loc]) -> Markup:
    """Numbered lines; each piece knows the locations that cover it, the smallest first."""
    by_line: dict[int, list[Loc]] = {}
    for loc in places:
        for number in range(loc.line, loc.end_line + 1):
            by_line.setdefault(number, []).append(loc)
    lines = [
        element(
            "div", *_pieces(line, number, by_line.get(number, ())), class_="line", data_n=number
        )
        for number, line in enumerate(text.split("\n"), 1)
    ]
    return joined(lines)


def _pieces(line: str, number: int, places: Iterable[Loc]) -> list[Markup]:
    spans = [(*_columns(loc, number, len(line)), loc) for loc in places]
    cuts = sorted({0, len(line), *(c for start, end, _ in spans for c in (start, end))})
    pieces = []
    for start, end in pairwise(cuts):
        covering = [key(loc) for s, e, loc in spans if s <= start and end <= e]
        pieces.append(element("span", line[start:end], data_at=" ".join(covering) or None))
    return pieces


def _columns(loc: Loc, number: int, length: int) -> tuple[int, int]:
    """The part of a line that a location covers, as offsets."""
    start = loc.column - 1 if number == loc.line else 0
    end = loc.end_column - 1 if number == loc.end_line else length
    return min(start, length), min(max(end, start), length)
