"""Random requests through the executor, on a device that is late: each ends as it would alone."""

from __future__ import annotations

from collections import Counter
from random import Random

from sglc_runtime.protocol import Cancel, Event, FlushCache, Submit
from tests.runtime.device.comparing import said
from tests.runtime.device.late_lane import LateLane
from tests.runtime.device.stepping import Watched, late_engine
from tests.runtime.engine.driving import run
from tests.runtime.engine.test_fuzz import reference
from tests.runtime.engine.test_overlap_fuzz import SIZES, random_commands


def run_seed(seed: int, counts: Counter[str]) -> None:
    """One random run against each of its requests alone."""
    random = Random(seed)
    slots, max_running, chunk_tokens = random.choice(SIZES)
    lane = LateLane()
    engine = late_engine(lane, kv_slots=slots, max_running=max_running, chunk_tokens=chunk_tokens)
    engine.lifecycle.clock = float  # nothing is ever too late
    watched = Watched(engine)
    commands = random_commands(random)
    events: list[Event] = []
    now = 0
    while engine.step() or now < 50:
        engine.check_integrity()
        engine.submit([command for when, command in commands if when == now])
        events += engine.take_events()
        now += 1
    events += engine.take_events()
    assert not engine.requests
    cancelled = {command.id for _, command in commands if isinstance(command, Cancel)}
    for submit in [command for _, command in commands if isinstance(command, Submit)]:
        texts, _ = said(events, submit.id)
        alone = Submit(submit.id, submit.prefix, submit.steps, submit.stream)
        want, _ = said(run(reference(), [FlushCache(), alone], check=False), submit.id)
        if submit.id in cancelled and texts != want:
            assert texts[:-1] == want[: len(texts) - 1]
        else:
            assert texts == want
    engine.submit([FlushCache()])
    assert engine.cache.allocator.free == slots
    counts["steps"] += len(watched.steps)
    counts["ahead"] += watched.ahead
    counts["preemptions"] += engine.stats().preemptions
    counts["rows"] = max(counts["rows"], max((len(step.work) for step in watched.steps), default=0))


def test_every_request_ends_as_it_would_alone() -> None:
    counts: Counter[str] = Counter()
    for seed in range(4):
        run_seed(seed, counts)
    assert counts["ahead"] > 50
    assert counts["preemptions"]
    assert counts["rows"] > 4
