"""Strands: steps on an explicit stack, waiting, and running beside each other."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from sglc.execution.interpreter_frame import Context, Frame, cause_of, convert_failure
from sglc.execution.pending import Pending, arrive, gather
from sglc.execution.values import PendingFailedError, force, pendings, settled
from sglc.expressions.values import Unset, ValueFailedError
from sglc.ir.core import Op

Strand = Generator[Pending[Any], Any, object]
Step = Generator[Any, Any, Any]
"""A part of a strand: yields Pendings to wait for, and other Steps to run to their end."""


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
    waiting = list(pendings(value))
    if waiting:
        yield from arrive(waiting[0] if len(waiting) == 1 else gather(waiting))
    return settled(value)


def need(frame: Frame, value: object, op: Op) -> Step:
    """Wait for a value that `op` cannot go on without."""
    if isinstance(value, Pending):
        yield from arrive(value)
    try:
        value = force(value)
        if isinstance(value, Unset):
            raise ValueFailedError(f"`{value.name}` is not set")
    except Exception as error:
        raise convert_failure(frame, error, op.loc) from cause_of(error)
    return value


def spawn(context: Context, step: Strand) -> Pending[Any]:
    return context.run.session.driver.spawn(step)


def join(context: Context, started: Sequence[tuple[Pending[Any], Context]]) -> Step:
    """Wait for strands; their values in order. The first failure in order wins, after all ended."""
    for result, child in started:
        yield from arrive(result)
        context.take_over(child)
    values = []
    for result, _ in started:
        error = result.exception()
        if error is not None:
            raise error
        values.append(result.value())
    return values


def complete(context: Context, step: Step) -> Step:
    """Run a Step, and the calls it started on strands of their own, to their ends."""
    try:
        value = yield step
    except Exception:
        # In the program's order an earlier call's failure comes first.
        yield settle_calls(context)
        raise
    yield settle_calls(context)
    return value


def settle_calls(context: Context) -> Step:
    """Wait for the calls that run beside this strand; the first failure in order is raised."""
    calls, context.calls = context.calls, []
    for call, child in calls:
        yield from arrive(call)
        context.take_over(child)
    for call, _ in calls:
        error = call.exception()
        if error is not None:
            raise error


def settled_later(context: Context, body: Pending[Any]) -> Pending[Any]:
    """A Pending of a call's value, with nothing pending inside; fails as its generation does."""
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
            context.run.stands_for(result, failed.pending)
            result.set_exception(failed.error)
        except Exception as error:
            result.set_exception(error)

    body.add_done_callback(returned)
    return result
