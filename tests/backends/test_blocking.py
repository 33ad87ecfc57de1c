"""Backends that users derive from `BaseBackend`."""

import contextvars
import dataclasses
import gc
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

import sglc as sgl
from sglc.execution.calls import IDLE_SECONDS, CallPool
from sglc.lang.backend.base_backend import BaseBackend
from sglc.lang.chat_template import get_chat_template
from sglc.lang.choices import ChoicesDecision
from sglc.lang.interpreter import ProgramState

trace = contextvars.ContextVar("trace", default="none")


class Echo(BaseBackend):
    """Says how long the prompt is; keeps what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.chat_template = get_chat_template("chatml")
        self.seen: list[Any] = []
        self.traces: list[str] = []
        self.meeting: threading.Barrier | None = None

    def generate(self, s: Any, sampling_params: Any) -> tuple[Any, Any]:
        if self.meeting is not None:
            self.meeting.wait(10)
        if "bad" in s.text_:
            raise ConnectionError("unreachable")
        self.seen.append(s)
        self.traces.append(trace.get())
        said = f"<{len(s.text_)}>"
        if sampling_params.n > 1:
            return [said] * sampling_params.n, [{}] * sampling_params.n
        return said, {"prompt_tokens": len(s.text_), "temperature": sampling_params.temperature}

    def generate_stream(self, s: Any, sampling_params: Any) -> Iterator[tuple[str, Any]]:
        text, meta = self.generate(s, sampling_params)
        for character in text:
            yield character, meta

    def select(
        self, s: Any, choices: list[str], temperature: float, choices_method: Any = None
    ) -> ChoicesDecision:
        return ChoicesDecision(max(choices, key=len), {"temperature": temperature})


@pytest.fixture(params=[True, False], ids=["compiled", "eager"])
def compiled(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_program(compiled: bool) -> None:
    backend = Echo()

    @sgl.function
    def program(s, name):  # type: ignore[no-untyped-def]
        s += sgl.user("hi " + name)
        s += sgl.assistant("I say " + sgl.gen("a", temperature=0.5))
        forks = s.fork(2)
        forks += sgl.gen("b", n=2)
        forks.join()
        s += sgl.select("c", ["x", "long"], temperature=0.7)
        return s["a"]

    state = program.run("Ada", backend=backend, compiled=compiled)
    text = "<|im_start|>user\nhi Ada<|im_end|>\n<|im_start|>assistant\nI say "
    assert state.text() == f"{text}<{len(text)}><|im_end|>\nlong"
    assert state.ret_value == f"<{len(text)}>"
    assert state.get_meta_info("a") == {"prompt_tokens": len(text), "temperature": 0.5}
    assert state.get_meta_info("c") == {"temperature": 0.7}
    assert [len(b) for b in state["b"]] == [2, 2]


def test_snapshots_show_the_state_before_the_step(compiled: bool) -> None:
    backend = Echo()

    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += sgl.system("sys")
        s += sgl.user_begin() + "ask " + sgl.gen("a")
        s["extra"] = 5
        s += " then " + sgl.gen("b")
        s += " end"

    state = program.run(backend=backend, compiled=compiled)
    state.sync()
    first, second = backend.seen
    assert first.cur_role == "user"
    assert first.text_[first.cur_role_begin_pos :] == "ask "
    assert first.messages_ == [{"role": "system", "content": "sys"}]
    assert "a" not in first.variables
    assert second.variables["a"] == state["a"]
    assert second.variables["extra"] == 5
    assert second.text_.endswith(f"ask {state['a']} then ")
    assert set(second.meta_info) == {"a"}
    assert first.chat_template is backend.chat_template
    assert first.backend is backend
    assert first.sid == second.sid
    with pytest.raises(AttributeError):
        first.text_ = "changed"


def test_calls_overlap_and_see_the_callers_context(compiled: bool) -> None:
    backend = Echo()
    # All four calls must be inside `generate` at the same time.
    backend.meeting = threading.Barrier(4)

    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "q"
        forks = s.fork(4)
        forks += sgl.gen("x")
        forks.join()

    token = trace.set("mine")
    try:
        state = program.run(backend=backend, compiled=compiled)
    finally:
        trace.reset(token)
    assert len(state["x"]) == 4
    assert backend.traces == ["mine"] * 4


def test_rows_overlap(compiled: bool) -> None:
    backend = Echo()
    backend.meeting = threading.Barrier(8)

    @sgl.function
    def program(s, x):  # type: ignore[no-untyped-def]
        s += x + sgl.gen("y")

    states = program.run_batch([(str(i),) for i in range(8)], backend=backend, compiled=compiled)
    assert [s["y"] for s in states] == ["<1>"] * 8


def test_errors_are_the_backends_own(compiled: bool) -> None:
    backend = Echo()

    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "good" + sgl.gen("a")
        s += "bad" + sgl.gen("b")

    state = program.run(backend=backend, compiled=compiled)
    assert state["a"] == "<4>"
    assert isinstance(state.error(), ConnectionError)
    with pytest.raises(ConnectionError, match="unreachable") as caught:
        state["b"]
    assert any("generate" in str(entry) for entry in caught.traceback)


def test_streaming(compiled: bool) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "abc" + sgl.gen("a") + "d"

    state = program.run(backend=Echo(), stream=True, compiled=compiled)
    assert "".join(state.text_iter("a")) == "<3>"
    assert "".join(state.text_iter()) == "abc<3>d"


def test_minimal_backends_work() -> None:
    class Plain:
        def generate(self, s: Any, sampling_params: Any) -> tuple[str, None]:
            return s.text_.upper(), None

    class Half(BaseBackend):
        def generate(self, s: Any, sampling_params: Any) -> tuple[str, None]:
            return "x", None

    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "a" + sgl.gen("x")

    @sgl.function
    def choosing(s):  # type: ignore[no-untyped-def]
        s += "a" + sgl.select("x", ["a", "b"])

    assert program.run(backend=Plain())["x"] == "A"
    assert program.run(backend=Half(), stream=True)["x"] == "x"
    with pytest.raises(NotImplementedError, match="Half cannot score choices"):
        choosing.run(backend=Half())["x"]


def test_the_pool_keeps_to_its_size_and_reuses_threads() -> None:
    pool = CallPool(2)
    inside, most, lock = 0, 0, threading.Lock()
    done = threading.Semaphore(0)

    def call() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.001)
        with lock:
            inside -= 1
        done.release()

    for _ in range(20):
        pool.submit(call)
    for _ in range(20):
        assert done.acquire(timeout=10)
    assert most == 2


def run_on(backend: Any, compiled: bool = True) -> ProgramState:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "q" + sgl.gen("x") + sgl.select("y", choices=["u", "v"]) + sgl.gen("z")

    return program.run(backend=backend, compiled=compiled)


@pytest.mark.parametrize("reply", [None, 3, b"x", [], [None], (None, {}), ("a", {}, 3)])
def test_replies_that_are_no_text_fail_their_step(reply: Any, compiled: bool) -> None:
    class Wrong(BaseBackend):
        def generate(self, s: Any, sampling_params: Any) -> Any:
            return reply

    state = run_on(Wrong(), compiled)
    with pytest.raises(TypeError, match=r"Wrong\.generate returned .* as text"):
        state["x"]


@pytest.mark.parametrize("decision", [None, "u", ChoicesDecision(3, {})])  # type: ignore[arg-type]
def test_decisions_that_are_none_fail_their_step(decision: Any) -> None:
    class Wrong(Echo):
        def select(self, *args: Any, **kwargs: Any) -> Any:
            return decision

    state = run_on(Wrong())
    assert state["x"] == "<1>"
    with pytest.raises(TypeError, match=r"Wrong\.select returned"):
        state["y"]


@dataclasses.dataclass(frozen=True)
class UnchangeableError(Exception):
    code: int


class GuardedError(Exception):
    def add_note(self, note: str) -> None:
        raise RuntimeError("no notes")


@pytest.mark.parametrize("error", [UnchangeableError(7), GuardedError("guarded")])
def test_exceptions_that_take_no_note_reach_the_program(error: Exception, compiled: bool) -> None:
    class Failing(BaseBackend):
        def generate(self, s: Any, sampling_params: Any) -> Any:
            raise error

    state = run_on(Failing(), compiled)
    assert state.error() is error
    with pytest.raises(type(error)):
        state["x"]


@dataclasses.dataclass
class Comparing(BaseBackend):
    """Equal to others of its kind, and so unhashable."""

    says: str = dataclasses.field(compare=False)

    def generate(self, s: Any, sampling_params: Any) -> Any:
        return self.says, {}

    def select(self, s: Any, choices: list[str], *args: Any, **kwargs: Any) -> ChoicesDecision:
        return ChoicesDecision(choices[0], {})


class Slotted:
    """No BaseBackend, and nothing can refer to it weakly."""

    __slots__ = ()

    def generate(self, s: Any, sampling_params: Any) -> Any:
        return "slotted", {}


def test_any_object_with_generate_is_a_backend() -> None:
    first, second = Comparing("first"), Comparing("second")
    assert first == second
    assert [run_on(backend)["x"] for backend in (first, second)] == ["first", "second"]
    assert run_on(Slotted())["x"] == "slotted"


def test_a_class_is_no_backend() -> None:
    with pytest.raises(TypeError, match="an instance of one"):
        run_on(Comparing)


def test_backends_are_not_kept_alive() -> None:
    backend = Comparing("here")
    known = weakref.ref(backend)
    assert run_on(backend)["x"] == "here"
    del backend
    # The thread of the last call may still be on its way out of it; it idles for longer than this.
    end = time.monotonic() + IDLE_SECONDS / 2
    while known() is not None and time.monotonic() < end:
        gc.collect()
    assert known() is None
