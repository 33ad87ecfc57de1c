"""
A program through its named phases: `parse`, `lower`, then one phase for each pass.

A dump of the IR (`.sglir`) is parsed and goes on after the phase that it is a dump of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sglc.diagnostics.core import Diagnostic, UsageError
from sglc.diagnostics.suggest import did_you_mean
from sglc.passes.instrumentation import Instrumentation, Phase, Product, Report
from sglc.passes.pipeline import DEFAULT, Pipeline
from sglc.programs.target import Target
from sglc.programs.tree import show

if TYPE_CHECKING:
    from sglc.frontends.python.source import SourceFile
    from sglc.frontends.script.files import Loaded

PARSE, LOWER = "parse", "lower"
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
    every = (*_front_end(target), *plan.pipeline.phases())
    return tuple(p for p in every if p.number == 0 or start < p.number <= stop)


def _front_end(target: Target) -> tuple[Phase, ...]:
    match target.kind:
        case "sgl":
            return _pair(lambda _: _parse_script(target), _lower_script)
        case "py":
            return _pair(lambda _: _parse_python(target), _lower_python)
        case _:
            return (Phase(PARSE, 0, lambda _: _parse_dump(target)),)


def _pair(parse: Callable[[None], Product], lower: Callable[..., Product]) -> tuple[Phase, ...]:
    return (Phase(PARSE, 0, parse), Phase(LOWER, 1, lower))


def _parse_script(target: Target) -> Product:
    from sglc.frontends.script import load_script

    loaded = load_script(target.text if target.stdin else target.path, file=target.file)
    return Product(loaded, show=lambda: "\n".join(show(unit.script) for unit in loaded.units))


def _lower_script(loaded: Loaded) -> Product:
    from sglc.frontends.script import lower_loaded

    module, warnings = lower_loaded(loaded)
    return Product(module, remarks=tuple(warnings))


def _parse_python(target: Target) -> Product:
    import ast

    from sglc.frontends.python import parse_file

    file = parse_file(target.file, target.text)
    return Product(file, show=lambda: ast.dump(file.tree, indent=2))


def _lower_python(file: SourceFile) -> Product:
    from sglc.frontends.python import lower_parsed

    module, remarks = lower_parsed(file)
    return Product(module, remarks=tuple(remarks))


def _parse_dump(target: Target) -> Product:
    from sglc.ir.parser import parse_module

    return Product(parse_module(target.text, target.file))


def _usage(code: str, message: str, *helps: str) -> UsageError:
    return UsageError(Diagnostic(code=code, message=message, helps=helps))
