"""Which Python modules a script reaches, known before it runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sglc.diagnostics.core import Diagnostic, ExecutionError, Span
from sglc.ir.core import Func, Module, Op, Symbol


@dataclass(frozen=True, slots=True)
class ExternCall:
    """A call of a Python function."""

    target: str
    """`module:function`."""
    span: Span | None

    @property
    def module(self) -> str:
        """The Python module."""
        return self.target.partition(":")[0]


def extern_calls(module: Module, entry: Func | None = None) -> list[ExternCall]:
    """
    The first call of each Python function that a run can come to.

    Args:
        module: a script's module.
        entry: the function that runs; without it, every function of the module counts.
    """
    todo = list(module.funcs.values()) if entry is None else [entry]
    seen = {func.name for func in todo}
    found: dict[str, ExternCall] = {}
    for func in todo:
        for op in func.walk():
            callee = op.attrs.get("callee")
            if isinstance(callee, Symbol) and callee.name not in seen:
                seen.add(callee.name)
                todo.append(module.funcs[callee.name])
            if op.name == "py.call":
                target = str(op.attrs["target"])
                found.setdefault(target, ExternCall(target, _span(module, func, op)))
    return list(found.values())


def _span(module: Module, func: Func, op: Op) -> Span | None:
    loc = op.loc
    if loc is None or loc.line == 0:
        return None
    file = str(func.attrs.get("file", module.file))
    return Span(file, loc.line, loc.column, loc.end_line, loc.end_column)


def require(module: Module, entry: Func, allowed: Collection[str]) -> None:
    """
    Refuse a run that can come to a module which is not allowed.

    Raises:
        ExecutionError: with a diagnostic for each such module, at its first call.
    """
    from sglc.execution.externs import Externs

    externs = Externs(allowed)
    missing = (call for call in extern_calls(module, entry) if not externs.permitted(call.module))
    refused = [_refused(call) for call in _one_a_module(missing)]
    if refused:
        raise ExecutionError(refused)


def remarks(module: Module) -> list[Diagnostic]:
    """What whoever runs the script has to allow."""
    return [
        Diagnostic(
            code="SGL0233",
            severity="remark",
            message=f"this script calls Python functions of module `{call.module}`",
            span=call.span,
            label=f"calls `{call.target}`",
            helps=(f"allow it with --allow-extern {call.module}",),
        )
        for call in _one_a_module(extern_calls(module))
    ]


def _one_a_module(calls: Collection[ExternCall] | Iterator[ExternCall]) -> list[ExternCall]:
    first: dict[str, ExternCall] = {}
    for call in calls:
        first.setdefault(call.module, call)
    return list(first.values())


def _refused(call: ExternCall) -> Diagnostic:
    return Diagnostic(
        code="SGL0505",
        message=f"the script calls `{call.target}`, and module `{call.module}` is not allowed",
        span=call.span,
        label="called here",
        helps=(f"allow it with --allow-extern {call.module}",),
    )
