"""`sglc lsp`: the language server, for editors to start."""

from __future__ import annotations

from typing import Annotated

import typer

from sglc.cli.guard import DIAGNOSTICS, guarded, usage


@guarded
def lsp(
    stdio: Annotated[
        bool, typer.Option("--stdio", help="Speak over stdin and stdout, which is the default.")
    ] = True,
) -> None:
    """
    Serve an editor over stdin and stdout with the Language Server Protocol.

    Diagnostics, hover, definitions, references, renaming, completion, symbols, quick fixes and
    formatting for .sgl files. docs/formatting-and-editors.md says how editors start it.
    """
    try:
        from sglc.lsp.server import serve
    except ModuleNotFoundError as error:
        raise usage(f"`{error.name}` is not installed", "pip install pygls") from None
    if not serve():
        raise typer.Exit(DIAGNOSTICS)
