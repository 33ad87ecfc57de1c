"""Running regions: ops one after the other, up to the terminator."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sglc.execution.interpreter_errors import raised_error
from sglc.execution.interpreter_frame import (
    Frame,
    Signal,
    cause_of,
    convert_failure,
)
from sglc.execution.interpreter_ops import SIMPLE
from sglc.execution.interpreter_strand import Step, need, wait
from sglc.execution.pending import arrive
from sglc.execution.values import NeedsValueError
from sglc.expressions.meter import TooLargeError, too_many_steps
from sglc.expressions.values import ValueFailedError
from sglc.ir.core import Op, Region
from sglc.ir.ops import TERMINATORS

Handler = Callable[[Frame, Op], Step]
COMPOUND: dict[str, Handler] = {}
"""Ops that run regions or wait in the middle, by name."""


def compound(name: str) -> Callable[[Handler], Handler]:
    """Register how an op runs; its Step ends with a Signal when control leaves the region."""

    def register(handler: Handler) -> Handler:
        COMPOUND[name] = handler
        return handler

    return register


def region(frame: Frame, block: Region, args: Sequence[object]) -> Step:
    """Run a region with its arguments; how it ended."""
    for param, value in zip(block.args, args, strict=True):
        frame.env[param] = value
    return _ops(frame, block)


def _ops(frame: Frame, block: Region) -> Step:
    env, meter = frame.env, frame.run.meter
    for op in block.ops:
        meter.steps += 1
        if meter.steps > meter.max_steps:
            raise convert_failure(frame, too_many_steps(meter.max_steps), op.loc)
        if meter.made > meter.max_bytes:
            _look(frame, op)
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
                yield from arrive(waiting)
        elif op.name in TERMINATORS:
            if op.name == "cf.raise":
                raise (yield _raised(frame, op))
            return Signal(op.name, tuple(env[v] for v in op.operands))
        else:
            signal = yield COMPOUND[op.name](frame, op)
            if signal is not None:
                return signal
    raise AssertionError(f"region ^{block.label} has no terminator")


def _look(frame: Frame, op: Op) -> None:
    """A run that has made much may hold as much, or have dropped it."""
    from sglc.execution.memory import look

    try:
        look(frame.run)
    except TooLargeError as error:
        raise convert_failure(frame, error, op.loc) from None


def _raised(frame: Frame, op: Op) -> Step:
    value = frame.env[op.operands[0]] if op.operands else frame.variables.get("")
    value = yield need(frame, value, op)
    if frame.run.script:
        try:
            return raised_error((yield wait(value)), frame.span(op.loc))
        except ValueFailedError as error:
            return convert_failure(frame, error, op.loc)
    assert isinstance(value, BaseException)
    return value


def body_of(frame: Frame) -> Step:
    """Run a function's body; its value."""
    signal = yield _ops(frame, frame.func.body)
    return signal.values[0] if signal.values else None


def set_results(frame: Frame, op: Op, values: Sequence[object]) -> None:
    """Results of an op with regions, one for each value that a region yields."""
    for result, value in zip(op.results, values, strict=True):
        frame.env[result] = value
