"""
What `sglc explain` says about a program, as data.

Analysis of the IR (`sglc.passes.explain`), what front end and passes remarked, and which operations
of the source did not make it into the IR. Everything that has a place is a remark with a code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sglc.diagnostics.core import Diagnostic
from sglc.ir.core import Func, Module
from sglc.passes.base import span_of
from sglc.passes.effects import HostCode
from sglc.passes.explain import FunctionReport, explain_function
from sglc.passes.instrumentation import Report
from sglc.passes.pipeline import DEFAULT, Pipeline
from sglc.programs import findings
from sglc.programs.compilation import Plan, compile_target
from sglc.programs.target import Target, choose

if TYPE_CHECKING:
    from sglc.programs.live import LiveOperation

REFUSED, READ_WAITS = "SGL0302", "SGL0306"
"""Remarks of the front end: a function runs live as a whole; a read waits where it stands."""
SAID = frozenset({"SGL0361", "SGL0362", "SGL0363", "SGL0364", REFUSED})
"""Remarks that say what the report of the function says."""


@dataclass(frozen=True, slots=True)
class ExplainedFunction:
    """One compiled function; its findings by subject, each in order."""

    report: FunctionReport
    file: str
    waits: tuple[Diagnostic, ...]
    """Where it cannot go on before the model has answered, labels at the generations."""
    parallel: tuple[Diagnostic, ...]
    """Forks, loops over branches and calls: side by side, or in order and why."""
    live: tuple[Diagnostic, ...]
    """Calls of the language that stand in host code."""
    host: tuple[Diagnostic, ...]
    """Code with unknown effects."""
    remarks: tuple[Diagnostic, ...]
    """What else front end and passes remarked in it."""

    @property
    def findings(self) -> Iterator[Diagnostic]:
        """All of them, subject by subject."""
        for found in (self.waits, self.parallel, self.live, self.host, self.remarks):
            yield from found


@dataclass(frozen=True, slots=True)
class Explanation:
    """A program's functions, in order, and what is said of none of them."""

    file: str
    functions: tuple[ExplainedFunction, ...]
    refused: tuple[Diagnostic, ...]
    """One remark for each function that runs live as a whole."""
    remarks: tuple[Diagnostic, ...]
    """Remarks of no function."""

    @property
    def findings(self) -> list[Diagnostic]:
        """Everything that has a code, function by function."""
        inside = [one for function in self.functions for one in function.findings]
        return [*inside, *self.refused, *self.remarks]


def explain_target(target: Target, pipeline: Pipeline = DEFAULT) -> Explanation:
    """
    Compile a program and explain it, or the function that the target names.

    Raises what compiling raises, and UsageError when there is no function of that name.
    """
    return explain_report(target, compile_target(target, Plan(pipeline)))


def explain_report(target: Target, report: Report) -> Explanation:
    """As `explain_target`, for a program that was compiled to a module."""
    module = report.value
    assert isinstance(module, Module)
    every = list(module.funcs.values())
    refused = [d for d in report.remarks if d.code == REFUSED]
    chosen = every
    if target.function is not None:
        refused = [d for d in refused if f"`{target.function}`" in d.message]
        named = module.funcs.get(target.function)
        chosen = [] if refused else [named or choose(module, target)]
    live, host = _live(target, module), HostCode(module)
    rest = [d for d in dict.fromkeys(report.remarks) if d.code not in SAID]
    inside = {func.name: _inside(module, func, rest) for func in every}
    placed = {remark for remarks in inside.values() for remark in remarks}
    return Explanation(
        module.file,
        tuple(_function(module, func, live, inside[func.name], host) for func in chosen),
        tuple(refused),
        tuple(d for d in rest if d not in placed) if target.function is None else (),
    )


def _function(
    module: Module,
    func: Func,
    live: Mapping[str, tuple[LiveOperation, ...]],
    remarks: Sequence[Diagnostic],
    host: HostCode,
) -> ExplainedFunction:
    report = explain_function(module, func, host)
    maker = findings.Maker(module, func)
    waits = [maker.wait(one) for one in report.waits]
    waits += [d for d in remarks if d.code == READ_WAITS and not any(_covers(w, d) for w in waits)]
    file = func.attrs.get("file")
    return ExplainedFunction(
        report,
        file if isinstance(file, str) else module.file,
        tuple(waits),
        tuple(maker.parallel(one) for one in report.parallel),
        tuple(findings.live(one) for one in live.get(func.name, ())),
        tuple(maker.host(one) for one in report.host if one.kind == "host"),
        tuple(d for d in remarks if d.code != READ_WAITS),
    )


def _covers(wait: Diagnostic, read: Diagnostic) -> bool:
    """Whether a wait is that of a read inside it."""
    outer, inner = wait.span, read.span
    if outer is None or inner is None or outer.file != inner.file:
        return False
    start, end = (outer.line, outer.column), (outer.end_line, outer.end_column)
    return start <= (inner.line, inner.column) and (inner.end_line, inner.end_column) <= end


def _live(target: Target, module: Module) -> Mapping[str, tuple[LiveOperation, ...]]:
    if target.kind != "py":
        return {}
    from sglc.frontends.python import parse_file
    from sglc.programs.live import live_operations

    return live_operations(parse_file(target.file, target.text), module)


def _inside(module: Module, func: Func, remarks: Sequence[Diagnostic]) -> list[Diagnostic]:
    """
    The remarks that lie in a function's source.

    A function of a script has the place of its name alone; its operations say how far it goes.
    """
    whole = span_of(module, func, func.loc)
    if whole is None:
        return []
    last = max([whole.end_line, *(op.loc.end_line for op in func.walk() if op.loc is not None)])
    return [d for d in remarks if d.span is not None and d.span.file == whole.file
            and whole.line <= d.span.line <= last]  # fmt: skip
