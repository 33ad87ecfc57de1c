"""`sglc bench compile`: what compiling costs as programs grow, and what starting costs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sglc.cli import options
from sglc.cli.bench_report import Json, doing, machine
from sglc.cli.guard import guarded, usage

if TYPE_CHECKING:
    from sglc.benchmarks.compiling import Case
    from sglc.benchmarks.starting import Start

EXAMPLES = options.examples(
    "sglc bench compile",
    "sglc bench compile --sizes 100,1000 --repeats 5 --json",
    "sglc bench compile --start",
)


@guarded
def compile(
    sizes: Annotated[
        str, typer.Option(metavar="N,N,...", help="Statements of the generated programs.")
    ] = "100,1000,10000",
    repeats: Annotated[
        int | None,
        typer.Option(min=1, help="Repeats of the largest program, 3, or of each start, 15."),
    ] = None,
    start: Annotated[
        bool, typer.Option("--start", help="Measure starting the command instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """
    Time per operation of every phase for programs of growing size, in both languages.

    Times are medians of this process's CPU time; the last column is how much dearer an operation
    of the largest program is than one of the smallest.
    """
    from sglc.runtime import load_watch

    watch = load_watch()
    if start:
        starts = _starts(repeats or 15)
        found: dict[str, Any] = {"starts": [_start_data(s) for s in starts]}
        lines = _start_lines(starts)
    else:
        cases = _cases(_sizes(sizes), repeats or 3)
        found = {"cases": [_case_data(case) for case in cases]}
        lines = _case_lines(cases)
    load = asdict(watch.read())
    if as_json:
        print(json.dumps(found | {"load": load}, indent=2))
        return
    print("\n".join([machine(load), *lines]))


def _sizes(text: str) -> list[int]:
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or found != sorted(set(found)) or found[0] < 1:
        message = f"`--sizes {text}` is no ascending list of numbers"
        raise usage(message, "write for example `--sizes 100,1000,10000`")
    return found


def _cases(sizes: list[int], repeats: int) -> list[Case]:
    from sglc.benchmarks.compiling import measure

    return measure(sizes, repeats, doing)


def _starts(repeats: int) -> list[Start]:
    from sglc.benchmarks.starting import measure

    return measure(repeats, doing)


def _case_data(case: Case) -> dict[str, Any]:
    return {
        "language": case.language,
        "shape": case.shape,
        "statements": [size.statements for size in case.sizes],
        "ops": [size.ops for size in case.sizes],
        "phases": {
            phase: {
                "microseconds_per_op": [size.per_op(phase) for size in case.sizes],
                "growth": case.growth(phase),
            }
            for phase in case.phases
        },
    }


def _start_data(start: Start) -> dict[str, Any]:
    return {"name": start.name, "seconds": start.seconds, "ratio": start.ratio}


def _case_lines(cases: Sequence[Case]) -> list[str]:
    from sglc.benchmarks.compiling import worst

    lines: list[str] = []
    for case in cases:
        shape = "one function" if case.shape == "one" else "many functions"
        counts = ", ".join(f"{size.ops} ops" for size in case.sizes)
        lines += ["", f".{case.language}, {shape} ({counts}); microseconds of CPU for each op:"]
        heads = "".join(f"{size.statements:>10}" for size in case.sizes)
        lines.append(f"{'statements':<18}{heads}{'growth':>10}")
        for phase in case.phases:
            times = "".join(f"{size.per_op(phase):>10.2f}" for size in case.sizes)
            lines.append(f"{phase:<18}{times}{case.growth(phase):>10.2f}")
    growth, case, phase = worst(cases)
    lines += ["", f"largest growth: {growth:.2f}, {phase} of .{case.language}"]
    return lines


def _start_lines(starts: Sequence[Start]) -> list[str]:
    lines = [f"{'':<32}{'median':>10}{'ratio':>8}"]
    for start in starts:
        lines.append(f"{start.name:<32}{start.seconds * 1000:>7.0f} ms{start.ratio:>8.2f}")
    return lines
