"""Options of `sglc compile` about phases, and what they ask the instrumentation to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from sglc.cli import console, emission
from sglc.cli.emission import Emit
from sglc.cli.guard import usage

if TYPE_CHECKING:
    from sglc.passes.instrumentation import Instrumentation, Observer
    from sglc.programs.compilation import Plan

PANEL = "Phases"
LAST = "<last>"
"""What `--print-ir-after` without a phase stands for."""


class Command(TyperCommand):
    """A command whose `--print-ir-after` may stand without `=PHASE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give the bare option its value, which the parser cannot leave out."""
        bare = "--print-ir-after"
        return super().parse_args(ctx, [f"{bare}={LAST}" if a == bare else a for a in args])


@dataclass(frozen=True, slots=True)
class Phases:
    """From which phase to which, and what to do between them."""

    stop: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="PHASE",
            help="Stop after this phase: parse, lower, or the name of a pass.",
            show_default=False,
            rich_help_panel=PANEL,
        ),
    ] = None
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="PHASE",
            help="FILE is a .sglir dump of this phase: go on with the next one.",
            show_default=False,
            rich_help_panel=PANEL,
        ),
    ] = None
    dump_ir: Annotated[
        Path | None,
        typer.Option(
            "--dump-ir",
            metavar="DIR",
            help="Write what each phase made: 00.parse.txt, 01.lower.sglir, 02.promote.sglir, ...",
            show_default=False,
            rich_help_panel=PANEL,
        ),
    ] = None
    print_after: Annotated[
        list[str] | None,
        typer.Option(
            "--print-ir-after",
            metavar="[=PHASE]",
            help="Print the IR after a phase, by default the last one, to stderr; may be repeated.",
            show_default=False,
            rich_help_panel=PANEL,
        ),
    ] = None
    print_after_all: Annotated[
        bool,
        typer.Option(
            "--print-ir-after-all",
            help="Print what every phase made to stderr.",
            rich_help_panel=PANEL,
        ),
    ] = False
    print_after_change: Annotated[
        bool,
        typer.Option(
            "--print-ir-after-change",
            help="As --print-ir-after-all, without phases that changed nothing.",
            rich_help_panel=PANEL,
        ),
    ] = False
    time_passes: Annotated[
        bool,
        typer.Option(
            "--time-passes",
            help="Print a table of times to stderr: parsing, lowering, passes, verifying.",
            rich_help_panel=PANEL,
        ),
    ] = False

    def last(self, emit: Emit | None) -> str | None:
        """The last phase, None for all: `--emit ast` is that of the syntax tree."""
        if emit is not Emit.AST:
            return self.stop
        if self.stop not in (None, "parse"):
            message = f"`--emit ast` prints what `parse` made, not `{self.stop}`"
            raise usage(message, "leave `--to` out")
        return "parse"

    def between(self, plan: Plan, *, texts: bool) -> Instrumentation:
        """What to do between phases; `texts` keeps what each made. Raises UsageError."""
        from sglc.passes.instrumentation import Instrumentation
        from sglc.passes.observers import Dump, KeepTexts, Print

        observers: list[Observer] = []
        shown = self._printed(plan)
        if shown is None or shown:
            observers.append(Print(console.message, shown, only_changes=self.print_after_change))
        if self.dump_ir is not None:
            observers.append(Dump(emission.folder(self.dump_ir)))
        if texts:
            observers.append(KeepTexts())
        return Instrumentation(observers=tuple(observers))

    def _printed(self, plan: Plan) -> frozenset[str] | None:
        """The phases whose IR goes to stderr; None is all, an empty set none."""
        if self.print_after_all or self.print_after_change:
            return None
        names = [plan.last if name == LAST else name for name in self.print_after or ()]
        return frozenset(name for name in names if plan.number(name) >= 0)
