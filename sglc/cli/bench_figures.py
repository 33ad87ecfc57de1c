"""The table of `sglc bench engine`, for terminals and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from sglc.cli.console import colored

COLUMNS = ("what", "over", "ours", "peer", "ratio", "must", "reach", "verdict")
STYLES = {"reached": "green", "met": "green", "missed": "red", "failed": "red"}
Row = Mapping[str, Any]


def show(result: Mapping[str, Any], stream: TextIO) -> None:
    """Write the table and, below it, what there is to say about each row."""
    from rich.console import Console
    from rich.table import Table

    tty = stream.isatty()
    screen = Console(
        file=stream, no_color=not colored(stream), highlight=False, width=None if tty else 180
    )
    table = Table(box=None, padding=(0, 1), header_style="bold")
    for number, name in enumerate(COLUMNS):
        table.add_column(name, justify="left" if number < 2 or name == "verdict" else "right")
    for row in result["rows"]:
        what, over, ours, peer, ratio, must, reach, said = cells(row)
        style = STYLES.get(said.split(" ")[0].rstrip(","), "")
        table.add_row(
            what, over, ours, peer, ratio, must, reach, f"[{style}]{said}" if style else said
        )
    screen.print(table)
    for line in notes(result):
        screen.print(line, markup=False)


def markdown(result: Mapping[str, Any]) -> str:
    """The same as a Markdown table with a list of notes."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    lines += [f"| {' | '.join(cells(row))} |" for row in result["rows"]]
    listed = [f"- {line}" for line in notes(result)]
    return "\n".join([*lines, *([""] if listed else []), *listed])


def cells(row: Row) -> tuple[str, ...]:
    """A row's columns as text."""
    target = row["target"]
    sign = "" if target is None else "≤ " if target["at_most"] else "≥ "
    unit = "%" if row["unit"] == "%" else ""
    return (
        row["what"],
        row["over"],
        amount(row["ours"]),
        amount(row["peer"]),
        ratio(row),
        "" if target is None else f"{sign}{target['must']:g}{unit}",
        "" if target is None else f"{sign}{target['reach']:g}{unit}",
        verdict(row),
    )


def amount(value: Mapping[str, Any] | None) -> str:
    """One side's own measure, three figures."""
    return "" if value is None else f"{figures(value['value'])} {value['unit']}"


def ratio(row: Row) -> str:
    """Median, with the smallest and the largest where there were several."""
    value = row["value"]
    if value is None:
        return ""
    unit = "%" if row["unit"] == "%" else ""
    text = f"{figures(value['median'])}{unit}"
    if value["low"] == value["high"]:
        return text
    return f"{text} ({figures(value['low'])}-{figures(value['high'])})"


def verdict(row: Row) -> str:
    """What the figure says, or why there is none."""
    status = row["status"]
    if status not in ("measured", "partial"):
        return str(status)
    said = row["verdict"] or "no peer"
    if status == "partial":
        said += ", partial"
    return f"{said}, disturbed" if row["disturbed"] else str(said)


def notes(result: Mapping[str, Any]) -> Iterator[str]:
    """How each row was measured, and what is missing."""
    for row in result["rows"]:
        said = [*row["notes"], *([row["message"]] if row["message"] else [])]
        if said:
            yield f"{row['name']}: {'; '.join(said)}"


def figures(value: float) -> str:
    """Three significant figures, without an exponent."""
    size = abs(value)
    if size >= 100 or size == 0:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.1 else f"{value:.2g}"
