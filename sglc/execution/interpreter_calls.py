"""Calls of functions, fragments and Python functions, and forks."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from sglc.diagnostics.core import ExecutionError
from sglc.execution.externs import call_later
from sglc.execution.handle import Handle
from sglc.execution.interpreter_errors import ScriptError, file_of, script_error
from sglc.execution.interpreter_frame import (
    Context,
    Frame,
    bind_arguments,
    cause_of,
    convert_failure,
    over_limit,
    schemas_of,
)
from sglc.execution.interpreter_regions import body_of, compound, region
from sglc.execution.interpreter_strand import (
    Step,
    complete,
    join,
    need,
    settle_calls,
    settled_later,
    spawn,
    strand,
    wait,
)
from sglc.execution.pending import arrive
from sglc.expressions.conversion import ConversionError, convert
from sglc.expressions.functions import iterate
from sglc.expressions.meter import TooLargeError
from sglc.expressions.values import Unset, ValueFailedError, from_host
from sglc.ir.core import Func, Op, Symbol
from sglc.ir.signature import declared


def _callee(frame: Frame, op: Op) -> Func:
    symbol = op.attrs["callee"]
    assert isinstance(symbol, Symbol)
    return frame.run.module.funcs[symbol.name]


def _arguments(func: Func, op: Op, values: Sequence[object]) -> dict[str, object]:
    order = [str(entry["name"]) for entry in declared(func)]
    names = op.attrs.get("args") or (None,) * len(values)
    assert isinstance(names, tuple)
    return {
        str(name) if name is not None else order[i]: value
        for i, (name, value) in enumerate(zip(names, values, strict=True))
    }


def _enter(frame: Frame, op: Op, context: Context) -> Frame:
    """A frame for a call, one deeper."""
    if context.depth >= frame.run.limits.depth:
        raise over_limit(frame, op, f"calls are nested more than {context.depth} deep", "depth")
    _begin(frame, op, 1)
    func = _callee(frame, op)
    return Frame(func, file_of(frame.run.module, func), context)


def _begin(frame: Frame, op: Op, states: int) -> None:
    """More prompts are under way."""
    run = frame.run
    if run.states + states > run.limits.states:
        message = f"more than {run.limits.states} branches and calls are under way"
        raise over_limit(frame, op, message, "states")
    run.states += states


@compound("lm.run")
def _run(frame: Frame, op: Op) -> Step:
    context = frame.context
    # A handler must not find what the program did after a call that failed.
    parallel = bool(op.attrs.get("parallel")) and not context.guards
    if parallel:
        context = context.child()
    inner = _enter(frame, op, context)
    values = [frame.env[v] for v in op.operands]
    bind_arguments(inner, _arguments(inner.func, op, values), None)
    inner.caller = frame.handle
    context.depth += 1
    if parallel:
        # The state is made now: its place in the seed tree is the call's place in the program.
        inner.prompt = frame.run.session.root(caller=frame.handle)
        body = spawn(context, strand(complete(context, _call_body(frame, inner, op))))
        frame.context.calls.append((body, context))
        result = settled_later(context, body)
        frame.context.issued(result, frame.span(op.loc))
        frame.bind(op, result)
        return
    frame.bind(op, (yield _call_body(frame, inner, op)))


def _call_body(frame: Frame, inner: Frame, op: Op) -> Step:
    try:
        value = yield body_of(inner)
    except ScriptError as error:
        error.called_from(inner.func.name, frame.span(op.loc))
        raise
    finally:
        inner.context.depth -= 1
        frame.run.states -= 1
    return value


@compound("cf.call")
def _call(frame: Frame, op: Op) -> Step:
    inner = _enter(frame, op, frame.context)
    handle, *values = [frame.env[v] for v in op.operands]
    bind_arguments(inner, _arguments(inner.func, op, values), handle)
    frame.context.depth += 1
    frame.bind(op, (yield _call_body(frame, inner, op)))


@compound("lm.fork")
def _fork(frame: Frame, op: Op) -> Step:
    handle = frame.env[op.operands[0]]
    hoist = bool(op.attrs.get("hoist"))
    common = str(op.attrs.get("common", ""))
    if not op.regions:
        size = op.attrs.get("size")
        if size is None:
            size = yield need(frame, frame.env[op.operands[1]], op)
        assert isinstance(size, int)
        frame.bind(op, handle.fork(size, hoist=hoist, common=common))
        return
    source = yield need(frame, frame.env[op.operands[1]], op)
    try:
        items = iterate(source)
    except ValueFailedError as error:
        raise convert_failure(frame, error, op.loc) from None
    if len(items) > frame.run.limits.branches:
        allowed = frame.run.limits.branches
        message = f"a fork has {len(items)} branches; {allowed} are allowed"
        raise over_limit(frame, op, message, "branches")
    if not items:
        frame.bind(op, [])
        return
    _begin(frame, op, len(items))
    try:
        # Each branch has the variables in a table of its own.
        frame.run.meter.make(sys.getsizeof(frame.env) * len(items))
        children = handle.fork(len(items), hoist=hoist, common=common)
        branches = (_parallel if op.attrs.get("parallel") else _in_turn)(frame, op, items, children)
        frame.bind(op, (yield branches))
    except TooLargeError as error:
        raise convert_failure(frame, error, op.loc) from None
    finally:
        frame.run.states -= len(items)


def _branch(frame: Frame, op: Op, handle: Handle, item: object) -> Step:
    """Run one branch; its record."""
    signal = yield region(frame, op.regions[0], (handle, item))
    handle.finish()
    fields = op.attrs.get("fields", ())
    assert isinstance(fields, tuple)
    values = zip(map(str, fields), signal.values, strict=True)
    return {name: value for name, value in values if not isinstance(value, Unset)}


def _in_turn(frame: Frame, op: Op, items: Sequence[object], children: Sequence[Handle]) -> Step:
    records = []
    for item, child in zip(items, children, strict=True):
        inner = frame.branch(frame.context, child)
        records.append((yield _branch(inner, op, child, item)))
    return records


def _parallel(frame: Frame, op: Op, items: Sequence[object], children: Sequence[Handle]) -> Step:
    outer = frame.context
    started = []
    for item, child in zip(items, children, strict=True):
        context = outer.child()
        inner = frame.branch(context, child)
        branch = complete(context, _branch(inner, op, child, item))
        started.append((spawn(outer, strand(branch)), context))
    return (yield join(outer, started))


@compound("py.call")
def _extern(frame: Frame, op: Op) -> Step:
    """Call a Python function: everything it gets is there, and the strand waits for its result."""
    target = str(op.attrs["target"])
    here = frame.span(op.loc)
    yield settle_calls(frame.context)
    try:
        function = frame.run.externs.resolve(target)
        args = []
        for operand in op.operands:
            args.append((yield wait(frame.env[operand])))
    except ExecutionError as error:
        if isinstance(error, ScriptError):
            raise
        first = error.diagnostics[0]
        raise script_error(
            "limit", first.message, here, "called here", code=first.code, helps=first.helps
        ) from error.__cause__
    except Exception as error:
        raise convert_failure(frame, error, op.loc) from cause_of(error)
    result = call_later(function, args)
    yield from arrive(result)
    raised = result.exception()
    if raised is not None:
        if not isinstance(raised, Exception):
            raise raised
        raise script_error(
            "extern_error",
            f"`{target}` raised {type(raised).__name__}: {raised}",
            here,
            "called here",
            notes=_python_place(raised),
        ) from raised
    try:
        frame.bind(op, _returned(frame, op, result.value()))
    except (ValueFailedError, ConversionError) as error:
        message = f"`{target}` returned a value that {error}"
        if isinstance(error, ValueFailedError):
            message = f"`{target}` returned something else than a script's value: {error}"
        raise script_error("extern_error", message, here, "called here") from None


def _returned(frame: Frame, op: Op, value: object) -> object:
    value = from_host(value)
    externs = frame.run.module.attrs.get("externs", {})
    assert isinstance(externs, Mapping)
    for entry in externs.values():
        if (
            isinstance(entry, Mapping)
            and entry["target"] == op.attrs["target"]
            and entry.get("returns") == op.attrs.get("returns")
            and "schema" in entry
        ):
            return convert(value, entry["schema"], schemas_of(frame.run.module))  # type: ignore[arg-type]
    return value


def _python_place(error: BaseException) -> list[str]:
    """Where in the Python file the exception was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return []
    return [f"raised at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"]
