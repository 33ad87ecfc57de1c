"""`sglc bench engine`: the engine's figures beside its peers, in one run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from sglc.cli import console, options
from sglc.cli.bench_figures import markdown, show
from sglc.cli.bench_report import doing, listed, machine, read_result, warn_if_disturbed
from sglc.cli.guard import DIAGNOSTICS, INTERRUPTED, guarded, usage

EXAMPLES = options.examples(
    "sglc bench engine --json figures.json",
    "sglc bench engine --only embedded-1,select --quick",
    "sglc bench engine --from figures.json --markdown",
)


@guarded
def engine(
    only: Annotated[
        str, typer.Option(metavar="ROW,...", help="Measure these rows only.", show_default=False)
    ] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="A quarter of the tokens, two repeats: not to quote.")
    ] = False,
    repeats: Annotated[
        int, typer.Option(min=1, help="Repeats; rows that take long have two or three at most.")
    ] = 5,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            min=1,
            help="Threads of every side; by default $OMP_NUM_THREADS, else the cores, fewer for"
            " small models.",
            show_default=False,
        ),
    ] = None,
    peers: Annotated[
        bool, typer.Option("--peers/--no-peers", help="Measure the other engines as well.")
    ] = True,
    tiny: Annotated[
        bool, typer.Option("--tiny", help="Tiny shapes: only to see that everything runs.")
    ] = False,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write all data there too; - is stdout."),
    ] = None,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table as Markdown.")
    ] = False,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Measure nothing: show an earlier --json."),
    ] = None,
) -> None:
    """
    The engine beside llama.cpp and transformers: every figure, side by side in one run.

    Sides take turns; ratios are medians of the turns' own, with the smallest and largest. Random
    checkpoints in the shapes of Qwen3-0.6B and SmolLM2-135M are made at first use, 4 GB in the
    cache folder. Ctrl-C shows what was measured so far. Exits with 1 where a row failed.
    """
    if source is not None:
        result = read_result(source)
    else:
        result = _measure(only, quick, repeats, threads, peers, tiny)
    if json_file is not None:
        _write(result, json_file)
    if str(json_file) != "-":
        print(f"{_what(result)}\n" if as_markdown else _what(result))
        if as_markdown:
            print(markdown(result))
        else:
            show(result, sys.stdout)
        warn_if_disturbed(result)
    if result["partial"]:
        raise typer.Exit(INTERRUPTED)
    if any(row["status"] == "failed" for row in result["rows"]):
        raise typer.Exit(DIAGNOSTICS)


def _measure(
    only: str, quick: bool, repeats: int, threads: int | None, peers: bool, tiny: bool
) -> dict[str, Any]:
    from sglc.runtime import bench_engine

    try:
        return bench_engine(
            listed(only),
            doing,
            tiny=tiny,
            quick=quick,
            repeats=repeats,
            threads=threads,
            peers=peers,
        )
    except ValueError as error:
        raise usage(f"`--only {only}`: {error}") from None


def _write(result: dict[str, Any], target: Path) -> None:
    text = json.dumps(result, indent=1)
    if str(target) == "-":
        print(text)
        return
    try:
        target.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        console.message(f"cannot write {target}: {error}")
        print(text)


def _what(result: dict[str, Any]) -> str:
    hardware, settings = result["hardware"], result["settings"]
    packages = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    threads = ", ".join(f"{model} {count}" for model, count in settings["threads"].items())
    memory = f", {hardware['memory_gib']} GiB" if hardware["memory_gib"] else ""
    lines = [
        f"{result['date']}; {packages}",
        f"{machine(result['load'])}{memory}; {' '.join(hardware['features'])}",
        f"threads: {threads}; shapes {', '.join(settings['shapes'])};"
        f" {settings['repeats']} repeats{', QUICK: a quarter of the tokens' * settings['quick']}",
    ]
    if result["disturbed"]:
        lines.append("DISTURBED: others took more than 5% of the machine")
    if result["partial"]:
        lines.append("PARTIAL: interrupted before the end")
    return "\n".join(lines)
