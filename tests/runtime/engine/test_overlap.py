"""Running ahead changes nothing that a client sees, and leaves no slot behind."""

from __future__ import annotations

import pytest

from sglc_runtime.protocol import FlushCache
from tests.runtime.engine.driving import make_engine, run
from tests.runtime.engine.late_executor import make_late
from tests.runtime.engine.test_fuzz import outcome
from tests.runtime.speculation.test_exactness import KINDS, program

CASES = [
    *((kind, True, True) for kind in KINDS),
    *((kind, False, True) for kind in ("sampled", "stop")),
    *((kind, True, False) for kind in ("top-p", "json")),
]


@pytest.mark.parametrize(("kind", "slow", "overlap"), CASES)
def test_events_are_those_of_the_plain_engine(kind: str, slow: bool, overlap: bool) -> None:
    plain, engine = make_engine(), make_engine()
    executor = make_late(engine, slow=slow)
    engine.decoding.overlap = overlap
    submits = [program(number, KINDS[kind]) for number in range(3)]
    want, got = run(plain, submits), run(engine, submits)
    for submit in submits:
        assert outcome(got, submit.id) == outcome(want, submit.id)
    assert engine.stats().completion_tokens == plain.stats().completion_tokens
    assert bool(executor.counts["ahead"]) == overlap
    engine.submit([FlushCache()])
    assert engine.cache.allocator.free == 4096
