"""Rendered tracebacks are CPython's: the user's files, lines, functions, source and carets."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest

import sglc
from sglc.backends.recording import RecordingBackend
from sglc.execution.session import ExecOptions
from tests.differential.observing import PLAIN, FailingAnew, wait_until_idle
from tests.python_frontend import traceback_programs
from tests.python_frontend.traceback_programs import PROGRAMS

OURS = str(Path(sglc.__file__).parent)
LEAST = 25
"""How many programs must fail, each way."""


def rendered(error: BaseException) -> str:
    """The traceback as Python prints it, without the frames inside this package."""
    whole = traceback.TracebackException.from_exception(error)
    _strip(whole)
    return "".join(whole.format())


def _strip(part: traceback.TracebackException | None) -> None:
    if part is None:
        return
    part.stack[:] = [f for f in part.stack if not f.filename.startswith((OURS, __file__))]
    for inner in (part.__cause__, part.__context__, *(part.exceptions or ())):
        _strip(inner)


def failure(program: Any, question: str, compiled: bool, options: ExecOptions) -> str:
    """What left the program, or stays in its state."""
    backend = FailingAnew(
        failures={"BOOM": RuntimeError("the model failed")},
        seeded=True,
        delay=0.001 if compiled else 0.0,
    )
    state: Any = None
    try:
        state = program.run(question, backend=backend, compiled=compiled, options=options, seed=1)
        state.sync()
        error = state.error()
        assert error is not None, "the program ends"
        if state.body.exception() is error:
            error = raised_by(state)
    except BaseException as raised:
        error = raised
    wait_until_idle(backend)
    return rendered(error)


def raised_by(state: Any) -> BaseException:
    """The exception as whoever asks for the result gets it."""
    try:
        state.ret_value  # noqa: B018
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("question", ["q", "BOOM"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.func.__name__)
@pytest.mark.timeout(20)
def test_rendered_as_by_python(program: Any, question: str) -> None:
    if question == "q" and program is traceback_programs.failed_branch:
        pytest.skip("fails only when the model does")
    eager = failure(program, question, False, ExecOptions())
    assert failure(program, question, True, ExecOptions()) == eager
    assert failure(program, question, True, PLAIN) == eager
    assert f'File "{traceback_programs.__file__}", line ' in eager
    assert f"in {program.func.__name__}\n" in eager
    if "the model failed" in eager:
        assert "in gen(" in eager or "in select(" in eager
    assert OURS not in eager


def test_enough_programs_fail() -> None:
    assert len(PROGRAMS) >= LEAST


def test_the_first_observation_raises_and_every_later_one() -> None:
    backend = RecordingBackend(failures={"BOOM": RuntimeError("the model failed")}, delay=0.002)
    state = traceback_programs.missing_variable.run("BOOM", backend=backend)
    line = traceback_programs.missing_variable.func.__code__.co_firstlineno + 2
    for observe in (lambda: state["a"], state.text, state.messages, lambda: state.ret_value):
        with pytest.raises(RuntimeError, match="the model failed") as raised:
            observe()
        assert raised.value.__notes__ == [
            f"in gen('a') at {traceback_programs.__file__}:{line}",
        ]
