"""What random testing found, one test for each finding."""

from __future__ import annotations

import contextlib

import pytest

from sglc.backends.recording import RecordingBackend
from sglc.execution.session import ExecOptions
from sglc.frontends.python import compile_function
from tests.differential import regression_programs as programs
from tests.differential.observing import differences, observe

FAILING = {"BOOM": RuntimeError("the model failed")}


@pytest.mark.parametrize(
    "program",
    [
        programs.fails_after_text_of_the_same_append,
        programs.fails_in_a_silent_body,
        programs.poisoned_while_followed,
        programs.captured_state,
        programs.branch_under_a_name_that_stood_for_something_else,
        programs.fails_before_the_body_raises,
        programs.branch_counted_by_a_truth_value,
    ],
    ids=lambda program: program.func.__name__,
)
def test_compiled_is_eager(program) -> None:
    seen = [
        observe(
            program.run,
            programs.__file__,
            compiled=compiled,
            options=ExecOptions(),
            delays=True,
        )
        for compiled in (False, True)
    ]
    assert differences(*seen) == []


def test_errors_of_async_programs_have_no_context_of_ours() -> None:
    with pytest.raises(LookupError) as caught:
        programs.raises_in_its_own_loop.run(backend=RecordingBackend())
    assert caught.value.__context__ is None


def test_no_strand_reads_where_it_would_wait() -> None:
    program = programs.branch_under_a_name_that_stood_for_something_else
    state = program.run(backend=RecordingBackend(delay=0.02))
    assert state.error() is None
    assert state.text()


def followed(program, compiled: bool) -> str:
    backend = RecordingBackend(failures=FAILING, delay=0.01)
    state = program.run(backend=backend, compiled=compiled, stream=True)
    seen = ""
    with contextlib.suppress(RuntimeError, AssertionError):
        for piece in state.text_iter():
            seen += piece
    return seen


def test_streams_show_nothing_of_an_append_before_its_reads() -> None:
    program = programs.fails_after_text_of_the_same_append
    assert followed(program, compiled=True) == followed(program, compiled=False) == ""


@pytest.mark.timeout(20)
def test_streams_end_when_a_state_is_poisoned() -> None:
    program = programs.poisoned_while_followed
    assert followed(program, compiled=False).startswith("a")


def test_failure_of_a_silent_body_stands_at_the_read() -> None:
    assert compile_function(programs.fails_in_a_silent_body.func).silent
    seen = observe(
        programs.fails_in_a_silent_body.run,
        programs.__file__,
        compiled=True,
        options=ExecOptions(),
        delays=True,
    )
    line = programs.fails_in_a_silent_body.func.__code__.co_firstlineno + 4
    assert f"[fails_in_a_silent_body:{line}]" in seen.error


def test_captured_states_are_deferred_too() -> None:
    function = programs.captured_state.func
    assert compile_function(function).emitted is not function
