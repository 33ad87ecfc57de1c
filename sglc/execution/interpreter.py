"""
The region interpreter: runs IR on live handles, as a strand of the driver.

A strand yields the Pending it waits for. Inside, every region is a generator on an explicit stack
(`_strand`), so that neither calls nor nesting use Python's stack. Ops that only append, or compute,
run in one piece (`interpreter_ops`): when one needs a value that is not there it raises
`NeedsValueError` before it has done anything, and is tried again when the value has arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from typing import Any

from sglc.diagnostics.core import ExecutionError
from sglc.execution.externs import Externs, call_later
from sglc.execution.handle import Handle
from sglc.execution.interpreter_errors import Kind, ScriptError, file_of, script_error
from sglc.execution.interpreter_frame import (
    Context,
    Frame,
    Pieces,
    Run,
    Signal,
    cause_of,
    convert_failure,
    generation_failure,
    over_limit,
    plain,
    schemas_of,
)
from sglc.execution.interpreter_ops import SIMPLE
from sglc.execution.limits import Limits
from sglc.execution.pending import Pending, gather
from sglc.execution.session import Session
from sglc.execution.values import NeedsValueError, PendingFailedError, force, pendings, settled
from sglc.expressions.conversion import ConversionError, convert
from sglc.expressions.functions import iterate
from sglc.expressions.values import Unset, ValueFailedError, from_host
from sglc.ir.core import Func, Module, Op, Region, Symbol
from sglc.ir.ops import TERMINATORS

Strand = Generator[Pending[Any], Any, object]
Step = Generator[Any, Any, Any]
"""A part of a strand: yields Pendings to wait for, and other Steps to run to their end."""


def run_function(
    module: Module,
    func: Func,
    args: Mapping[str, object],
    session: Session,
    handle: Handle | None = None,
    limits: Limits | None = None,
    *,
    externs: Externs | None = None,
    allow_extern: Collection[str] = (),
    pieces: Pieces | None = None,
    variables: Mapping[str, object] | None = None,
) -> Strand:
    """
    Run a function, as a strand for `Driver.spawn`.

    Args:
        module: where the functions it calls are.
        func: a function of a script, or a Python function whose host code is in `pieces`.
        args: values by parameter name; defaults are filled in.
        session: where its states live.
        handle: the state to run on; a new one of the session without it.
        limits: bounds on what it may do.
        externs: Python functions the script may call.
        allow_extern: without `externs`, modules whose functions it may call.
        pieces: host code of a Python function.
        variables: a Python function's locals at the start.

    Returns:
        The function's value with nothing pending inside, by the strand's end.

    Raises:
        ExecutionError: the script failed; with the place.
    """
    run = Run(
        module,
        session,
        limits or Limits(),
        externs or Externs(allow_extern),
        pieces or {},
        script=module.attrs.get("language") == "sgl",
    )
    context = Context(run)
    frame = Frame(func, file_of(module, func), context, variables=dict(variables or {}))
    frame.prompt = handle
    return strand(_entry(frame, dict(args)))


def strand(first: Step) -> Strand:
    """Run a Step and those it yields on an explicit stack; what is left to yield are Pendings."""
    stack = [first]
    value: Any = None
    error: BaseException | None = None
    while True:
        try:
            top = stack[-1]
            if error is not None:
                raised, error = error, None
                item = top.throw(raised)
            else:
                item = top.send(value)
        except StopIteration as stop:
            stack.pop()
            if not stack:
                return stop.value
            value = stop.value
            continue
        except BaseException as raised:
            stack.pop()
            if not stack:
                raise
            value, error = None, raised
            continue
        value = None
        if isinstance(item, Pending):
            try:
                value = yield item
            except BaseException as raised:
                error = raised
        else:
            stack.append(item)


def wait(value: object) -> Step:
    """The value with nothing pending inside; failures are those of `force`."""
    for pending in list(pendings(value)):
        yield from _arrive(pending)
    return settled(value)


def _arrive(pending: Pending[Any]) -> Step:
    """Wait until a Pending is done, one way or the other."""
    if not pending.done():
        try:
            yield pending
        except Exception:
            if not pending.done():
                raise


# ---- functions and regions -----------------------------------------------------------------------


def _entry(frame: Frame, args: dict[str, object]) -> Step:
    bind_arguments(frame, args, frame.prompt)
    value = yield _complete(frame.context, _body(frame))
    try:
        return (yield wait(value))
    except PendingFailedError as failed:
        raise convert_failure(frame, failed, frame.func.loc) from failed.error


def _complete(context: Context, step: Step) -> Step:
    """Run a Step, and the calls it started on strands of their own, to their ends."""
    try:
        value = yield step
    except Exception:
        # In the program's order an earlier call's failure comes first.
        yield _settle_calls(context)
        raise
    yield _settle_calls(context)
    return value


def _settle_calls(context: Context) -> Step:
    """Wait for the calls that run beside this strand; the first failure in order is raised."""
    calls, context.calls = context.calls, []
    for call, child in calls:
        yield from _arrive(call)
        context.take_over(child)
    for call, _ in calls:
        error = call.exception()
        if error is not None:
            raise error


def bind_arguments(frame: Frame, args: Mapping[str, object], prompt: Handle | None) -> None:
    """Set a function's parameters; `prompt` is for those that take one."""
    func = frame.func
    params = list(func.params)
    if params and params[0].type in ("handle", "state"):
        first = params.pop(0)
        assert prompt is not None, f"@{func.name} needs a prompt"
        frame.env[first] = frame.handle = prompt
    declared = func.attrs.get("params", ())
    assert isinstance(declared, tuple)
    for param, entry in zip(params, declared, strict=False):
        assert isinstance(entry, Mapping)
        name = str(entry["name"])
        frame.env[param] = args[name] if name in args else plain(entry["default"])


def _body(frame: Frame) -> Step:
    """Run a function's body; its value."""
    signal = yield _ops(frame, frame.func.body)
    return signal.values[0] if signal.values else None


def region(frame: Frame, block: Region, args: Sequence[object]) -> Step:
    """Run a region with its arguments; how it ended."""
    for param, value in zip(block.args, args, strict=True):
        frame.env[param] = value
    return _ops(frame, block)


def _ops(frame: Frame, block: Region) -> Step:
    env, run = frame.env, frame.run
    for op in block.ops:
        run.steps += 1
        if run.steps > run.limits.steps:
            raise over_limit(frame, op, f"the program took more than {run.limits.steps} steps")
        simple = SIMPLE.get(op.name)
        if simple is not None:
            while True:
                try:
                    simple(frame, op)
                    break
                except NeedsValueError as need:
                    waiting = need.pending
                except Exception as error:
                    raise convert_failure(frame, error, op.loc) from cause_of(error)
                yield from _arrive(waiting)
        elif op.name in TERMINATORS:
            if op.name == "cf.raise":
                raise (yield _raised(frame, op))
            return Signal(op.name, tuple(env[v] for v in op.operands))
        else:
            signal = yield COMPOUND[op.name](frame, op)
            if signal is not None:
                return signal
    raise AssertionError(f"region ^{block.label} has no terminator")


def _raised(frame: Frame, op: Op) -> Step:
    value = frame.env[op.operands[0]] if op.operands else frame.variables.get("")
    value = yield need(frame, value, op)
    assert isinstance(value, BaseException)
    return value


def need(frame: Frame, value: object, op: Op) -> Step:
    """Wait for a value that `op` cannot go on without."""
    if isinstance(value, Pending):
        yield from _arrive(value)
    try:
        value = force(value)
        if isinstance(value, Unset):
            raise ValueFailedError(f"`{value.name}` is not set")
    except Exception as error:
        raise convert_failure(frame, error, op.loc) from cause_of(error)
    return value


# ---- control flow --------------------------------------------------------------------------------


def _if(frame: Frame, op: Op) -> Step:
    condition = yield need(frame, frame.env[op.operands[0]], op)
    block = op.region("then" if condition else "else")
    if block is None:
        frame.bind(op)
        return None
    carried = [frame.env[v] for v in op.operands[1:]] if block.args else []
    signal = yield region(frame, block, carried)
    if signal.kind != "cf.yield":
        return signal
    set_results(frame, op, signal.values)
    return None


def set_results(frame: Frame, op: Op, values: Sequence[object]) -> None:
    """Results of an op with regions, one for each value that a region yields."""
    for result, value in zip(op.results, values, strict=True):
        frame.env[result] = value


def _while(frame: Frame, op: Op) -> Step:
    cond, body, final = (op.region(label) for label in ("cond", "body", "else"))
    assert cond is not None
    assert body is not None
    carried: tuple[object, ...] = tuple(frame.env[v] for v in op.operands)
    turns = 0
    while True:
        signal = yield region(frame, cond, carried)
        if signal.kind != "cf.condition":
            return signal
        test, *rest = signal.values
        carried = tuple(rest)
        end = cond.terminator
        if not (yield need(frame, test, end if end is not None else op)):
            break
        turns += 1
        if turns > frame.run.limits.iterations:
            raise over_limit(frame, op, f"the loop ran more than {turns - 1} times")
        signal = yield region(frame, body, carried)
        if signal.kind not in ("cf.yield", "cf.continue", "cf.break"):
            return signal
        carried = signal.values
        if signal.kind == "cf.break":
            set_results(frame, op, carried)
            return None
    return (yield _loop_end(frame, op, final, carried))


def _loop_end(frame: Frame, op: Op, final: Region | None, carried: Sequence[object]) -> Step:
    """A loop that ran out: its `else`, then its results."""
    if final is not None:
        signal = yield region(frame, final, carried)
        if signal.kind != "cf.yield":
            return signal
        carried = signal.values
    set_results(frame, op, carried)
    return None


def _for(frame: Frame, op: Op) -> Step:
    body = op.region("body")
    assert body is not None
    source = yield need(frame, frame.env[op.operands[0]], op)
    if frame.run.script:
        try:
            source = iterate(source)
        except ValueFailedError as error:
            raise convert_failure(frame, error, op.loc) from None
    carried: tuple[object, ...] = tuple(frame.env[v] for v in op.operands[1:])
    if op.attrs.get("parallel") and not carried:
        return (yield _for_parallel(frame, op, body, source))
    for turns, item in enumerate(source):
        if turns >= frame.run.limits.iterations:
            raise over_limit(frame, op, f"the loop ran more than {turns} times")
        signal = yield region(frame, body, (item, *carried))
        if signal.kind not in ("cf.yield", "cf.continue", "cf.break"):
            return signal
        carried = signal.values
        if signal.kind == "cf.break":
            set_results(frame, op, carried)
            return None
    return (yield _loop_end(frame, op, op.region("else"), carried))


def _for_parallel(frame: Frame, op: Op, body: Region, items: Sequence[object]) -> Step:
    """Turns that do not depend on each other, side by side."""
    context = frame.context
    started = []
    for turns, item in enumerate(items):
        if turns >= frame.run.limits.iterations:
            raise over_limit(frame, op, f"the loop ran more than {turns} times")
        child = context.child()
        handle = frame.handle
        assert handle is not None
        inner = frame.branch(child, handle)
        turn = _complete(child, region(inner, body, (item,)))
        started.append((_spawn(context, strand(turn)), child))
    yield _join(context, started)
    return (yield _loop_end(frame, op, op.region("else"), ()))


def _spawn(context: Context, step: Strand) -> Pending[Any]:
    return context.run.session.driver.spawn(step)


def _join(context: Context, started: Sequence[tuple[Pending[Any], Context]]) -> Step:
    """Wait for strands; their values in order. The first failure in order wins, after all ended."""
    for result, child in started:
        yield from _arrive(result)
        context.take_over(child)
    values = []
    for result, _ in started:
        error = result.exception()
        if error is not None:
            raise error
        values.append(result.value())
    return values


def _try(frame: Frame, op: Op) -> Step:
    handlers = [r for r in op.regions if r.label == "except"]
    final = op.region("finally")
    initial = tuple(frame.env[v] for v in op.operands)
    depth, guards = len(frame.checkpoints), len(frame.context.guards)
    role = frame.handle.open_role if frame.handle is not None else None
    frame.checkpoints.append(initial)
    frame.context.guards.append([])
    outcome: Signal | BaseException
    try:
        yield _settle_calls(frame.context)
        outcome = yield _complete(frame.context, _try_body(frame, op, initial))
    except Exception as error:
        outcome = error
    state = frame.checkpoints[depth]
    del frame.checkpoints[depth:], frame.context.guards[guards:]
    if isinstance(outcome, Exception):
        number = _handler_for(frame, op, outcome)
        if number is not None:
            _restore_role(frame, role)
            try:
                outcome = yield _handle(frame, handlers[number], outcome, state)
            except Exception as error:
                outcome = error
    if final is not None:
        signal = yield region(frame, final, state if final.args else ())
        if signal.kind != "cf.yield":
            return signal
    if isinstance(outcome, BaseException):
        raise outcome
    if outcome.kind != "cf.yield":
        return outcome
    set_results(frame, op, outcome.values)
    return None


def _try_body(frame: Frame, op: Op, initial: Sequence[object]) -> Step:
    """The body, then all it generated: what fails there is the body's failure."""
    signal = yield region(frame, op.regions[0], initial)
    yield _settle_calls(frame.context)
    for pending in frame.context.guards[-1]:
        yield from _arrive(pending)
        error = pending.exception()
        if error is not None:
            raise generation_failure(frame.run, PendingFailedError(pending, error), None)
    after = op.region("else")
    if after is not None and signal.kind == "cf.yield":
        signal = yield region(frame, after, signal.values)
    return signal


def _handler_for(frame: Frame, op: Op, error: Exception) -> int | None:
    kinds = op.attrs.get("kinds", ())
    assert isinstance(kinds, tuple)
    if isinstance(error, ScriptError):
        kind: Kind | None = error.kind
    else:
        kind = None
    if frame.run.script and kind in (None, "limit"):
        return None
    for number, names in enumerate(kinds):
        assert isinstance(names, tuple)
        if not names or kind in names:
            return number
    return None


def _restore_role(frame: Frame, role: str | None) -> None:
    """Close a role that the body had opened when it failed."""
    handle = frame.handle
    if handle is not None and handle.open_role is not None and role is None:
        handle.role_end(handle.open_role)


def _handle(frame: Frame, block: Region, error: Exception, state: Sequence[object]) -> Step:
    value: object = error
    if isinstance(error, ScriptError):
        value = {"kind": error.kind, "message": error.message}
    lead = (value,) if len(block.args) > len(state) else ()
    return (yield region(frame, block, (*lead, *state)))


# ---- calls and forks -----------------------------------------------------------------------------


def _callee(frame: Frame, op: Op) -> Func:
    symbol = op.attrs["callee"]
    assert isinstance(symbol, Symbol)
    return frame.run.module.funcs[symbol.name]


def _arguments(func: Func, op: Op, values: Sequence[object]) -> dict[str, object]:
    declared = func.attrs.get("params", ())
    assert isinstance(declared, tuple)
    order = [str(entry["name"]) for entry in declared if isinstance(entry, Mapping)]
    names = op.attrs.get("args") or (None,) * len(values)
    assert isinstance(names, tuple)
    return {
        str(name) if name is not None else order[i]: value
        for i, (name, value) in enumerate(zip(names, values, strict=True))
    }


def _enter(frame: Frame, op: Op, context: Context) -> Frame:
    """A frame for a call, one deeper."""
    if context.depth >= frame.run.limits.depth:
        raise over_limit(frame, op, f"calls are nested more than {context.depth} deep")
    func = _callee(frame, op)
    return Frame(func, file_of(frame.run.module, func), context)


def _run(frame: Frame, op: Op) -> Step:
    context = frame.context
    parallel = bool(op.attrs.get("parallel"))
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
        body = _spawn(context, strand(_complete(context, _call_body(frame, inner, op))))
        frame.context.calls.append((body, context))
        result = _settled_later(body)
        frame.context.issued(result, frame.span(op.loc))
        frame.bind(op, result)
        return
    frame.bind(op, (yield _call_body(frame, inner, op)))


def _settled_later(body: Pending[Any]) -> Pending[Any]:
    """A Pending of a call's value with nothing pending inside."""
    result: Pending[Any] = Pending(body.owner)

    def returned(done: Pending[Any]) -> None:
        error = done.exception()
        if error is not None:
            result.set_exception(error)
            return
        value = done.value()
        gather(list(pendings(value))).add_done_callback(lambda all_: finish(all_, value))

    def finish(_: Pending[Any], value: object) -> None:
        try:
            result.set_result(settled(value))
        except PendingFailedError as failed:
            result.set_exception(failed.error)
        except Exception as error:
            result.set_exception(error)

    body.add_done_callback(returned)
    return result


def _call_body(frame: Frame, inner: Frame, op: Op) -> Step:
    try:
        value = yield _body(inner)
    except ScriptError as error:
        error.called_from(inner.func.name, frame.span(op.loc))
        raise
    finally:
        inner.context.depth -= 1
    return value


def _call(frame: Frame, op: Op) -> Step:
    inner = _enter(frame, op, frame.context)
    handle, *values = [frame.env[v] for v in op.operands]
    bind_arguments(inner, _arguments(inner.func, op, values), handle)
    frame.context.depth += 1
    frame.bind(op, (yield _call_body(frame, inner, op)))


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
        raise over_limit(
            frame, op, f"a fork has {len(items)} branches; {frame.run.limits.branches} are allowed"
        )
    if not items:
        frame.bind(op, [])
        return
    children = handle.fork(len(items), hoist=hoist, common=common)
    branches = (_parallel if op.attrs.get("parallel") else _in_turn)(frame, op, items, children)
    frame.bind(op, (yield branches))


def _branch(frame: Frame, op: Op, handle: Handle, item: object) -> Step:
    """Run one branch; its record."""
    signal = yield region(frame, op.regions[0], (handle, item))
    handle.finish()
    fields = op.attrs.get("fields", ())
    assert isinstance(fields, tuple)
    return dict(zip(map(str, fields), signal.values, strict=True))


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
        branch = _complete(context, _branch(inner, op, child, item))
        started.append((_spawn(outer, strand(branch)), context))
    return (yield _join(outer, started))


def _extern(frame: Frame, op: Op) -> Step:
    """Call a Python function: everything it gets is there, and the strand waits for its result."""
    target = str(op.attrs["target"])
    here = frame.span(op.loc)
    yield _settle_calls(frame.context)
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
    yield from _arrive(result)
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


def _var_scope(frame: Frame, op: Op) -> Step:
    handle = frame.env[op.operands[0]]
    name = str(op.attrs["name"])
    first = 0 if op.operands[0].type == "state" else 1
    handle.scope_begin(name)
    signal = yield region(frame, op.regions[0], [frame.env[v] for v in op.operands[first:]])
    handle.scope_end(name)
    if signal.kind != "cf.yield":
        return signal
    set_results(frame, op, signal.values)
    return None


COMPOUND: Mapping[str, Callable[[Frame, Op], Step]] = {
    "cf.if": _if,
    "cf.while": _while,
    "cf.for": _for,
    "cf.try": _try,
    "cf.call": _call,
    "lm.run": _run,
    "lm.fork": _fork,
    "lm.var_scope": _var_scope,
    "py.call": _extern,
}
"""Ops that run regions or wait in the middle."""
