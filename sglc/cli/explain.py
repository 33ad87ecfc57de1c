"""`sglc explain`: the page of a diagnostic, or what the compiler knows about a program."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sglc.cli import console, options, pipelines
from sglc.cli.guard import guarded
from sglc.diagnostics.output import OutputFormat
from sglc.programs.target import parse_target

if TYPE_CHECKING:
    from sglc.programs.explanation import Explanation

EXAMPLES = options.examples(
    "sglc explain examples/judge.sgl",
    "sglc explain examples/agent.py:agent",
    "sglc explain SGL0203",
)
CODE = re.compile(r"sgl\d{4}", re.IGNORECASE)


@guarded
def explain(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE[:function] | CODE",
            help="A program, or the code of a diagnostic.",
            show_default=False,
        ),
    ],
    passes: options.Passes = None,
    no_pass: options.NoPass = None,
    output_format: options.Format = None,
) -> None:
    """
    Say what is computed once, what runs in parallel, where a program waits, what stays Python.

    With a code, print what the diagnostic means, with a program that fails and one that works.
    """
    if CODE.fullmatch(what) and not Path(what).exists():
        from sglc.diagnostics import codes

        print(codes.explain(what), end="")
        return
    console.FORM.set(output_format)
    from sglc.programs.explanation import explain_target

    explanation = explain_target(parse_target(what), pipelines.choose(passes, no_pass))
    sys.stdout.write(_written(explanation, output_format))


def _written(explanation: Explanation, form: OutputFormat | None) -> str:
    """Text and JSON are an explanation's own; other forms list its findings."""
    from sglc.cli import explanation as texts

    match form:
        case None | OutputFormat.TEXT:
            return texts.describe(explanation, color=console.colored(sys.stdout))
        case OutputFormat.JSON:
            return json.dumps(texts.as_data(explanation), indent=2, ensure_ascii=False) + "\n"
        case _:
            return console.findings_text(explanation.findings, sys.stdout)
