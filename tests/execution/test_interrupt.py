"""Ctrl-C, sent to a real process."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
    import sglc as sgl
    from sglc.backends.base import BaseBackend
    from sglc.backends.recording import RecordingBackend
    import asyncio, threading

    backend = RecordingBackend(hold=99)

    class Stuck(BaseBackend):
        def generate(self, s, sampling_params):
            threading.Event().wait()

    @sgl.function
    def program(s, x):
        s += "a" + sgl.gen("x")
        return len(s["x"])

    async def follow():
        async for _ in program.run(1, backend=backend, stream=True).text_async_iter():
            pass

    # Everything is loaded: an interrupt inside an import has an exit code of its own in Python.
    program.run(1, backend=RecordingBackend())["x"]
    print("ready", flush=True)
    try:
        {call}
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""

CALLS = {
    "run": "program.run(1, backend=backend).ret_value",
    "live run": "program.run(1, backend=backend, compiled=False)",
    "blocking backend": "program.run(1, backend=Stuck(), compiled=False)",
    "batch": "program.run_batch([(i,) for i in range(5)], backend=backend)",
    "one thread": "program.run_batch([(i,) for i in range(5)], backend=backend, num_threads=1)",
    "reading": "program.run(1, backend=backend, stream=True)['x']",
    "following": "list(program.run(1, backend=backend, stream=True).text_iter())",
    "following in a coroutine": "asyncio.run(follow())",
    "sync": "sgl.function(lambda s: s.__iadd__(sgl.gen('x')) and None).run(backend=backend).sync()",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_ctrl_c_ends_the_program_at_once(call: str, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(PROGRAM).replace("{call}", call))
    paths = os.pathsep.join(str(ROOT / part) for part in ("", "runtime", "grammar"))
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail(f"still running: {process.communicate()}")
    assert out == "interrupted\n", err
    assert process.returncode == 0
    assert "Traceback" not in err


INTERRUPTED_EARLY = """
    import signal
    import sglc as sgl
    from sglc.backends.recording import RecordingBackend

    @sgl.function
    def program(s, x):
        s += x + sgl.gen("x")

    assert program.run("again", backend=RecordingBackend())["x"]
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    for attempt in range(150):
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.001 + attempt * 0.0001)
            program.run_batch([(str(i),) for i in range(50)], backend=RecordingBackend(hold=999))
        except KeyboardInterrupt:
            pass
        assert program.run("again", backend=RecordingBackend())["x"]
    print("done", flush=True)
"""


def test_an_interrupt_at_any_moment_leaves_no_lock_behind(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(INTERRUPTED_EARLY))
    paths = os.pathsep.join(str(ROOT / part) for part in ("", "runtime", "grammar"))
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.stdout == "done\n", done.stderr


INTERRUPTED_OFTEN = """
    import random, signal, sys, threading, time
    import sglc as sgl
    from sglc.backends.recording import RecordingBackend
    from sglc.execution.driver import Driver

    @sgl.function
    def silent(s, x):
        s += x + sgl.gen("x")
        s += "again" + s["x"] + sgl.gen("y")

    @sgl.function
    def hosting(s, x):
        with s.user():
            s += x + sgl.gen("x")
        s += s["x"].upper() + sgl.gen("y")
        return len(s["y"])

    def batch(program, **how):
        return lambda b: program.run_batch([(str(i),) for i in range(40)], backend=b, **how)

    def stream(b):
        for piece in hosting.run("a", backend=b, stream=True).text_iter():
            pass

    def generator(b):
        for state in hosting.run_batch(
            [(str(i),) for i in range(40)], backend=b, num_threads=4, generator_style=True
        ):
            state.text()

    CALLS = {
        "batch of silent rows": batch(silent),
        "batch of rows with host code": batch(hosting),
        "four threads": batch(hosting, num_threads=4),
        "one thread": batch(hosting, num_threads=1),
        "eager": batch(hosting, compiled=False),
        "run": lambda b: silent.run("a", backend=b)["y"],
        "run with host code": lambda b: hosting.run("a", backend=b),
        "text_iter": stream,
        "generator_style": generator,
    }

    def cancelled(b):
        with b._lock:
            return b._flying <= b._cancelled

    def run_to_be_interrupted(call, b):
        call(b)

    def interrupt(number, frame):
        # Behind the call there is nobody left to catch it.
        while frame is not None:
            if frame.f_code is run_to_be_interrupted.__code__:
                raise KeyboardInterrupt
            frame = frame.f_back

    random.seed(int(sys.argv[1]))
    signal.signal(signal.SIGALRM, interrupt)
    counts = {"interrupted": 0, "ended": 0}
    for attempt in range(10):
        for name, call in CALLS.items():
            backend = RecordingBackend(delay=lambda prompt: random.choice((0.0, 0.002, 30)))
            if attempt % 3 == 0:
                backend.delay = 0.001
            start = time.monotonic()
            try:
                # Again after a while: one inside a weak reference's callback is lost by Python.
                signal.setitimer(signal.ITIMER_REAL, random.random() * 0.03 + 1e-4, 1.0)
                run_to_be_interrupted(call, backend)
                signal.setitimer(signal.ITIMER_REAL, 0)
                counts["ended"] += 1
            except KeyboardInterrupt:
                signal.setitimer(signal.ITIMER_REAL, 0)
                counts["interrupted"] += 1
            took = time.monotonic() - start
            assert took < 3, (name, took)
            assert silent.run("again", backend=RecordingBackend())["y"], name
            # What was asked of the backend is taken back, soon.
            for _ in range(300):
                if cancelled(backend):
                    break
                time.sleep(0.01)
            assert cancelled(backend), name
    assert counts["interrupted"] > 50, counts
    print("done", flush=True)
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_interrupts_at_random_moments(seed: int, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(INTERRUPTED_OFTEN))
    paths = os.pathsep.join(str(ROOT / part) for part in ("", "runtime", "grammar"))
    done = subprocess.run(
        [sys.executable, str(script), str(seed)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.stdout == "done\n", done.stderr[-3000:]
