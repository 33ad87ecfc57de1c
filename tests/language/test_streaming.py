"""Following a run while it goes on."""

import asyncio
import time

import pytest

import sglc as sgl
from sglc.backends.recording import RecordingBackend


@sgl.function
def program(s, topic):  # type: ignore[no-untyped-def]
    s += f"On {topic}: " + sgl.gen("a")
    forks = s.fork(2)
    forks += "branch" + sgl.gen("b")
    s += " and " + sgl.select("c", ["x", "y"]) + "."


def test_all_text_in_pieces(backend: RecordingBackend, compiled: bool) -> None:
    backend.hold = 99
    state = program.run("cats", stream=True, compiled=compiled)
    pieces = state.text_iter()
    assert next(pieces) == "On cats: "
    backend.release()
    assert "On cats: " + "".join(pieces) == state.text()
    assert "branch" not in state.text()


def test_one_variable(backend: RecordingBackend, compiled: bool) -> None:
    state = program.run("cats", stream=True, compiled=compiled)
    assert "".join(state.text_iter("a")) == state["a"]
    assert "".join(state.text_iter("c")) == state["c"]
    assert list(state.text_iter("nothing")) == [""]


def test_without_stream_there_is_one_piece(backend: RecordingBackend, compiled: bool) -> None:
    state = program.run("cats", compiled=compiled)
    assert list(state.text_iter()) == [state.text()]
    assert list(state.text_iter("a")) == [state["a"]]


def test_text_arrives_before_the_program_ends(backend: RecordingBackend) -> None:
    backend.rules["^first"] = "one"
    backend.hold = 0

    @sgl.function
    def two(s):  # type: ignore[no-untyped-def]
        s += "first" + sgl.gen("a")
        s["a"]
        backend.hold = 99
        s += "second" + sgl.gen("b")

    state = two.run(stream=True, compiled=False)
    pieces = state.text_iter()
    seen = ""
    while "second" not in seen:
        seen += next(pieces)
    assert seen == "firstonesecond"
    backend.release()
    assert "".join(pieces) == state["b"]


def test_values_wait_for_the_body(backend: RecordingBackend, compiled: bool) -> None:
    backend.delay = 0.005
    state = program.run("cats", stream=True, compiled=compiled)
    assert state["c"] in ("x", "y")
    assert state.text().endswith(".")
    assert state.error() is None


def test_failures_end_the_stream(backend: RecordingBackend, compiled: bool) -> None:
    backend.failures["bad"] = OSError("gone")
    state = program.run("bad", stream=True, compiled=compiled)
    pieces = state.text_iter()
    assert next(pieces) == "On bad: "
    with pytest.raises(OSError, match="gone"):
        next(pieces)
    with pytest.raises(OSError, match="gone"):
        list(state.text_iter("a"))


def test_body_exceptions_end_the_stream(backend: RecordingBackend, compiled: bool) -> None:
    @sgl.function
    def failing(s):  # type: ignore[no-untyped-def]
        s += "text"
        raise LookupError("mine")

    state = failing.run(stream=True, compiled=compiled)
    with pytest.raises(LookupError, match="mine"):
        list(state.text_iter())
    assert isinstance(state.error(), LookupError)
    for look in (state.text, state.messages, lambda: state["nothing"], lambda: state.ret_value):
        with pytest.raises(LookupError):
            look()
    state.sync()


def test_forks_can_be_followed(backend: RecordingBackend) -> None:
    backend.delay = 0.001
    kept = []

    @sgl.function
    def forking(s):  # type: ignore[no-untyped-def]
        s += "start" + sgl.gen("a")
        forks = s.fork(2)
        kept.extend(forks)
        for i, f in enumerate(forks):
            f += f" branch {i}" + sgl.gen("b")

    state = forking.run(stream=True, compiled=False)
    state.sync()
    for fork in kept:
        assert "".join(fork.text_iter()) == fork.text()


def test_reasoning_is_streamed_once(backend: RecordingBackend, compiled: bool) -> None:
    backend.rules["think"] = "<think>why</think>because"

    @sgl.function
    def thinking(s):  # type: ignore[no-untyped-def]
        s += sgl.user("think")
        with s.assistant():
            s += sgl.separate_reasoning(sgl.gen("x"), model_type="qwen3")

    state = thinking.run(stream=True, compiled=compiled)
    assert "".join(state.text_iter()) == ("USER:think\nASSISTANT:<think>why</think>because\n")
    assert state.text() == "USER:think\nASSISTANT:because\n"


def test_a_program_can_follow_itself(backend: RecordingBackend, compiled: bool) -> None:
    @sgl.function
    def reader(s):  # type: ignore[no-untyped-def]
        s += "a" + sgl.gen("x")
        child = s.fork(1)[0]
        child += "c"
        seen = "".join(s.text_iter()), "".join(s.text_iter("x")), list(s.text_iter("later"))
        return seen, "".join(child.text_iter())

    state = reader.run(stream=True, compiled=compiled)
    text = "a" + state["x"]
    assert state.ret_value == ((text, state["x"], [""]), text + "c")


def test_many_coroutines_follow_at_the_same_time(backend: RecordingBackend) -> None:
    async def first_pieces() -> list[str]:
        followers = [program.run(str(i), stream=True).text_async_iter() for i in range(50)]
        pieces = await asyncio.gather(*(anext(follower) for follower in followers))
        backend.release()
        return pieces

    backend.hold = 999
    assert asyncio.run(asyncio.wait_for(first_pieces(), 20)) == [f"On {i}: " for i in range(50)]


def test_a_coroutine_that_stops_following_waits_for_nothing(backend: RecordingBackend) -> None:
    async def follow() -> None:
        async for _ in program.run("cats", stream=True).text_async_iter("a"):
            pass

    backend.hold = 999
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(follow(), 0.2))
    assert time.monotonic() - begin < 10
    backend.release()
