"""What all of `sglc bench` says: what it is doing, the machine's load, figures as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from sglc.cli import console
from sglc.cli.guard import usage

Json = Annotated[bool, typer.Option("--json", help="Print the figures as JSON to stdout.")]


def listed(names: str) -> list[str]:
    """Names that are separated by commas."""
    return [name for part in names.split(",") if (name := part.strip())]


def read_result(source: Path, kind: str | None = None) -> dict[str, Any]:
    """What `--json` has written, of that kind. Raises UsageError."""
    try:
        found: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
        if found["schema"] == 1 and found.get("kind") == kind:
            return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise usage(f"cannot read `{source}`: {error}") from None
    raise usage(f"`{source}` was written by another version or command of sglc")


def doing(what: str) -> None:
    """Say on stderr what is being done."""
    console.message(f"{what} ...")


def machine(load: Mapping[str, Any]) -> str:
    """The machine and how busy it was: a `sglc_runtime.machine_load.Load` as plain data."""

    def share(value: float | None) -> str:
        return "unknown" if value is None else f"{value:.1f}%"

    before, after = load["average"]
    return (
        f"{load['cores']} cores, {load['cpu']}; load average {before:.2f} to {after:.2f},"
        f" steal {share(load['steal'])}, other processes {share(load['others'])}"
    )


def warn_if_disturbed(result: Mapping[str, Any]) -> None:
    """Say on stderr that timings may not repeat, where others were busy too."""
    if result["disturbed"]:
        console.message(
            "warning: others took more than 5% of the machine meanwhile; timings may not repeat"
        )


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns of equal width, the first one to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *rest in rows:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
