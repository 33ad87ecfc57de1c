"""`sglc compile`: print what a program becomes, at any phase."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from sglc.cli import console, emission, options, pipelines
from sglc.cli.emission import Emit
from sglc.cli.guard import guarded, usage
from sglc.diagnostics.output import OutputFormat

if TYPE_CHECKING:
    from sglc.passes.instrumentation import Instrumentation, Observer, Report
    from sglc.programs.compilation import Plan
    from sglc.programs.target import Target

EXAMPLES = options.examples(
    "sglc compile examples/agent.sgl",
    "sglc compile examples/judge.sgl -o judge.sglir && sglc run judge.sglir",
    "sglc compile examples/tip_suggestion.py --emit dot | dot -Tsvg > tips.svg",
    "sglc compile examples/judge.sgl --dump-ir phases --time-passes",
    "sglc compile phases/01.lower.sglir --from lower --print-ir-after-change",
)
LAST = "<last>"
"""What `--print-ir-after` without a phase stands for."""


class Command(TyperCommand):
    """A command whose `--print-ir-after` may stand without `=PHASE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give the bare option its value, which the parser cannot leave out."""
        bare = "--print-ir-after"
        return super().parse_args(ctx, [f"{bare}={LAST}" if a == bare else a for a in args])


@guarded
def compile(
    file: options.Target,
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
    stop: options.To = None,
    start: options.From = None,
    passes: options.Passes = None,
    no_pass: options.NoPass = None,
    dump_ir: options.DumpIr = None,
    print_after: options.PrintAfter = None,
    print_after_all: options.PrintAfterAll = False,
    print_after_change: options.PrintAfterChange = False,
    time_passes: options.TimePasses = False,
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
    plan = Plan(pipelines.choose(passes, no_pass), start, _stop(stop, emit))
    shown = _printed(plan, print_after or (), every=print_after_all, changes=print_after_change)
    between = _between(shown, dump_ir, changes=print_after_change, texts=emit is Emit.HTML)
    report = compile_target(target, plan, between)
    if time_passes:
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


def _stop(stop: str | None, emit: Emit | None) -> str | None:
    """The last phase: `--emit ast` is that of the syntax tree."""
    if emit is not Emit.AST:
        return stop
    if stop not in (None, "parse"):
        raise usage(f"`--emit ast` prints what `parse` made, not `{stop}`", "leave `--to` out")
    return "parse"


def _printed(
    plan: Plan, chosen: list[str] | tuple[str, ...], *, every: bool, changes: bool
) -> frozenset[str] | None:
    """The phases whose IR goes to stderr; None is all, an empty set none."""
    if every or changes:
        return None
    names = [plan.last if name == LAST else name for name in chosen]
    return frozenset(name for name in names if plan.number(name) >= 0)


def _between(
    shown: frozenset[str] | None, dump: Path | None, *, changes: bool, texts: bool
) -> Instrumentation:
    from sglc.passes.instrumentation import Instrumentation
    from sglc.passes.observers import Dump, KeepTexts, Print

    observers: list[Observer] = []
    if shown is None or shown:
        observers.append(Print(console.message, shown, only_changes=changes))
    if dump is not None:
        observers.append(Dump(emission.folder(dump)))
    if texts:
        observers.append(KeepTexts())
    return Instrumentation(observers=tuple(observers))


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
