"""What `sglc compile` prints: a phase's product in one of several forms."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path

from sglc.cli.guard import usage
from sglc.ir.core import Module
from sglc.programs.target import reason


class Emit(StrEnum):
    """What to print."""

    AST = "ast"
    IR = "ir"
    GRAPH = "graph"
    DOT = "dot"
    JSON = "json"
    HTML = "html"


def render(module: Module, emit: Emit) -> str:
    """A module in one of the printed forms but `ast` and `html`."""
    match emit:
        case Emit.JSON:
            from sglc.ir.jsonio import to_json

            return to_json(module)
        case Emit.GRAPH | Emit.DOT:
            from sglc.graph import export

            return export.to_dot(module) if emit is Emit.DOT else export.to_text(module)
        case _:
            from sglc.ir.printer import print_module

            return print_module(module)


def write(text: str, output: Path | None) -> None:
    """Text to a file, or to stdout for None and `-`. Raises UsageError."""
    text = text if text.endswith("\n") else text + "\n"
    if output is None or str(output) == "-":
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritable(output, error) from None


def folder(path: Path) -> Path:
    """A folder that exists, made where it does not. Raises UsageError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None
    return path


def unwritable(path: Path, error: OSError) -> Exception:
    """The usage error for what cannot be written."""
    return usage(f"cannot write `{path}`: {reason(error)}", code="SGL0606")
