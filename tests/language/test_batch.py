"""`run_batch`: rows, order, errors, seeds, overlap."""

import os
import threading
import weakref
from typing import Any

import pytest

import sglc as sgl
from sglc.backends.recording import RecordingBackend
from sglc.execution.seeds import row_seed
from sglc.language.batch import CHUNK


@sgl.function
def square(s, x, note="n"):  # type: ignore[no-untyped-def]
    s += f"{x} squared ({note}) is " + sgl.gen("y")


def test_rows_come_back_in_order(backend: RecordingBackend, compiled: bool) -> None:
    rows = [{"x": i} for i in range(40)]
    states = square.run_batch(rows, compiled=compiled)
    assert [state.text().split()[0] for state in states] == [str(i) for i in range(40)]
    assert rows == [{"x": i} for i in range(40)]
    assert all(state.handle.tip.done for state in states)


def test_positional_rows(backend: RecordingBackend, compiled: bool) -> None:
    states = square.run_batch([(1,), [2, "two"]], compiled=compiled)
    assert [s.text().split(" is")[0] for s in states] == ["1 squared (n)", "2 squared (two)"]
    for row in ((), (1, 2, 3), 5):
        with pytest.raises(Exception, match="mismatch the SGL function signature"):
            square.run_batch([row], compiled=compiled)


def test_bound_arguments_do_not_change_the_callers_rows(backend: RecordingBackend) -> None:
    rows = [{"x": 1}]
    (state,) = square.bind(note="bound").run_batch(rows)
    assert "(bound)" in state.text()
    assert rows == [{"x": 1}]


@pytest.mark.parametrize("generator_style", [True, False])
def test_empty(backend: RecordingBackend, generator_style: bool) -> None:
    assert list(square.run_batch([], generator_style=generator_style)) == []


def test_generator_style_is_lazy_and_ordered(backend: RecordingBackend, compiled: bool) -> None:
    results = square.run_batch(
        [{"x": i} for i in range(450)], generator_style=True, compiled=compiled
    )
    first = next(results)
    assert first.text().startswith("0 ")
    assert len(backend.calls) <= 200
    assert [state.text().split()[0] for state in results] == [str(i) for i in range(1, 450)]


def test_rows_overlap(backend: RecordingBackend, compiled: bool) -> None:
    backend.hold = 20
    square.run_batch([{"x": i} for i in range(20)], compiled=compiled)
    assert backend.most_in_flight == 20


def test_num_threads_bounds_rows_under_way(compiled: bool) -> None:
    backend = RecordingBackend(delay=0.002)

    @sgl.function
    def program(s, x):  # type: ignore[no-untyped-def]
        s += f"{x}" + sgl.gen("y")
        return s["y"].upper()

    for threads, most in ((1, 1), (3, 3)):
        backend.most_in_flight = 0
        states = program.run_batch(
            [{"x": i} for i in range(9)], backend=backend, num_threads=threads, compiled=compiled
        )
        assert backend.most_in_flight <= most
        assert [s.ret_value for s in states] == [s["y"].upper() for s in states]
    with pytest.raises(ValueError, match="num_threads"):
        program.run_batch([{"x": 1}], backend=backend, num_threads=0)


def test_a_row_with_host_code_stays_on_one_thread(
    backend: RecordingBackend, compiled: bool
) -> None:
    backend.delay = 0.001

    @sgl.function
    def program(s, x):  # type: ignore[no-untyped-def]
        seen = [threading.get_ident()]
        for _ in range(3):
            s += "a" + sgl.gen("y")
            len(s["y"])
            seen.append(threading.get_ident())
        return set(seen)

    states = program.run_batch([{"x": i} for i in range(8)], compiled=compiled)
    assert [len(s.ret_value) for s in states] == [1] * 8


@pytest.mark.parametrize("threads", [1, "auto"])
def test_body_errors_are_raised_and_generation_errors_kept(
    backend: RecordingBackend, compiled: bool, threads: Any
) -> None:
    backend.failures["bad"] = ConnectionError("boom")

    @sgl.function
    def program(s, x):  # type: ignore[no-untyped-def]
        if x == "raise":
            raise LookupError("mine")
        s += x + sgl.gen("y")
        return s["y"]

    rows = [{"x": "good"}, {"x": "bad"}]
    good, bad = program.run_batch(rows, compiled=compiled, num_threads=threads)
    assert good.error() is None
    assert str(bad.error()) == "boom"
    backend.calls.clear()
    with pytest.raises(LookupError, match="mine"):
        program.run_batch(
            [{"x": "raise"}, *rows, {"x": "last"}], compiled=compiled, num_threads=threads
        )
    if threads == "auto":
        assert any(call.prompt == "last" for call in backend.calls)


def test_row_seeds(compiled: bool) -> None:
    backend = RecordingBackend(seeded=True)

    def texts(**how: Any) -> list[str]:
        states = square.run_batch([{"x": 1}] * 5, backend=backend, compiled=compiled, **how)
        return [state["y"] for state in states]

    assert texts(seed=2) == texts(seed=2, num_threads=1) == texts(seed=2, num_threads=2)
    assert len(set(texts(seed=2))) == 5
    assert texts(seed=2) != texts(seed=3)
    states = square.run_batch([{"x": 1}] * 2, backend=backend, seed=2)
    assert [s.seed for s in states] == [row_seed(2, 0), row_seed(2, 1)]
    again = square.run(x=1, backend=backend, seed=states[1].seed, compiled=compiled)
    assert again["y"] == states[1]["y"]


def test_silent_rows_need_no_threads(backend: RecordingBackend) -> None:
    seen: list[int] = []
    backend.hold = 60
    original = backend.submit

    def submit(work: Any, sink: Any) -> None:
        seen.append(sum(t.name.startswith("sglc-row") for t in threading.enumerate()))
        original(work, sink)

    backend.submit = submit  # type: ignore[method-assign]
    square.run_batch([{"x": i} for i in range(60)])
    assert max(seen) == 0


def test_progress_bar_goes_to_stderr(
    backend: RecordingBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    square.run_batch([{"x": 1}, {"x": 2}], progress_bar=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "2/2" in captured.err


def test_a_row_gives_its_thread_back_when_the_rest_needs_none(backend: RecordingBackend) -> None:
    """More rows wait for the model than there are threads for rows."""
    seen: list[int] = []

    @sgl.function
    def program(s, i):  # type: ignore[no-untyped-def]
        seen.append(i)
        s += f"{i}"
        s += sgl.gen("x")
        s += s["x"] + sgl.gen("y")

    rows = max(96, (os.cpu_count() or 1) * 16) + 40
    backend.hold = rows
    states = program.run_batch([{"i": i} for i in range(rows)], backend=backend)
    assert backend.most_in_flight == rows
    assert all(state.text().startswith(f"{i}") for i, state in enumerate(states))


def test_at_most_as_many_rows_as_threads_are_under_way(
    backend: RecordingBackend, compiled: bool
) -> None:
    backend.delay = 0.002

    @sgl.function
    def program(s, i):  # type: ignore[no-untyped-def]
        s += f"{i}" + sgl.gen("x")
        if len(s["x"]) > 0:
            s += s["x"] + sgl.gen("y")

    rows = [{"i": i} for i in range(30)]
    program.run_batch(rows, backend=backend, num_threads=3, compiled=compiled)
    assert backend.most_in_flight <= 3


def test_a_stream_of_rows_keeps_few_of_them(backend: RecordingBackend, compiled: bool) -> None:
    rows = [{"x": i} for i in range(3 * CHUNK)]
    alive: weakref.WeakSet[object] = weakref.WeakSet()
    most = 0
    for state in square.run_batch(rows, backend=backend, generator_style=True, compiled=compiled):
        alive.add(state)
        del state
        most = max(most, len(alive))
    assert most <= 2
