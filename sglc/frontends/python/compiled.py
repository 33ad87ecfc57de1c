"""`compile_function`: a live Python function, its IR, and the form of it that runs."""

from __future__ import annotations

import types
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sglc.diagnostics.core import Diagnostic, LowerError
from sglc.execution.handle import Handle
from sglc.execution.pending import Pending
from sglc.execution.session import Session
from sglc.frontends.python.awaiting import awaiting
from sglc.frontends.python.emit import emit
from sglc.frontends.python.lower import as_error, lower_into, new_module
from sglc.frontends.python.lowerings import (
    Lowering,
    NoNames,
    keep_lowering,
    lowering_of,
    plain_functions,
)
from sglc.frontends.python.names import Guard, LiveNames
from sglc.frontends.python.refusals import is_awaited, refusal
from sglc.frontends.python.rewrite import rewrite
from sglc.frontends.python.scope import analyse
from sglc.frontends.python.silent import Silence, bound_silence, silence
from sglc.frontends.python.source import FunctionSource, NoSourceError, find_source
from sglc.frontends.python.tails import SilentTail, find_tail
from sglc.ir.core import Module


@dataclass(eq=False, slots=True)
class CompiledFunction:
    """A program as it runs compiled."""

    function: Callable[..., Any]
    """The user's own function."""
    emitted: Callable[..., Any]
    """What runs on a caller's thread; the user's own function where nothing can be deferred."""
    module: Module | None = None
    """The IR; None for a function that runs live as a whole."""
    remarks: list[Diagnostic] = field(default_factory=list)
    """What runs live, and why."""
    names: LiveNames | None = None
    silence: Silence | None = None
    source: FunctionSource | None = None
    tail: SilentTail | None = None
    """The end of the body that goes on as a strand when `emitted` comes to it."""

    @property
    def silent(self) -> bool:
        """Whether the whole body may run as a strand, for arguments of the right types."""
        return self.silence is not None

    def strand(
        self,
        session: Session,
        handle: Handle,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Generator[Pending[Any], Any, Any] | None:
        """The body as a strand of the driver, or None: run `emitted` on a thread."""
        if self.silence is None or self.names is None or self.names.broken():
            return None
        return self.silence.strand(session, handle, args, kwargs or {})

    @property
    def constant_prefix(self) -> str:
        """Text that every run begins with, before any role, branch or value."""
        func = None
        if self.module is not None and self.source is not None:
            func = self.module.funcs.get(self.source.qualname)
        prefix = ""
        for op in func.body.ops if func is not None else ():
            text = op.attrs.get("text")
            if op.name == "py.exec" or op.name.startswith("ex."):
                continue
            if op.name != "lm.text" or not isinstance(text, tuple):
                break
            prefix += str(text[0])
            if len(text) > 1:
                break
        return prefix


def compile_function(function: Callable[..., Any], *, strict: bool = False) -> CompiledFunction:
    """
    Compile a live function. Runs none of its code.

    What cannot be compiled is left as it is, with a remark; with `strict` that raises `LowerError`.
    """
    remarks: list[Diagnostic] = []
    try:
        compiled = _compile(function, remarks)
    except NoSourceError as error:
        remarks.append(error.diagnostic)
        compiled = None
    if strict and (compiled is None or compiled.module is None):
        raise LowerError([as_error(r) for r in remarks])
    if compiled is None:
        return CompiledFunction(function, function, remarks=remarks)
    return compiled


def _compile(function: Callable[..., Any], remarks: list[Diagnostic]) -> CompiledFunction | None:
    if not isinstance(function, types.FunctionType):
        find_source(function)
        return None
    names = LiveNames(function)
    known = lowering_of(function.__code__)
    if known is not None and known.fits(names, LiveNames(function)):
        remarks += known.remarks
        scope = replace(known.scope, resolver=names)
        parts = (scope, known.plan, function, names)
        tail = known.tail.bound(*parts) if known.tail is not None else None
        strand = bound_silence(known.strand, *parts) if known.strand is not None else None
        return _bound(function, names, known, remarks, tail, strand)
    names = LiveNames(function)
    source = find_source(function)
    reason = refusal(source)
    if reason is not None:
        remarks.append(reason)
        if not is_awaited(source):
            return None
        scope = analyse(source, names)
        return CompiledFunction(function, awaiting(scope, function), remarks=remarks)
    scope = analyse(source, names)
    plan = rewrite(scope)
    tail = find_tail(scope, plan, function, names)
    strand = silence(scope, plan, function, names)
    module = new_module(source.file)
    # Names of its own: what only the IR mentions is no reason to run live.
    read = LiveNames(function)
    plain = plain_functions(source, names)
    remarks += lower_into(module, source, read, plain)
    found = Lowering(
        source,
        replace(scope, resolver=NoNames()),
        plan,
        module,
        tuple(remarks),
        names.answers,
        read.answers,
        frozenset(plain),
        tail.shape() if tail is not None else None,
        strand.node if strand is not None else None,
    )
    keep_lowering(function.__code__, found)
    return _bound(function, names, found, remarks, tail, strand)


def _bound(
    function: types.FunctionType,
    names: LiveNames,
    lowering: Lowering,
    remarks: list[Diagnostic],
    tail: SilentTail | None,
    strand: Silence | None,
) -> CompiledFunction:
    """A lowering as the form of one function: its cells, defaults and guards."""
    source = lowering.source

    def replaced(guards: list[Guard]) -> None:
        """Say once which names made a run live."""
        for guard in guards:
            remark = Diagnostic(
                code="SGL0304",
                severity="remark",
                message=f"`{'.'.join(guard.path)}` was replaced: `{source.qualname}` runs live",
                span=source.span(source.node),
            )
            if remark not in remarks:
                remarks.append(remark)

    emitted = emit(source, lowering.plan, function, names, replaced, tail)
    return CompiledFunction(
        function, emitted, lowering.module, remarks, names, strand, source, tail
    )


def require(function: Callable[..., Any]) -> None:
    """Raise `LowerError` where a function certainly runs live; reads its source, no more."""
    try:
        reason = refusal(find_source(function))
    except NoSourceError as error:
        reason = error.diagnostic
    if reason is not None:
        raise LowerError(as_error(reason))
