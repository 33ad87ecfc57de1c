"""`sglc check`: read, lower and verify, and say what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sglc.cli import console, options
from sglc.cli.guard import DIAGNOSTICS, guarded
from sglc.diagnostics.core import Diagnostic, SglcError
from sglc.programs.target import load_with_remarks, parse_target

EXAMPLES = options.examples(
    "sglc check examples/agent.sgl", "sglc check examples", "sglc check --json prompts/*.sgl"
)


@guarded
def check(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files, or folders to search for .sgl and .sglir."),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a finding to stdout.")
    ] = False,
) -> None:
    """
    Check programs without running them: syntax, names, types, roles, patterns, schemas.

    Files are read, never imported. Every finding has a code; `sglc explain CODE` says more.
    """
    findings: list[Diagnostic] = []
    checked = 0
    for path in _files(paths):
        checked += 1
        try:
            _, said = load_with_remarks(parse_target(path))
            findings += [d for d in said if d.severity == "warning"]
        except SglcError as error:
            findings += error.diagnostics
    errors = sum(d.severity == "error" for d in findings)
    if as_json:
        for finding in findings:
            print(json.dumps(asdict(finding), ensure_ascii=False))
    elif findings:
        console.show(findings)
    if not as_json:
        files = f"{checked} file{'s' if checked != 1 else ''}"
        counts = {"error": errors, "warning": len(findings) - errors}
        shown = [f"{n} {what}{'s' if n != 1 else ''}" for what, n in counts.items() if n]
        result = ", ".join(shown) or "no problems"
        console.message(f"checked {files}: {result}")
    if errors:
        raise typer.Exit(DIAGNOSTICS)


def _files(paths: list[str]) -> Iterator[str]:
    """The files named, and in folders every script and dump, sorted."""
    for name in paths:
        path = Path(name)
        if path.is_dir():
            yield from sorted(str(p) for s in (".sgl", ".sglir") for p in path.rglob(f"*{s}"))
        else:
            yield name
