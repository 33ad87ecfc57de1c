"""`sglc compile`: print what a program becomes, at any phase."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sglc.cli import console, emission, options, pipelines
from sglc.cli.emission import Emit
from sglc.cli.groups import grouped
from sglc.cli.guard import guarded, usage
from sglc.cli.phase_options import Phases
from sglc.diagnostics.output import OutputFormat

if TYPE_CHECKING:
    from sglc.passes.instrumentation import Report
    from sglc.programs.compilation import Plan
    from sglc.programs.target import Target

EXAMPLES = options.examples(
    "sglc compile examples/agent.sgl",
    "sglc compile examples/judge.sgl -o judge.sglir && sglc run judge.sglir",
    "sglc compile examples/tip_suggestion.py --emit dot | dot -Tsvg > tips.svg",
    "sglc compile examples/judge.sgl --dump-ir phases --time-passes",
    "sglc compile phases/01.lower.sglir --from lower --print-ir-after-change",
)


@guarded
@grouped
def compile(
    file: options.Target,
    phases: Phases,
    emit: Annotated[
        Emit | None,
        typer.Option(
            help="ast: syntax tree. ir: IR as text, what `sglc run` takes. graph: model "
            "operations with prefix and def-use edges. dot: that graph for Graphviz. json: the IR "
            "as JSON. html: one page with source, IR of every phase, graph and findings.",
            show_default="ir",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write to a file instead of stdout; `-` is stdout."),
    ] = None,
    passes: options.Passes = None,
    no_pass: options.NoPass = None,
    output_format: options.Format = None,
    remarks: Annotated[
        bool, typer.Option("--remarks", help="Say what front end and passes found, on stderr.")
    ] = False,
) -> None:
    """
    Compile a program and print the result. The program is read, never imported or run.

    With `FILE:function` only that function is checked to exist; the whole file is printed.
    """
    from sglc.programs.compilation import Plan, compile_target
    from sglc.programs.target import choose, parse_target

    console.FORM.set(output_format)
    target = parse_target(file)
    plan = Plan(pipelines.choose(passes, no_pass), phases.start, phases.last(emit))
    report = compile_target(target, plan, phases.between(plan, texts=emit is Emit.HTML))
    if phases.time_passes:
        from sglc.passes.observers import times_table

        console.message(times_table(report))
    _findings(report, remarks=remarks)
    if target.function is not None and plan.last != "parse":
        choose(report.value, target)
    emission.write(_text(target, report, plan, emit), output)


def _findings(report: Report, *, remarks: bool) -> None:
    """Warnings, and remarks where they are wanted; machines want them all."""
    machine = console.FORM.get() not in (None, OutputFormat.TEXT, OutputFormat.CONCISE)
    found = [d for d in report.remarks if machine or remarks or d.severity != "remark"]
    if found or machine:
        console.show(found)


def _text(target: Target, report: Report, plan: Plan, emit: Emit | None) -> str:
    from sglc.ir.core import Module

    if isinstance(report.value, Module):
        if emit is Emit.HTML:
            from sglc.cli.page.document import page

            return page(target, report)
        if emit is Emit.AST:
            raise usage(f"`{target.file}` has no syntax tree", "use `--emit ir`")
        return emission.render(report.value, emit or Emit.IR)
    if emit not in (None, Emit.AST):
        raise usage(f"`--emit {emit}` needs the IR, and `--to {plan.last}` stops before it")
    return report.product.text()
