"""Locks, thread-locals, context variables and signals of programs, compiled as eager."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import sglc as sgl
from sglc.backends.base import BaseBackend
from sglc.backends.recording import RecordingBackend

pytestmark = pytest.mark.timeout(30)


@pytest.fixture(params=[True, False], ids=["compiled", "eager"])
def compiled(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def backend() -> RecordingBackend:
    return RecordingBackend(delay=0.002)


MARK: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="none")


def test_a_lock_held_across_a_generation(backend: RecordingBackend, compiled: bool) -> None:
    lock, inside, most = threading.Lock(), [0], [0]

    @sgl.function
    def program(s, i):  # type: ignore[no-untyped-def]
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            s += f"{i}" + sgl.gen("x")
            length = len(s["x"])
            inside[0] -= 1
        return length

    states = program.run_batch([{"i": i} for i in range(20)], backend=backend, compiled=compiled)
    assert most == [1]
    assert all(state.ret_value == len(state["x"]) for state in states)


def test_a_reentrant_lock_belongs_to_one_row(backend: RecordingBackend, compiled: bool) -> None:
    lock, owners = threading.RLock(), []

    @sgl.function
    def program(s, i):  # type: ignore[no-untyped-def]
        with lock:
            owners.append(i)
            s += f"{i}" + sgl.gen("x")
            with lock:
                owners.append(i)
                first = s["x"]
            s += first + sgl.gen("y")
            owners.append(i)
        return s["y"]

    program.run_batch([{"i": i} for i in range(12)], backend=backend, compiled=compiled)
    rows = [owners[at : at + 3] for at in range(0, len(owners), 3)]
    assert all(len(set(row)) == 1 for row in rows), owners


@pytest.mark.parametrize("threads", [1, 3, "auto"])
def test_a_row_stays_on_its_thread(
    backend: RecordingBackend, compiled: bool, threads: int | str
) -> None:
    local, counts = threading.local(), threading.Semaphore(3)
    over = []

    @sgl.function
    def program(s, i):  # type: ignore[no-untyped-def]
        if threads == 3 and not counts.acquire(blocking=False):
            over.append(i)
        local.row, before = i, threading.get_ident()
        s += f"{i}" + sgl.gen("x")
        first = s["x"]
        s += first + sgl.gen("y")
        second = s["y"]
        if threads == 3:
            counts.release()
        return (local.row, before == threading.get_ident(), second)

    rows = [{"i": i} for i in range(15)]
    states = program.run_batch(rows, backend=backend, compiled=compiled, num_threads=threads)
    assert [state.ret_value[:2] for state in states] == [(i, True) for i in range(15)]
    assert over == []


def test_context_variables_of_a_run_are_the_callers(
    backend: RecordingBackend, compiled: bool
) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        before = MARK.get()
        MARK.set("body")
        s += "a" + sgl.gen("x")
        return before, MARK.get(), s["x"]

    def run() -> None:
        MARK.set("caller")
        state = program.run(backend=backend, compiled=compiled)
        assert state.ret_value[:2] == ("caller", "body")
        assert MARK.get() == "body"

    contextvars.copy_context().run(run)


def test_context_variables_of_rows_are_their_own(backend: RecordingBackend, compiled: bool) -> None:
    @sgl.function
    def program(s, i):  # type: ignore[no-untyped-def]
        before = MARK.get()
        MARK.set(f"row {i}")
        s += f"{i}" + sgl.gen("x")
        return before, s["x"] and MARK.get()

    def run() -> None:
        MARK.set("caller")
        rows = [{"i": i} for i in range(8)]
        states = program.run_batch(rows, backend=backend, compiled=compiled)
        assert [s.ret_value for s in states] == [("caller", f"row {i}") for i in range(8)]
        assert MARK.get() == "caller"

    contextvars.copy_context().run(run)


class Contextual(BaseBackend):
    """Answers with a context variable of the program."""

    def generate(self, s: Any, sampling_params: Any) -> tuple[str, None]:
        return MARK.get(), None


def test_backends_see_the_programs_context(compiled: bool) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        MARK.set("first")
        s += "a" + sgl.gen("x")
        MARK.set("second")
        s += s["x"] + sgl.gen("y")
        MARK.set("third")
        return s["x"], s["y"]

    state = contextvars.copy_context().run(
        lambda: program.run(backend=Contextual(), compiled=compiled)
    )
    assert state.ret_value == ("first", "second")


def test_inside_and_around_event_loops(backend: RecordingBackend, compiled: bool) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        async def ask() -> str:
            await asyncio.sleep(0)
            return "asked"

        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(asyncio.run, ask()).result()
        s += answer + sgl.gen("x")
        return s["x"]

    async def main() -> list[str]:
        here = program.run(backend=backend, compiled=compiled).ret_value
        away = await asyncio.to_thread(
            lambda: program.run(backend=backend, compiled=compiled).ret_value
        )
        return [here, away]

    here, away = asyncio.run(main())
    assert here == away == program.run(backend=backend, compiled=compiled).ret_value


class Ringing(Exception):
    pass


@pytest.fixture
def alarm() -> Iterator[None]:
    def ring(*_: object) -> None:
        raise Ringing

    before = signal.signal(signal.SIGALRM, ring)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("alarm")
def test_a_signal_handlers_exception_ends_the_wait(compiled: bool) -> None:
    held = RecordingBackend(hold=99)
    seen = []

    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "a" + sgl.gen("x")
        try:
            seen.append(len(s["x"]))
        except Ringing:
            seen.append("rang")
            raise

    signal.setitimer(signal.ITIMER_REAL, 0.1)
    start = time.monotonic()
    with pytest.raises(Ringing):
        program.run(backend=held, compiled=compiled)
    assert time.monotonic() - start < 5
    assert seen == ["rang"]


def test_a_batch_inside_a_row(backend: RecordingBackend, compiled: bool) -> None:
    @sgl.function
    def inner(s, i):  # type: ignore[no-untyped-def]
        s += f"inner {i}" + sgl.gen("x")
        return len(s["x"])

    @sgl.function
    def outer(s, i):  # type: ignore[no-untyped-def]
        s += f"outer {i}" + sgl.gen("y")
        states = inner.run_batch([{"i": s["y"] + str(k)} for k in range(4)])
        return [state.ret_value for state in states]

    rows = [{"i": i} for i in range(6)]
    found = [
        [s.ret_value for s in outer.run_batch(rows, backend=backend, compiled=how, seed=1)]
        for how in (compiled, False)
    ]
    assert found[0] == found[1]
    assert all(len(row) == 4 for row in found[0])


class Nested(BaseBackend):
    """Asks another program for its answer."""

    def __init__(self, program: Any, backend: Any) -> None:
        super().__init__()
        self.program = program
        self.other = backend

    def generate(self, s: Any, sampling_params: Any) -> tuple[str, None]:
        state = self.program.run(s.text_, backend=self.other)
        return f"<{state['x']}>", None


def test_a_run_inside_a_backends_call(backend: RecordingBackend, compiled: bool) -> None:
    @sgl.function
    def inner(s, text):  # type: ignore[no-untyped-def]
        s += "inner " + text + sgl.gen("x")

    @sgl.function
    def outer(s):  # type: ignore[no-untyped-def]
        s += "q" + sgl.gen("a") + "r" + sgl.gen("b")
        return s["b"]

    state = outer.run(backend=Nested(inner, backend), compiled=compiled)
    assert state.ret_value.startswith("<")
    assert state.text().count("<") == 2


def test_states_read_from_other_threads(backend: RecordingBackend, compiled: bool) -> None:
    @sgl.function
    def program(s, i):  # type: ignore[no-untyped-def]
        s += f"{i}" + sgl.gen("x")
        return len(s["x"])

    with ThreadPoolExecutor(8) as pool:
        states = list(
            pool.map(lambda i: program.run(i, backend=backend, compiled=compiled), range(24))
        )
        lengths = list(pool.map(lambda state: len(state["x"]), states))
    assert lengths == [state.ret_value for state in states]


def exit_code(child: int, within: float) -> int | None:
    """A child's exit code, None for one that had to be killed."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_states_go_on_in_a_forked_child(compiled: bool) -> None:
    backend = RecordingBackend()
    held = RecordingBackend(hold=99)

    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "start" + sgl.gen("x")

    done = program.run(backend=backend, compiled=compiled)
    assert done["x"]
    waiting = program.run(backend=held, compiled=compiled)
    plain = program.run(backend=Contextual(), compiled=compiled)
    assert plain["x"] == "none"
    child = os.fork()
    if child == 0:
        ok = False
        try:
            # What is under way belongs to the parent; here it fails instead of never ending.
            ok = waiting.error() is not None
            done += "more" + sgl.gen("y")
            plain += "more" + sgl.gen("y")
            ok = ok and bool(done["y"]) and plain["y"] == "none"
        finally:
            os._exit(0 if ok else 1)
    assert exit_code(child, within=20) == 0
    held.release()
    assert waiting["x"]
