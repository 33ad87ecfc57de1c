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
    module, warnings = lower_loaded(load_script(source, file=file, folder=folder))
    for warning in warnings:
        if on_warning is not None:
            on_warning(warning)
    verify(module)
    return module


def load_script(
    source: str | Path, *, file: str | None = None, folder: str | Path | None = None
) -> Loaded:
    """
    Read and parse a script and everything it imports; arguments as for `compile_script`.

    Raises:
        ParseError: with every mistake found.
    """
    loaded = _load(source, file, folder)
    if any(d.severity == "error" for d in loaded.diagnostics):
        raise ParseError(loaded.diagnostics)
    return loaded


def lower_loaded(loaded: Loaded) -> tuple[Module, Sequence[Diagnostic]]:
    """
    Check a parsed program and lower it; also gives the warnings. The module is not verified.

    Raises:
        LowerError: the program has errors; with all of them.
    """
    found = _diagnose(loaded)
    if any(d.severity == "error" for d in found):
        # Warnings often explain errors, so they are shown together.
        raise LowerError(found)
    try:
        return lower(loaded), found
    except RecursionError:
        message = f"`{loaded.root.file}` has blocks or `elif`s that are too deeply nested"
        raise LowerError(Diagnostic(code="SGL0114", message=message)) from None


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
    try:
        return check_program(loaded)
    except RecursionError:
        message = f"`{loaded.root.file}` has blocks or `elif`s that are too deeply nested"
        return [Diagnostic(code="SGL0114", message=message)]
