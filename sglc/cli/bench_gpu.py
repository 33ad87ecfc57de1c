"""`sglc bench gpu`: every kernel checked on a GPU, and the figures of kernels and engine there."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, TypedDict

import typer

from sglc.cli import console, options
from sglc.cli.bench_figures import markdown, show
from sglc.cli.bench_gpu_report import headline, kernel_table, problems
from sglc.cli.bench_report import doing, listed, read_result
from sglc.cli.guard import DIAGNOSTICS, INTERRUPTED, guarded, usage

EXAMPLES = options.examples(
    "sglc bench gpu --json gpu.json",
    "sglc bench gpu --json gpu.json --resume --budget 900",
    "sglc bench gpu --only check,decode-8b",
    "sglc bench gpu --interpret",
    "sglc bench gpu --from gpu.json --markdown",
)


class WrittenPart(TypedDict):
    """A part in a file of `--json`."""

    status: str
    message: str
    found: dict[str, Any]


class Written(TypedDict):
    """What is read of a file of `--json`."""

    date: str
    environment: dict[str, Any]
    settings: dict[str, Any]
    load: dict[str, Any]
    partial: bool
    parts: dict[str, WrittenPart]
    rows: list[dict[str, Any]]


@guarded
def gpu(
    only: Annotated[
        str, typer.Option(metavar="PART,...", help="Run these parts only.", show_default=False)
    ] = "",
    budget: Annotated[
        float | None,
        typer.Option(min=1, metavar="SECONDS", help="End by then, with what there is."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Repeats of whole jobs.")] = 5,
    device: Annotated[
        str | None,
        typer.Option(help="Which GPU, such as cuda:1; or cpu, with --tiny.", show_default="cuda"),
    ] = None,
    interpret: Annotated[
        bool,
        typer.Option(
            "--interpret", help="No GPU: check the small cases in Triton's interpreter instead."
        ),
    ] = False,
    tiny: Annotated[
        bool, typer.Option("--tiny", help="Tiny shapes: only to see that everything runs.")
    ] = False,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write all data there after every part."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what --json FILE has, and measure the rest.")
    ] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the tables as Markdown.")
    ] = False,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Measure nothing: show an earlier --json."),
    ] = None,
) -> None:
    """
    Check every kernel against float64, and measure kernels and engine beside the GPU's ceilings.

    Weights are random, in the shapes of Qwen3-0.6B and Llama-3.1-8B, and made on the device. Every
    part runs in a process of its own, the most important first. Exits with 1 where a kernel is
    wrong or a part failed or was cut short, with 2 where there is no GPU.
    """
    if source is not None:
        result = _read(source)
    else:
        earlier = _earlier(json_file, resume)
        result = _measure(only, budget, repeats, device, interpret, tiny, json_file, earlier)
    print(headline(result))
    if as_markdown:
        print(f"\n{markdown(result)}\n\n{kernel_table(result)}")
    else:
        show(result, sys.stdout)
        print(kernel_table(result))
    for line in problems(result):
        console.message(line)
    if result["partial"]:
        raise typer.Exit(INTERRUPTED)
    if problems(result):
        raise typer.Exit(DIAGNOSTICS)


def _measure(
    only: str,
    budget: float | None,
    repeats: int,
    device: str | None,
    interpret: bool,
    tiny: bool,
    json_file: Path | None,
    earlier: dict[str, Any] | None,
) -> dict[str, Any]:
    from sglc.runtime import bench_gpu

    names = listed(only)
    if interpret and names not in ([], ["check"]):
        raise usage("`--interpret` runs the part `check` alone")
    if interpret and device not in (None, "cpu"):
        raise usage("`--interpret` runs on the CPU; leave `--device` out")
    if device is not None and device.startswith("cpu") and not (tiny or interpret):
        raise usage("`--device cpu` is for `--tiny`; `--interpret` checks the kernels on the CPU")
    _require_writable(json_file)
    try:
        return bench_gpu(
            ["check"] if interpret else names,
            doing,
            write=lambda result: _write(result, json_file),
            budget=budget,
            previous=earlier,
            settings={
                "device": "cpu" if interpret else device or "cuda",
                "tiny": tiny,
                "repeats": repeats,
            },
        )
    except ValueError as error:
        raise usage(str(error)) from None


def _earlier(json_file: Path | None, resume: bool) -> dict[str, Any] | None:
    if not resume:
        return None
    if json_file is None:
        raise usage("`--resume` goes on from what `--json FILE` has; name the file")
    return _read(json_file) if json_file.exists() else None


def _read(source: Path) -> dict[str, Any]:
    import msgspec  # here, as it is not needed for the commands beside this one

    found = read_result(source, "gpu")
    try:
        msgspec.convert(found, Written)
    except msgspec.ValidationError as error:
        raise usage(f"`{source}` is damaged: {error}") from None
    return found


def _require_writable(target: Path | None) -> None:
    """Measuring takes long: what cannot be written is found out before."""
    if target is None:
        return
    if target.is_dir():
        raise usage(f"cannot write `{target}`: it is a folder")
    fresh = _fresh(target)
    try:
        fresh.touch()
        fresh.unlink()
    except OSError as error:
        raise usage(f"cannot write `{target}`: {error.strerror}") from None


def _fresh(target: Path) -> Path:
    return target.with_name(f"{target.name}.new")


def _write(result: dict[str, Any], target: Path | None) -> None:
    """Replace the file: whoever is cut short leaves the one before."""
    if target is None:
        return
    fresh = _fresh(target)
    try:
        fresh.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        os.replace(fresh, target)
    except OSError as error:
        console.message(f"cannot write {target}: {error}")
