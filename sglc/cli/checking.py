"""
What `sglc check` does, apart from reading its options.

On its own because editors run it on every save: without typer it starts a third faster.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sglc.cli import console, files
from sglc.cli.guard import DIAGNOSTICS, USAGE
from sglc.diagnostics.core import Diagnostic, SglcError, UsageError
from sglc.diagnostics.output import OutputFormat
from sglc.programs import permissions
from sglc.programs.target import load_with_remarks

KINDS = ("error", "warning", "remark")

LIVE = ("SGL0301", "SGL0302")
"""Remarks that a whole program runs live."""


def check_paths(
    paths: Sequence[str],
    form: OutputFormat | None = None,
    *,
    remarks: bool = True,
    stdin_filename: str = "<stdin>.sgl",
    strict: bool = False,
) -> int:
    """Check files and folders, show what was found, and return the exit code."""
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
    return found.status


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
    if not files:
        return "found no programs"
    severities = [one.severity for one in dict.fromkeys(findings)]
    counts = [(severities.count(kind), kind) for kind in KINDS if kind in severities]
    shown = ", ".join(f"{n} {kind}{'s' if n != 1 else ''}" for n, kind in counts)
    return f"checked {files} file{'s' if files != 1 else ''}: {shown or 'no problems'}"
