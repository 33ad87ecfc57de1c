"""What waits for the model and what does not: seen from how many calls are in flight at once."""

from __future__ import annotations

import threading
import time

import pytest

from sglc.backends.recording import RecordingBackend
from sglc.execution.driver import Driver
from sglc.execution.externs import Externs
from sglc.execution.interpreter import run_function
from sglc.execution.session import Session
from sglc.frontends.script import compile_script
from tests.execution.scripts import PIPELINES, run


def overlap(text: str, passes: str, calls: int) -> int:
    """How many calls were in flight at once, when none is answered before `calls` are."""
    backend = RecordingBackend(rules={".": "x"}, hold=calls)
    finished = threading.Event()

    def give_up() -> None:
        if not finished.wait(1.0):
            backend.release()

    threading.Thread(target=give_up, daemon=True).start()
    outcome = run(text, backend=backend, passes=passes)
    finished.set()
    assert outcome.error is None
    return backend.most_in_flight


def waits(body: str) -> bool:
    """Whether a function waits for the model; its first line generates `x`."""
    text = f"extern def note(x: str) from 't:note'\ndef f():\n    x = gen()\n    {body}\n"
    module = compile_script(text)
    session = Session(RecordingBackend(hold=100), seed=1)
    externs = Externs(functions={"t:note": lambda x: None})
    strand = run_function(module, module.funcs["f"], {}, session, session.root(), externs=externs)
    try:
        next(strand)
    except StopIteration:
        return False
    strand.close()
    return True


@pytest.mark.parametrize(
    "body",
    [
        "'b ${x}'",
        "y = '<${x}>'\n    '${y}'",
        "y = [x, {'k': x}]\n    '${y[1].k}'",
        "y = gen(stop='a')",
        "fork i in [1, 2] as t:\n        '${x}'\n        z = gen()\n    '${t[0].z}'",
        "y = x if true else 'b'",
        "user '${x}'",
    ],
)
def test_text_and_handing_on_never_wait(body: str) -> None:
    assert not waits(body)


@pytest.mark.parametrize(
    "body",
    [
        "if x:\n        'b'",
        "while x:\n        break",
        "for c in x:\n        'b'",
        "y = len(x)",
        "y = x[0]",
        "y = x + 'b'",
        "note(x)",
        "gen(stop=x)",
        "select([x, 'b'])",
        "return x",
        "try:\n        gen()\n    except:\n        pass",
    ],
)
def test_decisions_operations_and_host_calls_wait(body: str) -> None:
    assert waits(body)


@pytest.mark.parametrize("passes", PIPELINES)
def test_branches_that_do_not_wait_overlap(passes: str) -> None:
    text = (
        "def f():\n    fork i in range(3) as t:\n        '${i}'\n        x = gen()\n    return t\n"
    )
    assert overlap(text, passes, 3) == 3


WAITING = (
    "def f():\n    fork i in range(3) as t:\n        '${i}'\n        x = gen()\n"
    "        if x == 'x':\n            'again'\n            y = gen()\n"
    "    return [r.y for r in t]\n"
)


@pytest.mark.parametrize(("passes", "calls"), [("none", 1), ("default", 3)])
def test_branches_that_wait_overlap_when_marked(passes: str, calls: int) -> None:
    assert overlap(WAITING, passes, 3) == calls


CALLS = (
    "def main():\n    a = ask('1')\n    b = ask('2')\n    return [a, b]\n"
    "def ask(q):\n    '${q}'\n    x = gen()\n    if x == 'x':\n        '!'\n"
    "        y = gen()\n    return y\n"
)


@pytest.mark.parametrize(("passes", "calls"), [("none", 1), ("default", 2)])
def test_independent_calls_overlap_when_marked(passes: str, calls: int) -> None:
    assert overlap(CALLS, passes, 2) == calls


def test_many_strands_need_no_threads() -> None:
    module = compile_script(WAITING)
    before = threading.active_count()
    backend = RecordingBackend(rules={".": "x"}, delay=0.05)
    results = []
    start = time.perf_counter()
    for row in range(50):
        session = Session(backend, seed=row)
        strand = run_function(module, module.funcs["f"], {}, session, session.root())
        results.append(Driver.get().spawn(strand))
    # The backend's timers are threads; besides them there is only the driver.
    threads = [t for t in threading.enumerate() if not isinstance(t, threading.Timer)]
    assert len(threads) <= before + 1
    assert [r.result(30) for r in results] == [["x", "x", "x"]] * 50
    assert time.perf_counter() - start < 15


def test_slow_externs_do_not_hold_up_other_strands() -> None:
    text = "extern def slow() from 't:slow'\ndef f(n):\n    if n:\n        slow()\n    return n\n"
    module = compile_script(text)
    gate = threading.Event()
    externs = Externs(functions={"t:slow": lambda: gate.wait(20) and None})
    backend = RecordingBackend()

    def start(n: int) -> object:
        session = Session(backend, seed=1)
        args = {"n": n}
        return Driver.get().spawn(
            run_function(module, module.funcs["f"], args, session, session.root(), externs=externs)
        )

    blocked, free = start(1), start(0)
    assert free.result(10) == 0  # type: ignore[attr-defined]  # a Pending
    gate.set()
    assert blocked.result(10) == 1  # type: ignore[attr-defined]
