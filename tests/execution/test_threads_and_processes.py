"""States used from several threads, and programs in forked processes."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import sglc as sgl
from sglc.backends.base import BaseBackend
from sglc.backends.recording import RecordingBackend
from sglc.execution.session import Session
from sglc.language.sampling import DEFAULTS, GenParams


def test_appends_from_threads_are_not_lost() -> None:
    backend = RecordingBackend(rules={"": "g"})
    handle = Session(backend, DEFAULTS, 1).root()
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait()
        for i in range(50):
            handle.text([f"[{number}.{i}]"])
            handle.gen(f"v{number}", GenParams())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    text = handle.current_text().result(20)
    assert all(f"[{n}.{i}]" in text for n in range(8) for i in range(50))
    assert text.count("g") == 400
    assert len({call.step.key for call in backend.calls}) == 400


def test_a_program_that_uses_threads(tmp_path: object) -> None:
    backend = RecordingBackend()

    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "start"
        forks = s.fork(4)

        def expand(i):  # type: ignore[no-untyped-def]
            forks[i] += f"{i}" + sgl.gen("x")
            return forks[i]["x"]

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(expand, range(4)))

    assert len(set(program.run(backend=backend).ret_value)) == 4


class Plain(BaseBackend):
    """Answers with the prompt's length."""

    def generate(self, s, sampling_params):  # type: ignore[no-untyped-def]
        return str(len(s.text_)), None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_a_driver_of_its_own() -> None:
    backend, plain = RecordingBackend(), Plain()

    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "start" + sgl.gen("x")
        return s["x"]

    program.run(backend=backend)
    expected = program.run(backend=plain).ret_value
    child = os.fork()
    if child == 0:
        ok = bool(program.run(backend=backend).ret_value)
        ok = ok and program.run(backend=plain).ret_value == expected
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
