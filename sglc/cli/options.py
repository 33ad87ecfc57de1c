"""Options that several commands share, declared once."""

from __future__ import annotations

from typing import Annotated

import typer

from sglc.diagnostics.output import OutputFormat

Target = Annotated[
    str,
    typer.Argument(
        metavar="FILE[:function]",
        help="A .sgl script, a .py module or a .sglir dump; without a name: `main`, or the only "
        "function.",
        show_default=False,
    ),
]
Passes = Annotated[
    str | None,
    typer.Option(
        "--passes",
        metavar="PIPELINE",
        help='The passes to run, e.g. "promote,prefix-hoist,fork-parallel"; "" runs none.',
        show_default=False,
        rich_help_panel="Optimisation",
    ),
]
NoPass = Annotated[
    list[str] | None,
    typer.Option(
        "--no-pass",
        metavar="NAME",
        help="Leave one pass out; may be repeated.",
        show_default=False,
        rich_help_panel="Optimisation",
    ),
]


Format = Annotated[
    OutputFormat | None,
    typer.Option(
        "--output-format",
        help="How findings are written. text: with source lines. concise: one line each. json: "
        "one object a line. sarif: a SARIF 2.1.0 log. github: workflow commands.",
        show_default="text",
    ),
]


def examples(*lines: str) -> str:
    """Text under a command's help, one example a paragraph."""
    return "Examples:\n\n" + "\n\n".join(lines)
