"""`sglc fmt`: scripts in the canonical layout."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sglc.cli import console, options
from sglc.cli.guard import DIAGNOSTICS, guarded, usage
from sglc.diagnostics.core import Diagnostic, ParseError

if TYPE_CHECKING:
    from sglc.formatting.files import Formatted

EXAMPLES = options.examples(
    "sglc fmt examples", "sglc fmt --check .", "sglc fmt --diff agent.sgl", "sglc fmt - < agent.sgl"
)


@guarded
def fmt(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Scripts, or folders to search for .sgl; `-` formats stdin to stdout.",
        ),
    ],
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; name the files that would change, exit 1."),
    ] = False,
    diff: Annotated[
        bool,
        typer.Option("--diff", help="Write nothing; print what would change, exit 1 if anything."),
    ] = False,
) -> None:
    """
    Lay out scripts canonically. Comments stay, strings are never touched.

    A script with syntax errors is reported and left alone.
    """
    from sglc.formatting.files import format_file, format_text, write_atomically

    findings: list[Diagnostic] = []
    changed = unchanged = 0
    for name in _files(paths):
        try:
            stdin = name == "-"
            result = format_text(_stdin(), "<stdin>") if stdin else format_file(Path(name))
        except ParseError as error:
            findings += error.diagnostics
            continue
        changed += result.changed
        unchanged += not result.changed
        if diff:
            sys.stdout.write(_diff("<stdin>" if name == "-" else name, result))
        elif check:
            if result.changed:
                print(name)
        elif name == "-":
            sys.stdout.write(result.after)
        elif result.changed:
            write_atomically(Path(name), result.after)
    if findings:
        console.show(findings)
    dry = check or diff
    if paths != ["-"] or dry:
        console.message(_summary(changed, unchanged, len({_file(d) for d in findings}), dry))
    if findings or (dry and changed):
        raise typer.Exit(DIAGNOSTICS)


def _files(paths: list[str]) -> Iterator[str]:
    """The files named, and in folders every script, sorted; each once."""
    seen: set[str] = set()
    for name in paths:
        path = Path(name)
        found = [name]
        if name != "-" and path.is_dir():
            found = sorted(str(each) for each in path.rglob("*.sgl"))
        elif name != "-" and path.suffix != ".sgl":
            raise usage(f"`{name}` is not a script", "scripts end in `.sgl`", code="SGL0608")
        yield from (each for each in found if each not in seen)
        seen.update(found)


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"cannot read stdin: not UTF-8 text: byte {error.start + 1}"
        raise ParseError(Diagnostic(code="SGL0112", message=message)) from None


def _diff(name: str, result: Formatted) -> str:
    """The change as a unified diff that `patch -p0` takes."""
    lines = difflib.unified_diff(
        _lines(result.before),
        _lines(result.after),
        name,
        name,
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _lines(text: str) -> list[str]:
    # Not `splitlines`, which also splits at characters that end no line of a script.
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _file(diagnostic: Diagnostic) -> str:
    return diagnostic.span.file if diagnostic.span is not None else ""


def _summary(changed: int, unchanged: int, failed: int, dry: bool) -> str:
    def files(number: int) -> str:
        return f"{number} file{'s' * (number != 1)}"

    parts = []
    if changed:
        parts.append(f"{files(changed)} {'would be ' if dry else ''}formatted")
    if unchanged:
        parts.append(f"{files(unchanged)} left unchanged")
    if failed:
        parts.append(f"{files(failed)} cannot be formatted")
    return ", ".join(parts) or "no scripts found"
