"""
The region interpreter: runs IR on live handles, as a strand of the driver.

A strand yields the Pending it waits for. Inside, every region is a generator on an explicit stack
(`interpreter_strand`), so that neither calls nor nesting use Python's stack. Ops that only append,
or compute, run in one piece (`interpreter_ops`): when one needs a value that is not there it raises
`NeedsValueError` before it has done anything, and is tried again when the value has arrived.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from sglc.execution import interpreter_calls, interpreter_control
from sglc.execution.externs import Externs
from sglc.execution.files import Files
from sglc.execution.handle import Handle
from sglc.execution.interpreter_errors import file_of
from sglc.execution.interpreter_frame import (
    Context,
    Frame,
    Pieces,
    Run,
    bind_arguments,
    convert_failure,
)
from sglc.execution.interpreter_regions import body_of
from sglc.execution.interpreter_strand import Step, Strand, complete, strand, wait
from sglc.execution.limits import Limits
from sglc.execution.session import Session
from sglc.execution.values import PendingFailedError
from sglc.expressions.meter import Meter, TooLargeError
from sglc.expressions.values import ValueFailedError, measure
from sglc.ir.core import Func, Module

# Importing the modules that run compound ops registers them.
__all__ = ["interpreter_calls", "interpreter_control", "run_function"]


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
    files: Files | None = None,
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
        files: files that it may read; none without it.
        pieces: host code of a Python function.
        variables: a Python function's locals at the start.

    Returns:
        The function's value with nothing pending inside, by the strand's end.

    Raises:
        ExecutionError: the script failed; with the place.
    """
    limits = limits or Limits()
    meter = Meter(limits.steps, limits.memory)
    run = Run(
        module,
        session,
        limits,
        externs or Externs(allow_extern),
        pieces or {},
        files or Files(),
        script=module.attrs.get("language") == "sgl",
        meter=meter,
        values=replace(limits.values, meter=meter),
    )
    context = Context(run)
    frame = Frame(func, file_of(module, func), context, variables=dict(variables or {}))
    frame.prompt = handle
    return strand(_entry(frame, dict(args)))


def _entry(frame: Frame, args: dict[str, object]) -> Step:
    bind_arguments(frame, args, frame.prompt)
    value = yield complete(frame.context, body_of(frame))
    try:
        result = yield wait(value)
        if frame.run.script:
            # Whoever takes the value looks through it, and may write it out.
            measure(result, frame.run.values)
    except PendingFailedError as failed:
        raise convert_failure(frame, failed, frame.func.loc) from failed.error
    except (ValueFailedError, TooLargeError) as error:
        raise convert_failure(frame, error, frame.func.loc) from None
    return result
