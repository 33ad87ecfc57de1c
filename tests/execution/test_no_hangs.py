"""A backend that raises anywhere, or reports nonsense, fails the program and hangs nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

import sglc as sgl
from sglc.backends.base import BaseBackend
from sglc.backends.recording import RecordingBackend
from sglc.execution.driver import Driver
from sglc.execution.pending import Pending
from sglc.execution.requests import AppendStep, Chain, GenResult, SelectResult, Sink, Warmup
from sglc.execution.session import Session
from sglc.language.chat_template import ChatTemplate, get_chat_template
from sglc.language.sampling import DEFAULTS, GenParams

PATIENCE = 10.0


@sgl.function
def silent(s):  # type: ignore[no-untyped-def]
    s += "a" + sgl.gen("x")
    forks = s.fork(2)
    for f in forks:
        f += "b" + sgl.gen("y") + sgl.select("z", ["u", "v"])
    for f in forks:
        s += f["y"] + f["z"]
    s += sgl.gen("end")


@sgl.function
def hosting(s):  # type: ignore[no-untyped-def]
    s += "a" + sgl.gen("x")
    with s.user():
        s += s["x"].upper() + sgl.select("z", ["u", "v"])
    seen = [s["x"], s["z"]]
    s += sgl.gen("end")
    return len(seen)


def within(work: Callable[[], Any]) -> Any:
    """What `work` gives or raises on a thread of its own; fails when it takes too long."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert found, "the program hangs"
    return found[0]


class Broken:
    """Goes wrong in one way."""

    wants_snapshots = False

    def __init__(self, how: str) -> None:
        self.how = how

    def get_chat_template(self) -> ChatTemplate:
        if self.how == "template":
            raise RuntimeError("no template")
        return get_chat_template("default")

    def submit(self, work: Sequence[Chain | Warmup], sink: Sink) -> None:
        if self.how == "submit":
            raise RuntimeError("no submit")
        if self.how == "exit":
            raise SystemExit("no submit")
        for item in work:
            if isinstance(item, Chain):
                self.answer(item, sink)
                if self.how == "half":
                    raise RuntimeError("no more")

    def answer(self, chain: Chain, sink: Sink) -> None:
        for number, step in enumerate(chain.steps):
            if isinstance(step, AppendStep):
                if self.how == "text":
                    sink.finished(chain.id, number, GenResult(("t",), None))
                continue
            match self.how:
                case "nothing":
                    sink.finished(chain.id, number, None)  # type: ignore[arg-type]
                case "no texts":
                    sink.finished(chain.id, number, GenResult((), None))
                case "wrong step":
                    sink.finished(chain.id, number + 50, GenResult(("t",), None))
                case "twice":
                    for _ in range(2):
                        sink.finished(chain.id, number, GenResult(("t",), None))
                case "both":
                    sink.finished(chain.id, number, GenResult(("t",), None))
                    sink.failed(chain.id, number, RuntimeError("late"))
                case "unknown":
                    sink.finished(chain.id + 1000, number, GenResult(("t",), None))
                    sink.delta(chain.id + 1000, number, "t")
                    sink.failed(chain.id, number, RuntimeError("known"))
                case _:
                    sink.finished(chain.id, number, SelectResult("t", None))

    def cancel(self, chains: Sequence[int]) -> None:
        raise RuntimeError("no cancel")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("program", [silent, hosting], ids=["silent", "hosting"])
@pytest.mark.parametrize(
    ("how", "fails"),
    [
        ("template", True),
        ("submit", True),
        ("exit", True),
        ("half", None),
        ("nothing", True),
        ("no texts", True),
        ("wrong step", True),
        ("unknown", True),
        ("text", None),
        ("twice", False),
        ("both", None),
        ("fine", False),
    ],
)
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])
def test_model_backends(program: Any, how: str, fails: bool | None, compiled: bool) -> None:
    def work() -> Any:
        state = program.run(backend=Broken(how), compiled=compiled)
        state.sync()
        return state.error()

    found = within(work)
    # What was answered before `submit` raised, or beside nonsense, is as good as any.
    assert fails is None or isinstance(found, BaseException) == fails, found


class Raising(BaseBackend):
    """A user's backend one of whose calls raises, or gives no text."""

    def __init__(self, where: str, error: BaseException | None) -> None:
        super().__init__()
        self.where = where
        self.error = error

    def _maybe(self, where: str) -> Any:
        if where != self.where:
            return None
        if self.error is not None:
            raise self.error
        return 7

    def generate(self, s: Any, sampling_params: Any) -> Any:
        return self._maybe("generate") or "text", {}

    def generate_stream(self, s: Any, sampling_params: Any) -> Any:
        yield "te", {}
        yield self._maybe("stream") or "xt", {}

    def select(self, s: Any, choices: Any, temperature: Any, choices_method: Any = None) -> Any:
        return self._maybe("select") or (choices[0], [0.0])


@pytest.mark.parametrize("program", [silent, hosting], ids=["silent", "hosting"])
@pytest.mark.parametrize("where", ["generate", "stream", "select"])
@pytest.mark.parametrize(
    "error", [ValueError("bad"), KeyboardInterrupt(), SystemExit(1), None], ids=repr
)
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])
def test_users_backends(program: Any, where: str, error: Any, compiled: bool) -> None:
    def work() -> Any:
        stream = where == "stream"
        state = program.run(backend=Raising(where, error), compiled=compiled, stream=stream)
        state.sync()
        return state.error()

    found = within(work)
    assert isinstance(found, TypeError if error is None else type(error)), found


def test_a_callback_that_raises_keeps_nothing_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", reported.append)
    value: Pending[int] = Pending()
    seen: list[int] = []
    value.add_done_callback(lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    value.add_done_callback(lambda p: seen.append(p.value()))
    with pytest.raises(ZeroDivisionError):
        value.set_result(3)
    assert seen == [3]

    backend = RecordingBackend(hold=1000)
    handle = Session(backend, DEFAULTS, 1).root()
    handle.gen("x", GenParams())
    Driver.get().when_done(handle.tip, lambda _: 1 / 0)  # type: ignore[arg-type,return-value]
    Driver.get().post(lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    backend.release()
    assert within(lambda: handle.read("x"))
    assert within(silent.run(backend=backend).text).startswith("a")
    assert len(reported) == 2


OBSERVATIONS: dict[str, Callable[[Any], Any]] = {
    "variable": lambda s: s["x"],
    "get_var": lambda s: s.get_var("x"),
    "meta": lambda s: s.get_meta_info("x"),
    "text": lambda s: s.text(),
    "messages": lambda s: s.messages(),
    "repr": repr,
    "iterator": lambda s: list(s.text_iter()),
    "variable's iterator": lambda s: list(s.text_iter("x")),
    "result": lambda s: s.ret_value,
    "executor": lambda s: s.stream_executor.text_,
}


@pytest.mark.parametrize("stream", [False, True], ids=["", "stream"])
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])
@pytest.mark.parametrize("look", OBSERVATIONS.values(), ids=OBSERVATIONS.keys())
def test_every_observation_raises_the_failure_with_the_gens_line(
    look: Callable[[Any], Any], compiled: bool, stream: bool
) -> None:
    @sgl.function
    def program(s):  # type: ignore[no-untyped-def]
        s += "BOOM" + sgl.gen("x")
        return s["x"]

    line = program.func.__code__.co_firstlineno + 2
    backend = RecordingBackend(failures={"BOOM": ValueError("the model failed")})
    state = program.run(backend=backend, compiled=compiled, stream=stream)
    for _ in range(2):
        with pytest.raises(ValueError, match="the model failed") as caught:
            within_raising(lambda: look(state))
        assert caught.value.__notes__ == [f"in gen('x') at {__file__}:{line}"]
    assert isinstance(state.error(), ValueError)
    state.sync()


def within_raising(work: Callable[[], Any]) -> Any:
    found = within(work)
    if isinstance(found, BaseException):
        raise found
    return found
