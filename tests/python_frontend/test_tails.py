"""Bodies whose silent rest the driver runs, and that nothing but the waiting shows it."""

from __future__ import annotations

import contextlib
import io
import threading
import traceback

import pytest

from sglc.backends.recording import RecordingBackend
from sglc.execution.session import ExecOptions
from sglc.frontends.python import compile_function
from sglc.language.exprs import SglConstantText
from tests.differential.observing import differences, observe
from tests.python_frontend import tail_programs as programs

FAILING = {"BOOM": RuntimeError("the model failed")}


def returns_while_held(program, *args) -> bool:
    """Whether `run` returns before any generation is answered, with a rest still to run."""
    backend = RecordingBackend(hold=10**6)
    with contextlib.redirect_stdout(io.StringIO()), Released(backend):
        state = program.run(*args, backend=backend)
        pending = not state.body.done()
        backend.release()
        state.sync()
    return pending


class Released:
    """Answers everything after a moment, so that a `run` that waits does not hang the test."""

    def __init__(self, backend: RecordingBackend) -> None:
        self.timer = threading.Timer(0.5, backend.release)

    def __enter__(self) -> None:
        self.timer.start()

    def __exit__(self, *_: object) -> None:
        self.timer.cancel()


HANDED = [
    (programs.agent, ("Who?",)),
    (programs.returns_early, ("Who?",)),
    (programs.branches, (2, ["x"])),
    (programs.value_decides, ("text",)),
]
KEPT_HERE = [
    (programs.value_decides, (SglConstantText("expression"),)),
    (programs.returns_a_list, (["x"],)),
    (programs.open_read, ("Who?", 2)),
    (programs.kept_branches, (2,)),
    (programs.role_left_open, ("Who?",)),
    (programs.roles_nested, ("Who?",)),
    (programs.nothing_waits, ("Who?",)),
    (programs.captured, ("Who?",)),
    (programs.in_try, ("Who?",)),
]


@pytest.mark.parametrize(("program", "args"), HANDED)
def test_run_returns_before_a_held_generation_finishes(program, args):
    assert compile_function(program.func).tail is not None
    assert returns_while_held(program, *args)


@pytest.mark.parametrize(("program", "args"), KEPT_HERE)
def test_what_is_not_certainly_silent_stays_on_the_callers_thread(program, args):
    assert not returns_while_held(program, *args)


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.parametrize(
    ("program", "args"),
    [
        *HANDED,
        *KEPT_HERE,
        (programs.poisoned_by_the_program, ("Who?",)),
        (programs.calls_agent, ("Who?",)),
    ],
)
def test_compiled_is_eager(program, args, failing):
    if failing:
        args = tuple("BOOM" if isinstance(a, str) else a for a in args)
    seen = [
        observe(
            lambda **how: program.run(*args, **how),
            programs.__file__,
            compiled=compiled,
            options=ExecOptions(),
            delays=True,
            kept=programs.KEPT,
        )
        for compiled in (False, True)
    ]
    assert differences(*seen) == []


def test_value_and_text_are_those_of_the_whole_body():
    eager = programs.agent.run("Who?", backend=RecordingBackend(), seed=1, compiled=False)
    backend = RecordingBackend(hold=10**6)
    state = programs.agent.run("Who?", backend=backend, seed=1)
    backend.release()
    assert state.ret_value == eager.ret_value == eager["answer"]
    assert state.text() == eager.text()


def test_failure_in_the_tail_stands_at_its_read():
    state = programs.agent.run("BOOM", backend=RecordingBackend(failures=FAILING))
    with pytest.raises(RuntimeError, match="the model failed") as caught:
        _ = state.ret_value
    frames = [
        (f.name, f.lineno)
        for f in traceback.extract_tb(caught.value.__traceback__)
        if f.filename == programs.__file__
    ]
    assert frames == [("agent", programs.agent.func.__code__.co_firstlineno + 4)]
    assert state.error() is caught.value


def test_host_code_fails_in_run_itself():
    with pytest.raises(TypeError) as caught:
        programs.branches.run("two", ["x"], backend=RecordingBackend())
    assert caught.value.__traceback__ is not None


@pytest.mark.parametrize("threads", ["auto", 1, 2])
def test_rows_of_a_batch(threads):
    rows = [{"question": q} for q in ("Who?", "BOOM", "Why?", "When?")]

    def results(compiled: bool) -> list[object]:
        backend = RecordingBackend(failures=FAILING, delay=0.002)
        states = programs.agent.run_batch(
            rows, backend=backend, seed=3, num_threads=threads, compiled=compiled
        )
        assert all(state.body.done() for state in states)
        return [repr(s.error() or (s.text(), s.ret_value)) for s in states]

    assert results(True) == results(False)


def test_never_in_eager_mode_nor_for_calls_of_the_function_itself():
    backend = RecordingBackend(hold=10**6)
    with Released(backend):
        assert programs.agent.run("Who?", backend=backend, compiled=False).body.done()
    state = programs.agent.run("Who?", backend=RecordingBackend())
    assert programs.agent.func(state, "again") == state["answer"]


def test_streams_run_on_their_own_thread():
    pieces = [
        "".join(
            programs.agent.run(
                "Who?", backend=RecordingBackend(), stream=True, seed=2, compiled=compiled
            ).text_iter()
        )
        for compiled in (True, False)
    ]
    assert pieces[0] == pieces[1]


def test_lists_are_those_of_the_hand_over():
    backend = RecordingBackend(hold=10**6)
    items = ["x"]
    state = programs.branches.run(2, items, backend=backend)
    items[0] = "never"
    backend.release()
    assert "NEVER" not in state.text()


@pytest.mark.parametrize("compiled", [True, False])
def test_what_is_appended_after_run_comes_after_the_tail(compiled):
    backend = RecordingBackend(delay=0.005)
    state = programs.agent.run("Who?", backend=backend, seed=1, compiled=compiled)
    state += "after"
    assert state.text().endswith("after")
    assert state.fork(1)[0].text() == state.text()
