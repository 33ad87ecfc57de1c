"""`sglc compile`: print what a program becomes, at any stage."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sglc.cli import options, pipelines
from sglc.cli.guard import guarded, usage
from sglc.ir.core import Module
from sglc.programs.target import Target, choose, load_module, parse_target, reason

EXAMPLES = options.examples(
    "sglc compile examples/agent.sgl",
    "sglc compile examples/judge.sgl -o judge.sglir && sglc run judge.sglir",
    "sglc compile examples/tip_suggestion.py --emit dot | dot -Tsvg > tips.svg",
    'sglc compile examples/judge.sgl --passes "promote"',
)


class Emit(StrEnum):
    """What to print."""

    AST = "ast"
    IR = "ir"
    GRAPH = "graph"
    DOT = "dot"
    JSON = "json"


@guarded
def compile(
    file: options.Target,
    emit: Annotated[
        Emit,
        typer.Option(
            help="ast: syntax tree. ir: IR as text, what `sglc run` takes. graph: model "
            "operations with prefix and def-use edges. dot: that graph for Graphviz. json: the IR "
            "as JSON."
        ),
    ] = Emit.IR,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write to a file instead of stdout; `-` is stdout."),
    ] = None,
    passes: options.Passes = None,
    no_pass: options.NoPass = None,
) -> None:
    """
    Compile a program and print the result. The program is read, never imported or run.

    With `FILE:function` only that function is checked to exist; the whole file is printed.
    """
    target = parse_target(file)
    text = _ast(target) if emit is Emit.AST else _compiled(target, emit, passes, no_pass)
    _write(text if text.endswith("\n") else text + "\n", output)


def _compiled(target: Target, emit: Emit, passes: str | None, no_pass: list[str] | None) -> str:
    module = load_module(target)
    if target.function is not None:
        choose(module, target)
    pipelines.choose(passes, no_pass).run(module, verify=True)
    return render(module, emit)


def render(module: Module, emit: Emit) -> str:
    """A module in one of the printed forms."""
    match emit:
        case Emit.JSON:
            from sglc.ir.jsonio import to_json

            return to_json(module)
        case Emit.GRAPH | Emit.DOT:
            from sglc.graph import export

            return export.to_dot(module) if emit is Emit.DOT else export.to_text(module)
        case _:
            from sglc.ir.printer import print_module

            return print_module(module)


def _ast(target: Target) -> str:
    match target.kind:
        case "sgl":
            from sglc.cli.tree import show
            from sglc.frontends.script.parse import parse_script

            return show(parse_script(target.text, target.file))
        case "py":
            import ast

            load_module(target)
            return ast.dump(ast.parse(target.text), indent=2)
        case _:
            raise usage(f"`{target.file}` has no syntax tree", "use `--emit ir`")


def _write(text: str, output: Path | None) -> None:
    if output is None or str(output) == "-":
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise usage(f"cannot write `{output}`: {reason(error)}") from None
