"""Loading a script and the scripts it imports: relative, confined to one folder, acyclic."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from sglc.diagnostics.core import Diagnostic, ParseError
from sglc.expressions.problem import Problem, to_span
from sglc.frontends.script.ast import Import
from sglc.frontends.script.depth import too_deep
from sglc.frontends.script.parse import parse_with_problems, read_script
from sglc.frontends.script.symbols import Unit, collect
from sglc.ir.collector import without_collection


@dataclass(slots=True)
class Loaded:
    """Every file of a program, the root first, and what could not be read of them."""

    units: list[Unit] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def root(self) -> Unit:
        """The file that is run."""
        return self.units[0]


@without_collection
def load(
    text: str,
    file: str,
    path: Path | None,
    folder: Path | None,
    opened: Mapping[Path, str] = MappingProxyType({}),
) -> Loaded:
    """
    Parse a script and what it imports.

    Args:
        text: the root script.
        file: its name in messages.
        path: where it is; None allows no imports.
        folder: where imports must stay; the path's folder by default.
        opened: texts that an editor has for files, by resolved path; they come before the disk's.
    """
    if path is not None:
        path = path.resolve()
        folder = (folder or path.parent).resolve()
    loader = _Loader(folder, opened)
    loader.unit(text, file, path, "", ())
    return loader.loaded


class _Loader:
    def __init__(self, folder: Path | None, opened: Mapping[Path, str]) -> None:
        self.folder = folder
        self.opened = opened
        self.loaded = Loaded()
        self.by_path: dict[Path, Unit] = {}

    def unit(
        self, text: str, file: str, path: Path | None, qualifier: str, stack: tuple[Path, ...]
    ) -> Unit:
        script, problems = parse_with_problems(text, file)
        problems += too_deep(script)
        unit = Unit(script, qualifier, text)
        self.loaded.units.append(unit)
        self.loaded.diagnostics += [problem.diagnostic(file) for problem in problems]
        collect(unit)
        if path is not None:
            self.by_path[path] = unit
            stack = (*stack, path)
        for item in unit.import_items.values():
            try:
                unit.imports[item.name] = self._import(unit, item, path, stack)
            except Problem as problem:
                unit.problems.append(problem)
            except ParseError as error:
                self.loaded.diagnostics += error.diagnostics
        return unit

    def _import(self, unit: Unit, item: Import, path: Path | None, stack: tuple[Path, ...]) -> Unit:
        def refuse(message: str, label: str) -> Problem:
            return Problem("SGL0216", message, item.path_loc.loc, label)

        if self.folder is None or path is None:
            raise refuse("a script without a file cannot import others", "no folder to look in")
        try:
            target = (path.parent / item.path).resolve()
        except (OSError, ValueError):
            raise refuse(f"`{item.path}` is not a file name", "not found") from None
        if not target.is_relative_to(self.folder):
            raise refuse(
                f"`{item.path}` is outside the folder of the script that is run",
                "outside its folder",
            )
        if target in stack:
            names = [p.name for p in (*stack[stack.index(target) :], target)]
            raise refuse("imports run in a circle: " + " → ".join(names), "closes the circle")
        if target in self.by_path:
            return self.by_path[target]
        text = self.opened.get(target)
        if text is None:
            if not target.is_file():
                raise refuse(f"cannot import `{item.path}`: no such file", "not found")
            text = read_script(target, item.path, to_span(unit.file, item.path_loc.loc))
        shown = os.path.join(os.path.dirname(unit.file), item.path)
        qualifier = f"{unit.qualifier}{item.name}."
        return self.unit(text, os.path.normpath(shown), target, qualifier, stack)
