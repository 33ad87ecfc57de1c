"""Branches, loops and handlers."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.execution.interpreter_errors import Caught, Kind, ScriptError
from sglc.execution.interpreter_frame import (
    Frame,
    Signal,
    convert_failure,
    generation_failure,
    over_limit,
)
from sglc.execution.interpreter_regions import compound, region, set_results
from sglc.execution.interpreter_strand import (
    Step,
    complete,
    join,
    need,
    settle_calls,
    spawn,
    strand,
)
from sglc.execution.pending import arrive
from sglc.execution.values import PendingFailedError
from sglc.expressions.functions import iterate
from sglc.expressions.values import ValueFailedError
from sglc.ir.core import Op, Region


@compound("cf.if")
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


@compound("cf.while")
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
            raise over_limit(frame, op, f"the loop ran more than {turns - 1} times", "iterations")
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


@compound("cf.for")
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
            raise over_limit(frame, op, f"the loop ran more than {turns} times", "iterations")
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
            raise over_limit(frame, op, f"the loop ran more than {turns} times", "iterations")
        child = context.child()
        handle = frame.handle
        assert handle is not None
        inner = frame.branch(child, handle)
        turn = complete(child, region(inner, body, (item,)))
        started.append((spawn(context, strand(turn)), child))
    yield join(context, started)
    return (yield _loop_end(frame, op, op.region("else"), ()))


@compound("cf.try")
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
        yield settle_calls(frame.context)
        outcome = yield complete(frame.context, _try_body(frame, op, initial))
    except Exception as error:
        outcome = error
    state = frame.checkpoints[depth]
    del frame.checkpoints[depth:], frame.context.guards[guards:]
    after = op.region("else")
    if after is not None and isinstance(outcome, Signal) and outcome.kind == "cf.yield":
        # What fails here is not the handlers' to handle.
        try:
            outcome = yield region(frame, after, outcome.values)
        except Exception as error:
            outcome = error
    elif isinstance(outcome, Exception):
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
    yield settle_calls(frame.context)
    for pending in frame.context.guards[-1]:
        yield from arrive(pending)
        error = pending.exception()
        if error is not None:
            raise generation_failure(frame.run, PendingFailedError(pending, error), None)
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
        value = Caught(error)
    lead = (value,) if len(block.args) > len(state) else ()
    return (yield region(frame, block, (*lead, *state)))


@compound("lm.var_scope")
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
