"""`sglc explain`: the page of a diagnostic, or what the compiler knows about a program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from sglc.cli import console, options, pipelines
from sglc.cli.guard import guarded
from sglc.programs.target import choose, load_with_remarks, parse_target

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
    from sglc.cli.explanation import describe

    console.FORM.set(output_format)
    target = parse_target(what)
    module, remarks = load_with_remarks(target)
    remarks += pipelines.choose(passes, no_pass).run(module, verify=True)
    functions = [choose(module, target)] if target.function else list(module.funcs.values())
    print(describe(module, functions, remarks), end="")
