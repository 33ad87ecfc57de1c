"""Deadlines and bounded queues, through the engine."""

from __future__ import annotations

import math

import pytest

from sglc_runtime.config import EngineConfig
from sglc_runtime.protocol import (
    Done,
    FlushCache,
    Generate,
    Generated,
    Sampling,
    Submit,
    Text,
    Warm,
)
from sglc_runtime.start import start_engine
from tests.runtime.engine.driving import GREEDY, checkpoint, failure, make_engine, only, run

PROMPT = "It is a sunny day, and it's 23 degrees outside. "
LONG = Sampling(max_new_tokens=100, temperature=0.0, ignore_eos=True)


def submit(number: int, sampling: Sampling = GREEDY, deadline: float | None = None) -> Submit:
    return Submit(number, (Text(PROMPT),), (Generate(sampling),), deadline=deadline)


class Clock:
    """Time that moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_deadlines_of_what_waits_and_what_runs() -> None:
    engine, clock = make_engine(max_running=1), Clock()
    engine.lifecycle.clock = clock
    engine.submit([submit(1, LONG, deadline=2.0), submit(2, deadline=0.5), submit(3)])
    engine.step()
    assert not engine.take_events()
    clock.now += 0.5
    engine.step()
    engine.check_integrity()
    waited = failure(engine.take_events())
    assert (waited.id, waited.kind) == (2, "deadline")
    assert waited.message == "the deadline of 0.5 seconds passed before it was begun"
    clock.now += 1.5
    events = run(engine, [])
    ran = failure(events)
    assert (ran.id, ran.kind) == (1, "deadline")
    assert ran.message == "the deadline of 2 seconds passed in step 0"
    assert only(events, Done) == [Done(3)]
    run(engine, [FlushCache()])
    assert engine.cache.allocator.free == 4096


def test_a_deadline_that_is_kept_changes_nothing_and_binds_no_later_request() -> None:
    engine, clock = make_engine(), Clock()
    engine.lifecycle.clock = clock
    events = run(engine, [submit(1, deadline=5.0)])
    expected = only(run(make_engine(), [submit(1)]), Generated)[0].samples
    assert only(events, Generated)[0].samples == expected
    engine.submit([submit(1, LONG)])
    clock.now += 10
    assert only(run(engine, []), Done) == [Done(1)]


@pytest.mark.parametrize("deadline", [0.0, -1.0, math.nan, math.inf])
def test_what_is_no_deadline(deadline: float) -> None:
    failed = failure(run(make_engine(), [submit(1, deadline=deadline)]))
    assert failed.kind == "bad_request"
    assert "a deadline must be positive" in failed.message


def test_more_than_may_wait_is_refused_at_once() -> None:
    config = EngineConfig(model=str(checkpoint()), kv_slots=4096, max_running=2, max_waiting=3)
    engine, _ = start_engine(config)
    engine.submit([submit(number) for number in range(6)])
    failed = failure(engine.take_events())
    assert (failed.id, failed.kind) == (5, "overloaded")
    assert failed.message == "5 requests wait already; max_waiting is 3"
    engine.step()  # two have a place now, three wait
    engine.submit([submit(6), Warm(7, (Text(PROMPT),))])
    assert [event.id for event in engine.take_events()] == [6, 7]  # type: ignore[union-attr]
    events = run(engine, [])
    assert {done.id for done in only(events, Done)} == {0, 1, 2, 3, 4}
    assert only(run(engine, [submit(6)]), Done) == [Done(6)]
    assert not engine.admission.unstarted


def test_no_one_waits_where_nothing_may() -> None:
    config = EngineConfig(model=str(checkpoint()), kv_slots=4096, max_running=2, max_waiting=1)
    engine, _ = start_engine(config)
    engine.limits = type(engine.limits)(2, 512, 0)
    engine.submit([submit(number) for number in range(3)])
    assert failure(engine.take_events()).id == 2
    assert len(only(run(engine, []), Done)) == 2
