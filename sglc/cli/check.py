"""`sglc check`: read, lower and verify, and say what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

import typer

from sglc.cli import console, files, options
from sglc.cli.guard import DIAGNOSTICS, USAGE, guarded
from sglc.diagnostics.core import Diagnostic, SglcError, UsageError
from sglc.diagnostics.output import OutputFormat
from sglc.programs import permissions
from sglc.programs.target import load_with_remarks

EXAMPLES = options.examples(
    "sglc check examples/agent.sgl",
    "sglc check examples",
    "sglc check --output-format github prompts/*.sgl agents.py",
    "sglc check --stdin-filename agent.sgl - < agent.sgl",
)
KINDS = ("error", "warning", "remark")

LIVE = ("SGL0301", "SGL0302")
"""Remarks that a whole program runs live."""


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
    console.FORM.set(form)
    found = Findings()
    for path in files.find(paths):
        _check(path, stdin_filename, found, KINDS if remarks else KINDS[:2], strict)
    if form in (None, OutputFormat.TEXT):
        if found.all:
            console.show(found.all, found.sources)
    else:
        sys.stdout.write(console.findings_text(found.all, sys.stdout, found.sources))
    console.message(summary(found.files, found.all))
    if found.status:
        raise typer.Exit(found.status)


@dataclass(slots=True)
class Findings:
    """What came of the files so far."""

    all: list[Diagnostic] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    files: int = 0
    status: int = 0


def _check(path: str, stdin_name: str, found: Findings, shown: Sequence[str], strict: bool) -> None:
    """Add one file's findings; the other files are checked whatever they are."""
    found.files += 1
    try:
        target = files.read(path, stdin_name)
        if target.stdin:
            found.sources[target.file] = target.text
        module, said = load_with_remarks(target)
        if module.attrs.get("language") == "sgl":
            said = [*said, *permissions.remarks(module)]
        if strict and any(d.code in LIVE for d in said):
            said = [replace(d, severity="error") if d.code in LIVE else d for d in said]
            found.status = max(found.status, DIAGNOSTICS)
        found.all += [d for d in said if d.severity in shown]
    except SglcError as error:
        found.all += error.diagnostics
        found.status = max(found.status, USAGE if isinstance(error, UsageError) else DIAGNOSTICS)


def summary(files: int, findings: Sequence[Diagnostic]) -> str:
    """One line: how many files, and how many findings of each kind."""
    severities = [one.severity for one in dict.fromkeys(findings)]
    counts = [(severities.count(kind), kind) for kind in KINDS if kind in severities]
    shown = ", ".join(f"{n} {kind}{'s' if n != 1 else ''}" for n, kind in counts)
    return f"checked {files} file{'s' if files != 1 else ''}: {shown or 'no problems'}"
