"""Processes that die, stop or are left behind: errors that say so, no hangs, no orphans."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from sglc_runtime import Engine, Generate, RequestError, Sampling
from sglc_runtime.client import EngineProcess
from sglc_runtime.config import EngineConfig
from sglc_runtime.errors import EngineError
from sglc_runtime.families.compare import make_prompts
from sglc_runtime.parallel.team import Team
from sglc_runtime.protocol import Submit, Text
from tests.runtime.engine.driving import checkpoint
from tests.runtime.models.driving import greedy
from tests.runtime.parallel.sharing import CPU, shared

LONG = Sampling(max_new_tokens=480, temperature=0.0, ignore_eos=True)
CONFIG = EngineConfig(model=str(checkpoint()), kv_slots=2048, threads=1, tp_size=2)

needs_proc = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="children are found in /proc"
)


def children(pid: int) -> list[int]:
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    return False


def wait_until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def kill_during_a_pass(client: EngineProcess, pid: int) -> None:
    """Kill when text has begun to come, so that more is being computed."""
    client.submit([Submit(0, (Text("a long story"),), (Generate(LONG, 1),), stream=True)])
    assert client.poll(60)
    os.kill(pid, signal.SIGKILL)


def poll_to_the_end(client: EngineProcess) -> None:
    while client.poll(60):
        pass


@needs_proc
def test_a_follower_that_dies_ends_the_engine_and_is_named() -> None:
    client = EngineProcess(CONFIG)
    try:
        assert client.info.tp_size == 2
        (follower,) = children(client.pid)
        kill_during_a_pass(client, follower)
        with pytest.raises(EngineError) as caught:
            poll_to_the_end(client)
        said = f"process 1 of 2 of the model (pid {follower}) was killed by SIGKILL"
        assert caught.value.message == said
        wait_until(lambda: not alive(client.pid))
    finally:
        client.close()


@needs_proc
def test_followers_end_with_an_engine_that_is_killed() -> None:
    client = EngineProcess(CONFIG)
    try:
        assert client.info.tp_size == 2
        (follower,) = children(client.pid)
        folders = list(Path(tempfile.gettempdir()).glob("sglc-tp-*"))
        # Ctrl-C of a terminal would not even reach it.
        assert os.getpgid(follower) == follower
        kill_during_a_pass(client, client.pid)
        wait_until(lambda: not alive(follower))
        assert any(not folder.exists() for folder in folders)
    finally:
        client.close()


@needs_proc
def test_an_engine_in_this_process() -> None:
    """It says who died, goes on saying it, and leaves nothing behind."""
    with Engine(checkpoint(), process=False, kv_slots=2048, threads=1, tp_size=2) as engine:
        assert engine.submit(["Hello", Generate(Sampling(max_new_tokens=4))]).result(60).texts
        (follower,) = [pid for pid in children(os.getpid()) if is_follower(pid)]
        os.kill(follower, signal.SIGINT)  # ignored: rank 0 decides what Ctrl-C means
        assert engine.submit(["Hello", Generate(Sampling(max_new_tokens=4))]).result(60).texts
        os.kill(follower, signal.SIGTERM)
        for _ in range(2):
            with pytest.raises((EngineError, RequestError), match="was killed by SIGTERM"):
                engine.submit(["Hello", Generate(LONG)]).result(60)
    assert not torch.distributed.is_initialized()
    assert not alive(follower)


def is_follower(pid: int) -> bool:
    return b"sglc_runtime.parallel.follower" in Path(f"/proc/{pid}/cmdline").read_bytes()


@torch.inference_mode()
def test_a_follower_that_stops_is_waited_for_only_so_long() -> None:
    team = Team(2, CPU, timeout=2.0)
    try:
        model, attention = shared(team, checkpoint())
        prompts = make_prompts((5, 9))
        assert greedy(model, attention, prompts, 2)
        os.kill(team.pids[0], signal.SIGSTOP)
        with pytest.raises(EngineError, match=r"an exchange of 2 processes failed.*[Tt]imed out"):
            greedy(model, attention, prompts, 2)
        with pytest.raises(EngineError, match=r"[Tt]imed out"):
            team.check()
        wait_until(lambda: not alive(team.pids[0]))
    finally:
        team.close()


def test_a_meeting_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no way to the others")

    monkeypatch.setattr("sglc_runtime.parallel.team.Group", broken)
    with pytest.raises(EngineError, match="none of them has ended: RuntimeError: no way"):
        Team(2, CPU, timeout=5.0)


def test_a_follower_that_cannot_start_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sglc_runtime.parallel.member.FOLLOWER", "sglc_runtime.no_such_module")
    with pytest.raises(EngineError, match=r"ended with status 1:\n.*No module named"):
        Team(2, CPU)
    assert not torch.distributed.is_initialized()
