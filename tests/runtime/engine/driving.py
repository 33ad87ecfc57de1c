"""Helpers of the engine tests: engines over tiny checkpoints, and runs to the end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

from torch import Tensor

from sglc_runtime.config import EngineConfig
from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import (
    Command,
    Event,
    Failed,
    Generate,
    Generated,
    Sample,
    Sampling,
    Scored,
    Submit,
    Text,
)
from sglc_runtime.start import start_engine
from tests.runtime.tiny_checkpoints import Family, write_checkpoint

E = TypeVar("E")
GREEDY = Sampling(max_new_tokens=12, temperature=0.0, ignore_eos=True)


@cache
def checkpoint(family: Family = "llama") -> Path:
    """A random checkpoint, written once per test process."""
    return write_checkpoint(Path(mkdtemp(prefix="sglc-test-")) / family, family)


def make_engine(
    family: Family = "llama",
    *,
    kv_slots: int = 4096,
    max_running: int = 64,
    chunk_tokens: int = 512,
    model: str | None = None,
) -> EngineLoop:
    """A fresh engine; one torch thread."""
    engine, _ = start_engine(
        EngineConfig(
            model=model or str(checkpoint(family)),
            kv_slots=kv_slots,
            max_running=max_running,
            chunk_tokens=chunk_tokens,
            threads=1,
        )
    )
    return engine


def run(engine: EngineLoop, commands: Sequence[Command], check: bool = True) -> list[Event]:
    """Carry commands out to the end; the engine's invariants hold after every pass."""
    engine.submit(commands)
    events = engine.take_events()
    while engine.step():
        if check:
            engine.check_integrity()
        events += engine.take_events()
    assert not engine.requests
    engine.check_integrity()
    return events


def only(events: Sequence[Event], kind: type[E]) -> list[E]:
    """Events of one type, in order."""
    return [event for event in events if isinstance(event, kind)]


def generate(
    engine: EngineLoop, prompt: str, sampling: Sampling = GREEDY, key: int = 0
) -> tuple[Sample, ...]:
    """Samples of a single request."""
    events = run(engine, [Submit(0, (Text(prompt),), (Generate(sampling, key),))])
    assert not only(events, Failed), only(events, Failed)
    return only(events, Generated)[0].samples


def failure(events: Sequence[Event]) -> Failed:
    """The only failure."""
    (failed,) = only(events, Failed)
    return failed


def results(events: Sequence[Event]) -> dict[tuple[int, int], object]:
    """What each step gave, by request and step: sample texts and ids, or scores."""
    assert not only(events, Failed), only(events, Failed)
    found: dict[tuple[int, int], object] = {}
    for event in events:
        if isinstance(event, Generated):
            found[event.id, event.step] = event.samples
        elif isinstance(event, Scored):
            found[event.id, event.step] = (event.winner, event.scores)
    return found


class LogitsLog:
    """Records every row of logits that was sampled from."""

    def __init__(self, engine: EngineLoop) -> None:
        self.rows: dict[tuple[int, int, int, int], Tensor] = {}
        engine.on_logits = self

    def __call__(self, request: int, step: int, sample: int, position: int, row: Tensor) -> None:
        self.rows[request, step, sample, position] = row.clone()
