"""`sglc check`: read, lower and verify, and say what is wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from sglc.cli import options
from sglc.cli.checking import check_paths
from sglc.cli.guard import guarded
from sglc.diagnostics.output import OutputFormat

EXAMPLES = options.examples(
    "sglc check examples/agent.sgl",
    "sglc check examples",
    "sglc check --output-format github prompts/*.sgl agents.py",
    "sglc check --stdin-filename agent.sgl - < agent.sgl",
)


@guarded
def check(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Files, folders to search for .sgl, .sglir and .py that use sglc or sglang, or "
            "`-` for stdin.",
        ),
    ],
    output_format: options.Format = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The same as --output-format json.")
    ] = False,
    remarks: Annotated[
        bool,
        typer.Option(help="Show what runs live in Python programs, and why; no mistakes."),
    ] = True,
    stdin_filename: Annotated[
        str,
        typer.Option(metavar="NAME", help="What `-` is called; its ending says what it is."),
    ] = "<stdin>.sgl",
    strict: Annotated[
        bool, typer.Option("--strict", help="Programs that cannot be compiled are errors.")
    ] = False,
) -> None:
    """
    Check programs without running them: syntax, names, types, roles, patterns, schemas.

    Files are read, never imported. Every finding has a code; `sglc explain CODE` says more.
    """
    form = OutputFormat.JSON if as_json else output_format
    status = check_paths(paths, form, remarks=remarks, stdin_filename=stdin_filename, strict=strict)
    if status:
        raise typer.Exit(status)
