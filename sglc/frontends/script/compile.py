"""Compiling scripts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sglc.diagnostics.core import Diagnostic, LowerError, ParseError
from sglc.frontends.script.check import check_program
from sglc.frontends.script.files import Loaded, load
from sglc.frontends.script.lower import lower
from sglc.frontends.script.parse import read_script
from sglc.ir.core import Module
from sglc.ir.verifier import verify


def compile_script(
    source: str | Path,
    *,
    file: str | None = None,
    folder: str | Path | None = None,
    on_warning: Callable[[Diagnostic], None] | None = None,
) -> Module:
    """
    Compile a script and everything it imports to one module.

    Args:
        source: a `Path` to read, or the script's text.
        file: the script's name in messages; the path itself, or `<script>`.
        folder: where imports are looked for and must stay; the path's folder, or none for text.
        on_warning: called for each warning; errors raise.

    Raises:
        ParseError: the script, or an imported one, cannot be read; with every mistake found.
        LowerError: it was read but has errors; with all of them.
    """
    loaded = _load(source, file, folder)
    found = _diagnose(loaded)
    errors = [d for d in found if d.severity == "error"]
    if errors:
        # Warnings often explain errors, so they are shown together.
        raise (ParseError if loaded.diagnostics else LowerError)(found)
    for warning in found:
        if on_warning is not None:
            on_warning(warning)
    module = lower(loaded)
    verify(module)
    return module


def check_script(
    source: str | Path, *, file: str | None = None, folder: str | Path | None = None
) -> Sequence[Diagnostic]:
    """
    Everything that is wrong or doubtful about a script; empty for a good one.

    Raises:
        ParseError: the file cannot be read at all.
    """
    return _diagnose(_load(source, file, folder))


def _load(source: str | Path, file: str | None, folder: str | Path | None) -> Loaded:
    if isinstance(source, Path):
        shown = file or str(source)
        text = read_script(source, shown)
        return load(text, shown, source, Path(folder) if folder is not None else None)
    where = Path(folder) if folder is not None else None
    shown = file or "<script>"
    return load(source, shown, None if where is None else where / Path(shown).name, where)


def _diagnose(loaded: Loaded) -> list[Diagnostic]:
    # With unreadable definitions, checks would report names that those define.
    if loaded.diagnostics:
        return list(loaded.diagnostics)
    return check_program(loaded)
