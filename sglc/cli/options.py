"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sglc.diagnostics.output import OutputFormat

PHASES = "Phases"

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
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="PHASE",
        help="Stop after this phase: parse, lower, or the name of a pass.",
        show_default=False,
        rich_help_panel=PHASES,
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="PHASE",
        help="FILE is a .sglir dump of this phase: go on with the next one.",
        show_default=False,
        rich_help_panel=PHASES,
    ),
]
DumpIr = Annotated[
    Path | None,
    typer.Option(
        "--dump-ir",
        metavar="DIR",
        help="Write what each phase made: 00.parse.txt, 01.lower.sglir, 02.promote.sglir, ...",
        show_default=False,
        rich_help_panel=PHASES,
    ),
]
PrintAfter = Annotated[
    list[str] | None,
    typer.Option(
        "--print-ir-after",
        metavar="[=PHASE]",
        help="Print the IR after a phase, by default the last one, to stderr; may be repeated.",
        show_default=False,
        rich_help_panel=PHASES,
    ),
]
PrintAfterAll = Annotated[
    bool,
    typer.Option(
        "--print-ir-after-all",
        help="Print what every phase made to stderr.",
        rich_help_panel=PHASES,
    ),
]
PrintAfterChange = Annotated[
    bool,
    typer.Option(
        "--print-ir-after-change",
        help="As --print-ir-after-all, without phases that changed nothing.",
        rich_help_panel=PHASES,
    ),
]
TimePasses = Annotated[
    bool,
    typer.Option(
        "--time-passes",
        help="Print a table of times to stderr: parsing, lowering, passes, verifying.",
        rich_help_panel=PHASES,
    ),
]


def examples(*lines: str) -> str:
    """Text under a command's help, one example a paragraph."""
    return "Examples:\n\n" + "\n\n".join(lines)
