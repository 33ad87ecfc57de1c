"""
A program through its named phases: `parse`, `lower`, then one phase for each pass.

A dump of the IR (`.sglir`) is parsed and goes on after the phase that it is a dump of.
"""

from __future__ import annotations

from dataclasses import dataclass

from sglc.diagnostics.core import Diagnostic, UsageError
from sglc.diagnostics.suggest import did_you_mean
from sglc.passes.instrumentation import Instrumentation, Phase, Report
from sglc.passes.pipeline import DEFAULT, Pipeline
from sglc.programs.front_end import LOWER, PARSE, front_end
from sglc.programs.target import Target

NO_PHASE, NO_PLAN = "SGL0613", "SGL0614"


@dataclass(frozen=True, slots=True)
class Plan:
    """How far to compile."""

    pipeline: Pipeline = DEFAULT
    start: str | None = None
    """The phase that a dump is of; None: `lower`."""
    stop: str | None = None
    """The last phase to run; None: all."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all phases of a program, in order; their places are their numbers."""
        return (PARSE, LOWER, *(phase.name for phase in self.pipeline.phases()))

    def number(self, name: str) -> int:
        """The number of a phase. Raises UsageError when there is none of that name."""
        names = self.names
        if name not in names:
            listed = ", ".join(f"`{known}`" for known in names)
            helps = did_you_mean(name, names) or (f"phases are {listed}",)
            raise _usage(NO_PHASE, f"there is no phase `{name}`", *helps)
        return names.index(name)

    @property
    def last(self) -> str:
        """The last phase that runs."""
        return self.names[-1] if self.stop is None else self.stop


def compile_target(target: Target, plan: Plan, between: Instrumentation | None = None) -> Report:
    """
    Run a program's phases as planned; the report's value is what the last one made.

    Nothing is imported or run. Raises ParseError, LowerError, VerifyError, and UsageError for a
    plan that does not fit the program.
    """
    return (between or Instrumentation()).run(phases(target, plan))


def phases(target: Target, plan: Plan) -> tuple[Phase, ...]:
    """The phases to run. Raises UsageError for a plan that does not fit the program."""
    stop = plan.number(plan.last)
    if target.kind == "sglir":
        start = plan.number(plan.start or LOWER)
        if start == 0:
            help_ = "a syntax tree is for readers; start from the script itself"
            raise _usage(NO_PLAN, "a dump cannot go on from `parse`", help_)
    elif plan.start is not None:
        help_ = f"write it with `sglc compile {target.file} --to {plan.start} -o dump.sglir`"
        message = f"`--from {plan.start}` needs a `.sglir` dump, and `{target.file}` is none"
        raise _usage(NO_PLAN, message, help_)
    else:
        start = 0
    if stop < start and plan.stop != PARSE:
        message = f"the phase `{plan.last}` comes before `{plan.names[start]}`"
        raise _usage(NO_PLAN, message, "give `--to` a later phase")
    every = (*front_end(target), *plan.pipeline.phases())
    return tuple(p for p in every if p.number == 0 or start < p.number <= stop)


def _usage(code: str, message: str, *helps: str) -> UsageError:
    return UsageError(Diagnostic(code=code, message=message, helps=helps))
