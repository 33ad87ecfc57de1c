"""Awaited programs: nothing blocks the event loop, and cancelling leaves nothing behind."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from sglc.backends.recording import RecordingBackend
from sglc.frontends.python import compile_function
from tests.differential.observing import observe
from tests.language import async_programs as programs

pytestmark = pytest.mark.timeout(30)
FAILING = {"BOOM": RuntimeError("the model failed")}


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    programs.SEEN.clear()


def outcome(program: Any, *args: Any, **how: Any) -> tuple[Any, ...]:
    """What awaiting a run gives, and what it asked of the model."""
    backend = RecordingBackend(seeded=True, delay=0.001, failures=FAILING)
    programs.SEEN.clear()
    state = asyncio.run(program.arun(*args, backend=backend, seed=3, **how))
    value = state.ret_value
    return value, state.text(), state.messages(), backend.prompts, list(programs.SEEN)


@pytest.mark.parametrize(
    ("program", "args"),
    [
        (programs.chat, ("Who?",)),
        (programs.plain, ("Who?",)),
        (programs.silent, ("Who?",)),
        (programs.streams, (3,)),
        (programs.reads_everywhere, ()),
    ],
    ids=lambda value: value.func.__name__ if hasattr(value, "func") else "",
)
def test_compiled_is_as_written(program: Any, args: tuple[Any, ...]) -> None:
    assert outcome(program, *args) == outcome(program, *args, compiled=False)


def test_programs_that_call_programs() -> None:
    """The order in which concurrent runs say something is not given; everything else is."""
    a = outcome(programs.calls_others, ["x", "y", "z"])
    b = outcome(programs.calls_others, ["x", "y", "z"], compiled=False)
    assert a[:4] == b[:4]
    assert sorted(a[4]) == sorted(b[4])
    assert {"root>0", "root>1", "root>2", "root>3"} <= a[3].keys()


def test_many_run_at_once_on_one_loop() -> None:
    """The backend answers only when all five generations are under way."""
    backend = RecordingBackend(hold=5)

    async def five() -> list[Any]:
        return await asyncio.gather(
            *[programs.chat.arun(f"{i}?", backend=backend) for i in range(5)]
        )

    states = asyncio.run(five())
    assert backend.most_in_flight == 5
    assert [len(s.messages()) for s in states] == [4] * 5


def test_other_coroutines_go_on_while_a_program_reads() -> None:
    backend = RecordingBackend(hold=10**6)

    async def answer_later() -> None:
        while not backend.calls:
            await asyncio.sleep(0.001)
        backend.release()

    async def both() -> Any:
        later = asyncio.create_task(answer_later())
        state = await programs.chat.arun("Who?", backend=backend)
        await later
        return state

    assert len(asyncio.run(both()).messages()) == 4


def test_calling_an_async_program_gives_a_coroutine() -> None:
    async def ask() -> Any:
        return await programs.chat("Who?", backend=RecordingBackend())

    assert asyncio.run(ask()).ret_value


def soon(happened: Callable[[], bool]) -> bool:
    """Whether something happens within seconds."""
    end = time.monotonic() + 10
    while not happened() and time.monotonic() < end:
        time.sleep(0.001)
    return happened()


def test_cancelling_closes_roles_and_stops_generations() -> None:
    backend = RecordingBackend(hold=10**6)

    async def main() -> None:
        task = asyncio.create_task(programs.waits_in_a_role.arun(backend=backend))
        while not backend.calls:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert programs.SEEN == ["reading", ("role", None)]
    # The driver tells the backend, on a thread of its own.
    assert soon(lambda: bool(backend._cancelled))


@pytest.mark.parametrize("program", [programs.plain, programs.silent], ids=["thread", "strand"])
def test_cancelling_a_plain_program_stops_its_generations(program: Any) -> None:
    backend = RecordingBackend(hold=10**6)

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(program.arun("Who?", backend=backend), 0.05)

    asyncio.run(main())
    assert soon(lambda: bool(backend._cancelled))
    assert programs.SEEN == []


def test_failed_generations_stay_in_the_state() -> None:
    backend = RecordingBackend(failures=FAILING)
    state = asyncio.run(programs.fails.arun(backend=backend))
    assert programs.SEEN == ["the model failed"]
    assert str(state.error()) == "the model failed"
    assert any("gen('a') at" in note for note in state.error().__notes__)


def test_other_exceptions_leave_with_the_program_s_lines() -> None:
    with pytest.raises(LookupError, match="own") as raised:
        asyncio.run(programs.raises.arun(backend=RecordingBackend()))
    frames = traceback.extract_tb(raised.value.__traceback__)
    line = programs.raises.func.__code__.co_firstlineno + 3
    assert [(f.name, f.lineno) for f in frames if f.filename == programs.__file__] == [
        ("raises", line)
    ]


@pytest.mark.parametrize("program", [programs.chat, programs.plain], ids=["async", "plain"])
def test_without_a_loop_run_and_batches_work(program: Any) -> None:
    backend = RecordingBackend(seeded=True)
    alone = program.run("Who?", backend=backend, seed=1)
    awaited = asyncio.run(program.arun("Who?", backend=backend, seed=1))
    assert alone.text() == awaited.text()
    rows = program.run_batch([{"question": q} for q in "abc"], backend=backend, seed=1)
    assert [row.error() for row in rows] == [None] * 3


def test_run_inside_a_loop_says_what_to_write() -> None:
    async def main() -> None:
        programs.chat.run("Who?", backend=RecordingBackend())

    with pytest.raises(RuntimeError, match=r"await chat\.arun"):
        asyncio.run(main())


def test_streams_of_async_programs_can_be_followed() -> None:
    state = programs.chat.run("Who?", backend=RecordingBackend(), stream=True)
    assert "".join(state.text_iter()) == state.text()


def test_arun_cannot_stream() -> None:
    with pytest.raises(ValueError, match="text_async_iter"):
        asyncio.run(programs.chat.arun("Who?", stream=True))


def test_parameters_named_like_options_get_the_argument() -> None:
    state = asyncio.run(programs.several_samples.arun(seed=7, backend=RecordingBackend()))
    assert state.text().startswith("7")


def test_async_programs_are_remarked() -> None:
    compiled = compile_function(programs.chat.func)
    assert [(r.code, r.span.line) for r in compiled.remarks if r.span] == [
        ("SGL0302", programs.chat.func.__code__.co_firstlineno + 1)
    ]
    assert compiled.emitted is not programs.chat.func


def test_eager_and_compiled_runs_without_a_loop_agree() -> None:
    seen = [
        observe(
            lambda **how: programs.chat.run("Who?", **how),
            programs.__file__,
            compiled=compiled,
            options=options,
            delays=True,
        )
        for compiled, options in ((False, None), (True, None))
    ]
    assert seen[0] == seen[1]
