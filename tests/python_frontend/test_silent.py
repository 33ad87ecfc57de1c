"""Which bodies run as strands of the driver, and that it cannot be seen."""

from __future__ import annotations

import threading

import pytest

from sglc.backends.recording import RecordingBackend
from sglc.execution.handle import Handle
from sglc.execution.session import ExecOptions, Session
from sglc.frontends.python import compile_function
from sglc.language.sampling import GenParams
from tests.differential.observing import differences, observe
from tests.python_frontend import silent_programs as programs


def strand(program, *args, n=None):
    """The strand for these arguments, or None."""
    session = Session(RecordingBackend(), GenParams(n=n), 1)
    handle: Handle = session.root()
    made = compile_function(program.func).strand(session, handle, args)
    if made is not None:
        made.close()
    return made


@pytest.mark.parametrize(
    ("program", "args"),
    [
        (programs.tips, (3,)),
        (programs.rounds, ("cats", ["why", "how"])),
        (programs.rounds, ("cats", ("why",))),
        (programs.rounds, ("cats", [])),
        (programs.until, ("on",)),
        (programs.concatenates, ("why",)),
        (programs.picks, (["x"],)),
        (programs.picks_outside, ()),
        (programs.marked, ("why",)),
    ],
)
def test_silent(program, args):
    assert compile_function(program.func).silent
    assert strand(program, *args) is not None


class Text(str):
    """A subclass may do anything."""


@pytest.mark.parametrize(
    ("program", "args"),
    [
        (programs.tips, (0,)),
        (programs.tips, (True,)),
        (programs.tips, ("3",)),
        (programs.rounds, ("cats", ["why", 3])),
        (programs.rounds, ("cats", {"why": 1})),
        (programs.rounds, ("cats",)),
        (programs.rounds, ("cats", [], "more")),
        (programs.concatenates, (3,)),
        (programs.concatenates, (Text("why"),)),
        (programs.concatenates, (10**100,)),
        (programs.only_some_branches, ()),
        (programs.maybe_missing, ("x",)),
        (programs.loop_may_not_run, (["a"],)),
        (programs.stale_index, (2,)),
        (programs.host_call, ("q",)),
        (programs.looks_up, ("q",)),
        (programs.spins, (1,)),
        (programs.bad_pattern, ()),
        (programs.picks, ([],)),
        (programs.nests_marks, ()),
        (programs.nests_roles, ()),
        (programs.bad_schema, ()),
        (programs.runs_another, ("q",)),
    ],
)
def test_not_silent(program, args):
    assert strand(program, *args) is None


def test_samples_by_default_are_not_silent():
    assert strand(programs.tips, 2, n=2) is None
    assert strand(programs.tips, 2, n=1) is not None


@pytest.mark.parametrize(
    ("program", "args"),
    [
        (programs.tips, (3,)),
        (programs.rounds, ("cats", ["why", "how"])),
        (programs.until, ("on",)),
        (programs.only_some_branches, ()),
        (programs.maybe_missing, ("y",)),
        (programs.loop_may_not_run, ([],)),
        (programs.stale_index, (2,)),
        (programs.bad_pattern, ()),
        (programs.picks, ([],)),
        (programs.nests_marks, ()),
        (programs.nests_roles, ()),
        (programs.bad_schema, ()),
        (programs.runs_another, ("q",)),
        (programs.concatenates, (3,)),
        (programs.picks_outside, ()),
        (programs.marked, ("why",)),
    ],
)
def test_compiled_is_eager(program, args):
    seen = [
        observe(
            lambda **how: program.run(*args, **how),
            programs.__file__,
            compiled=compiled,
            options=ExecOptions(),
            delays=True,
        )
        for compiled in (False, True)
    ]
    assert differences(*seen) == []


def test_silent_rows_take_no_threads():
    backend = RecordingBackend(hold=10**6)
    before = threading.active_count()
    states = [programs.rounds.run("cats", ["why", "how"], backend=backend) for _ in range(50)]
    assert threading.active_count() <= before + 1  # the driver
    backend.release()
    assert all(state["answer"] for state in states)


def test_arguments_may_change_after_the_run_began():
    backend = RecordingBackend(hold=1000)
    questions = ["why", "how"]
    state = programs.rounds.run("cats", questions, backend=backend)
    questions.append("never")
    backend.release()
    assert "never" not in state.text()


def test_constants_are_those_of_the_start(monkeypatch):
    backend = RecordingBackend(hold=1000)
    state = programs.rounds.run("cats", ["why"], backend=backend, seed=1)
    monkeypatch.setattr(programs, "LIMIT", 10**6)
    backend.release()
    assert "again" in state.text()
