"""The findings that belong into one open script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from sglc.diagnostics.core import Diagnostic, Label
from sglc.expressions.problem import to_span
from sglc.frontends.script.ast import Import
from sglc.frontends.script.symbols import Unit
from sglc.lsp.project import Analysis


def findings(analysis: Analysis) -> list[Diagnostic]:
    """
    What is wrong with the script, and one finding at each import whose file has errors.

    While an imported file cannot be parsed, the script's own names are not checked either.
    """
    name = analysis.buffer.name
    own = [d for d in analysis.diagnostics if d.span is None or d.span.file == name]
    others = [d for d in analysis.diagnostics if d not in own and d.severity == "error"]
    return own + list(_at_imports(analysis, others))


def _at_imports(analysis: Analysis, errors: list[Diagnostic]) -> Iterator[Diagnostic]:
    errors = sorted(errors, key=lambda d: d.span.file if d.span is not None else "")
    for file, group in groupby(errors, lambda d: d.span.file if d.span is not None else ""):
        first = next(group)
        item = _import_of(analysis.loaded.root, file)
        if item is None or first.span is None:
            continue
        yield replace(
            first,
            message=f"`{item.path}` has errors: {first.message}",
            span=to_span(analysis.buffer.name, item.path_loc.loc),
            labels=(Label(first.span, first.label or first.message),),
            helps=(),
            suggestions=(),
        )


def _import_of(unit: Unit, file: str) -> Import | None:
    """The import of a file through which another one is reached."""
    for name, other in unit.imports.items():
        if _reaches(other, file, set()):
            return unit.import_items[name]
    return None


def _reaches(unit: Unit, file: str, seen: set[int]) -> bool:
    if id(unit) in seen:
        return False
    seen.add(id(unit))
    return unit.file == file or any(_reaches(other, file, seen) for other in unit.imports.values())
