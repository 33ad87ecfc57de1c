"""The engine in its own process: same results, errors that say why, no process left behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sglc_runtime import EngineConfig, EngineError, EngineProcess, InlineEngine
from sglc_runtime.client import EngineClient
from sglc_runtime.protocol import (
    Append,
    Cancel,
    Command,
    Done,
    Event,
    Failed,
    Generate,
    Sampling,
    Score,
    Submit,
    Text,
)
from tests.runtime.engine.driving import GREEDY, checkpoint

ROOT = Path(__file__).parents[3]


def config() -> EngineConfig:
    return EngineConfig(model=str(checkpoint()), threads=1, kv_slots=4096)


def alive(pid: int) -> bool:
    """The process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def gone(pid: int, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


def drive(client: EngineClient, commands: list[Command], count: int) -> list[Event]:
    """Submit, and poll until `count` requests have ended."""
    client.submit(commands)
    events: list[Event] = []
    while sum(isinstance(event, Done | Failed) for event in events) < count:
        events += client.poll(30)
    return events


@pytest.fixture(scope="module")
def process() -> Iterator[EngineProcess]:
    client = EngineProcess(config())
    yield client
    client.close()
    assert not alive(client.pid)


def requests() -> list[Command]:
    steps = (Generate(GREEDY), Append(" is "), Score((" good", " bad")), Generate(GREEDY, 3))
    return [Submit(i, (Text("Hello " * i),), steps, stream=i == 2) for i in range(1, 6)]


def test_both_clients_give_the_same_events(process: EngineProcess) -> None:
    inline = InlineEngine(config())
    ours, theirs = drive(inline, requests(), 5), drive(process, requests(), 5)
    assert ours == theirs
    assert inline.info == process.info
    inline.close()
    with pytest.raises(EngineError, match="closed"):
        inline.submit([])


def test_poll_times_out(process: EngineProcess) -> None:
    began = time.monotonic()
    assert process.poll(0.1) == []
    assert 0.05 < time.monotonic() - began < 5
    assert process.poll(0) == []


def test_large_messages_do_not_block(process: EngineProcess) -> None:
    # More than a socket buffer in both directions before anything is polled.
    sampling = Sampling(max_new_tokens=1, temperature=0.0, prompt_logprobs_from=0, top_logprobs=9)
    submits: list[Command] = [
        Submit(100 + i, (Text("word " * 90),), (Generate(sampling),)) for i in range(60)
    ]
    process.submit(submits)
    process.submit([Submit(500 + i, (Text("x" * 40_000),), ()) for i in range(60)])
    assert len([e for e in drive(process, [], 120) if isinstance(e, Done)]) == 120


def test_cancel_reaches_a_busy_engine(process: EngineProcess) -> None:
    endless = Sampling(max_new_tokens=480, temperature=0.0, ignore_eos=True)
    process.submit([Submit(1, (Text("Hi"),), (Generate(endless),), stream=True)])
    assert process.poll(30)
    process.submit([Cancel(1)])
    events = drive(process, [], 1)
    assert isinstance(events[-1], Failed)
    assert events[-1].kind == "cancelled"


def test_interrupt_is_the_clients_business(process: EngineProcess) -> None:
    os.kill(process.pid, signal.SIGINT)
    assert drive(process, [Submit(1, (Text("Hi"),), (Generate(GREEDY),))], 1)[-1] == Done(1)


@pytest.mark.parametrize(
    ("config_json", "kind"), [(None, "model_not_found"), ("{", "bad_checkpoint")]
)
def test_an_engine_that_cannot_start_says_why(
    config_json: str | None, kind: str, tmp_path: Path
) -> None:
    model = str(tmp_path / "model")
    if config_json is not None:
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "config.json").write_text(config_json)
    client = EngineProcess(EngineConfig(model=model))
    with pytest.raises(EngineError) as caught:
        _ = client.info
    assert caught.value.kind == kind
    assert model in caught.value.message
    with pytest.raises(EngineError):
        client.submit([])
    client.close()
    assert not alive(client.pid)


def test_info_while_another_thread_polls() -> None:
    client = EngineProcess(config())
    ended: list[EngineError] = []

    def poll() -> None:
        try:
            while True:
                client.poll(None)
        except EngineError as error:
            ended.append(error)

    thread = threading.Thread(target=poll)
    thread.start()
    time.sleep(0.1)
    assert client.info.context_length == 512
    client.close()
    thread.join(10)
    assert [error.message for error in ended] == ["the engine is closed"]


INTERRUPTED = """
import os, signal, sys, threading, time
from sglc_runtime import EngineConfig, EngineProcess
from sglc_runtime.protocol import *

client = EngineProcess(EngineConfig(model=sys.argv[1], threads=1))
client.info
step = Generate(Sampling(max_new_tokens=12, temperature=0.0, ignore_eos=True))
for number in range(40):
    client.submit([Submit(number, (Text("Hi" * 50),), (step,), stream=True)])
hits = 0
polling = False

def note(*_):
    global hits, polling
    hits += polling
    if polling:
        polling = False
        raise KeyboardInterrupt

def interrupt():
    while hits < 60:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.002)

signal.signal(signal.SIGINT, note)
threading.Thread(target=interrupt).start()
seen = []
while hits < 60:
    try:
        polling = True
        seen += client.poll(0.05)
        polling = False
    except KeyboardInterrupt:
        pass
polling = False
# The stream is still whole: a new request gets its answer.
client.submit([Submit(99, (Text("Hi"),), (step,))])
while Done(99) not in seen:
    seen += client.poll(10)
client.close()
print("whole")
"""


def test_an_interrupt_waits_for_a_whole_message() -> None:
    result = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(checkpoint())],
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'runtime'}{os.pathsep}{ROOT / 'grammar'}"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert result.stdout == "whole\n", result.stderr


def test_a_killed_worker_is_reported() -> None:
    client = EngineProcess(config())
    assert client.info
    os.kill(client.pid, signal.SIGKILL)
    with pytest.raises(EngineError, match="the engine died"):
        drive(client, [], 1)
    with pytest.raises(EngineError, match="the engine died"):
        client.submit([])
    client.close()
    client.close()
    assert not alive(client.pid)


@pytest.mark.parametrize("ending", ["pass", "os._exit(3)", "os.kill(os.getpid(), 9)"])
def test_the_worker_ends_with_its_parent(ending: str, tmp_path: Path) -> None:
    script = f"""
        import os, sys
        from sglc_runtime import EngineConfig, EngineProcess
        client = EngineProcess(EngineConfig(model={str(checkpoint())!r}, threads=1))
        client.info
        assert "torch" not in sys.modules
        print(client.pid, flush=True)
        {ending}
    """
    # A file that would shadow a module the worker needs, where scripts live.
    (tmp_path / "random.py").write_text("raise SystemExit('shadowed')")
    result = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'runtime'}{os.pathsep}{ROOT / 'grammar'}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stdout, result.stderr
    assert gone(int(result.stdout))


def test_the_embedded_model_in_a_process() -> None:
    client = EngineProcess(EngineConfig(threads=1))
    steps = (Generate(GREEDY), Score((" yes", " no")), Generate(Sampling(regex="[a-z]{3}", n=2)))
    events = drive(client, [Submit(1, (Text("Q: Is it sunny?\nA:"),), steps)], 1)
    assert events == drive(
        InlineEngine(EngineConfig(threads=1)), [Submit(1, (Text("Q: Is it sunny?\nA:"),), steps)], 1
    )
    client.close()


def test_closing_a_worker_that_still_loads_does_not_wait_for_it() -> None:
    engine = EngineProcess()
    pid = engine.pid
    engine.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(EngineError):
        engine.submit([])


def test_descriptors_above_1023() -> None:
    """`select` takes none; a program with many files open has its socket up there."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1100
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"at most {hard} files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(1030)]
    try:
        client = EngineProcess(config())
        try:
            assert client._connection.fileno() > 1023
            events = drive(client, requests(), 5)
            assert not [event for event in events if isinstance(event, Failed)]
        finally:
            client.close()
    finally:
        for number in opened:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_values_of_a_wrong_type_do_not_end_the_worker(process: EngineProcess) -> None:
    wrong = Sampling(temperature="hot")  # type: ignore[arg-type]
    bad: list[Command] = [
        Submit(11, (Text("Hello"),), (Generate(wrong),)),
        Submit(12, (Text("\ud800"),), (Generate(GREEDY),)),
        Submit(13, (Text("Hello"),), (Generate(GREEDY, key=1 << 80),)),
    ]
    events = drive(process, [*bad, Submit(14, (Text("Hello"),), (Generate(GREEDY),))], 4)
    failed = {event.id: event.kind for event in events if isinstance(event, Failed)}
    assert failed == dict.fromkeys((11, 12, 13), "bad_request")
    assert process._process.poll() is None


@pytest.mark.parametrize(
    "changes", [{"kv_slots": "many"}, {"attention": "psychic"}, {"model": "\udc80"}]
)
def test_options_of_a_wrong_type(changes: dict[str, object]) -> None:
    def start() -> None:
        client = EngineProcess(EngineConfig(**changes))  # type: ignore[arg-type]
        try:
            _ = client.info
        finally:
            client.close()

    with pytest.raises(EngineError, match="invalid engine option") as caught:
        start()
    assert "Traceback" not in caught.value.message
