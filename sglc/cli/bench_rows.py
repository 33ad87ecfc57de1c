"""`sglc bench rows`: what rows of a batch cost, compiled and interpreted, without a model."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from sglc.cli import options
from sglc.cli.bench_report import Json, doing, machine, table, warn_if_disturbed
from sglc.cli.guard import guarded

EXAMPLES = options.examples(
    "sglc bench rows --rows 100000", "sglc bench rows --host --rows 1000 --threads 1000"
)


class Executor(StrEnum):
    """As `sglc.execution.session.ExecOptions` names them."""

    emitted = "emitted"
    region = "region"


@guarded
def rows(
    rows: Annotated[int, typer.Option(min=1, help="Rows of the batch.")] = 2000,
    host: Annotated[
        bool, typer.Option("--host/--no-host", help="Rows wait in Python code of their own.")
    ] = False,
    forks: Annotated[int, typer.Option(min=0, help="Branches of a fork in each row.")] = 0,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads for rows; chosen by default.")
    ] = None,
    executor: Annotated[
        Executor, typer.Option(help="What runs compiled rows without Python code of their own.")
    ] = Executor.emitted,
    repeats: Annotated[int, typer.Option(min=1, help="Repeats; medians are shown.")] = 3,
    as_json: Json = False,
) -> None:
    """
    Rows a second, peak memory and threads of `run_batch`, compiled beside interpreted.

    A backend that answers at once takes the model's place. Both run in turns, each time in a
    process of its own.
    """
    from sglc.benchmarks.rows import RowBench

    result = compare(
        lambda compiled: asdict(RowBench(rows, host, forks, threads, compiled, executor.value)),
        repeats,
        doing,
    )
    result = {
        "rows": rows,
        "host": host,
        "forks": forks,
        "executor": executor.value,
        **result,
    }
    if as_json:
        print(json.dumps(result, indent=2))
        return
    where = ", waiting in host code" if host else f", {forks} branches each" if forks else ""
    print(f"{rows} rows{where}; a backend that answers at once")
    print(machine(result["load"]))
    lines: list[tuple[str, ...]] = [("", "rows/s", "CPU s", "peak MiB", "bytes a row", "threads")]
    lines += [_line(name, rows, result[name]) for name in ("compiled", "interpreted")]
    print(table(lines))
    low, high = result["cpu_ratio_range"]
    print(f"CPU time, compiled / interpreted: {result['cpu_ratio']:.2f} ({low:.2f}-{high:.2f})")
    warn_if_disturbed(result)


def compare(
    bench_of: Callable[[bool], dict[str, Any]], repeats: int, report: Callable[[str], None]
) -> dict[str, Any]:
    """Measure both ways in turns; medians, and the ratio of CPU time within each turn."""
    from sglc.runtime import load_watch

    watch = load_watch()
    found: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for turn in range(repeats):
        report(f"turn {turn + 1} of {repeats}")
        for compiled in (True, False):
            found[compiled].append(_measured(bench_of(compiled)))
    load = watch.read()
    ratios = [
        a["cpu_seconds"] / b["cpu_seconds"] for a, b in zip(found[True], found[False], strict=True)
    ]
    return {
        "compiled": _medians(found[True]),
        "interpreted": _medians(found[False]),
        "cpu_ratio": statistics.median(ratios),
        "cpu_ratio_range": [min(ratios), max(ratios)],
        "load": asdict(load),
        "disturbed": load.disturbed,
    }


def _measured(bench: dict[str, Any]) -> dict[str, Any]:
    """One measurement, in a process of its own."""
    command = [sys.executable, "-m", "sglc.benchmarks.rows", json.dumps(bench)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _medians(figures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {name: statistics.median(f[name] for f in figures) for name in figures[0]}


def _line(name: str, rows: int, figures: dict[str, Any]) -> tuple[str, ...]:
    grown = (figures["memory_peak"] - figures["memory_before"]) * 1024 * 1024
    return (
        name,
        f"{rows / figures['seconds']:.0f}",
        f"{figures['cpu_seconds']:.2f}",
        f"{figures['memory_peak']:.0f}",
        f"{grown / rows:.0f}",
        f"{figures['threads']:.0f}",
    )
