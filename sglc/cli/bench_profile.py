"""`sglc bench profile`: where the engine's time goes."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from sglc.cli import options
from sglc.cli.bench_report import Json, doing, machine, table, warn_if_disturbed
from sglc.cli.guard import guarded

EXAMPLES = options.examples("sglc bench profile", "sglc bench profile --branches 4 --json")


@guarded
def profile(
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="FOLDER", help="A checkpoint folder; the embedded model by default."
        ),
    ] = None,
    branches: Annotated[int, typer.Option(min=1, help="Branches after the shared tokens.")] = 16,
    prefix_tokens: Annotated[int, typer.Option(min=1, help="Tokens the branches share.")] = 512,
    new_tokens: Annotated[int, typer.Option(min=1, help="Tokens each branch generates.")] = 64,
    slowest: Annotated[int, typer.Option(min=1, help="How many functions to show.")] = 10,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Threads; chosen by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """
    The slowest functions of branches after a shared prefix, by their own time.

    The profiler is Python's cProfile, which adds its own cost to every call of a Python function.
    """
    from sglc.runtime import bench_profile

    result = bench_profile(
        model,
        doing,
        config={"threads": threads},
        branches=branches,
        prefix_tokens=prefix_tokens,
        new_tokens=new_tokens,
        slowest=slowest,
    )
    if as_json:
        print(json.dumps(result, indent=2))
        return
    print(
        f"{result['model']}: {result['branches']} branches after {result['prefix_tokens']} tokens,"
        f" {result['new_tokens']} each: {result['seconds']:.3f} s,"
        f" {result['profiled_seconds']:.3f} s under the profiler"
    )
    print(machine(result["load"]))
    rows = [("function", "calls", "own ms", "share", "with callees, ms")]
    for entry in result["functions"]:
        rows.append(
            (
                entry["function"],
                str(entry["calls"]),
                f"{1e3 * entry['own_seconds']:.1f}",
                f"{100 * entry['share']:.1f}%",
                f"{1e3 * entry['seconds']:.1f}",
            )
        )
    print(table(rows))
    warn_if_disturbed(result)
