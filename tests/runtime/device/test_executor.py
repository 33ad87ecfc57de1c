"""Steps through the executor give the tokens of ordinary passes."""

from __future__ import annotations

import pytest

from sglc_runtime.device.graphs import Graphs
from sglc_runtime.protocol import (
    FlushCache,
    Generate,
    Sampling,
    Submit,
    Text,
)
from tests.runtime.device.comparing import said
from tests.runtime.device.late_lane import LateLane
from tests.runtime.device.replaying import ReplayCapture
from tests.runtime.device.stepping import Watched, ahead_engine, generic_engine, torch_engine
from tests.runtime.engine.driving import make_engine, run
from tests.runtime.speculation.test_exactness import KINDS, SCHEMA, WORDS, program


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "context"])
def test_events_are_those_of_ordinary_passes(kind: str) -> None:
    plain, engine = make_engine(), ahead_engine()
    watched = Watched(engine)
    submits = [program(number, KINDS[kind]) for number in range(3)]
    want, got = run(plain, submits), run(engine, submits)
    for submit in submits:
        (texts, numbers), (other, expected) = said(got, submit.id), said(want, submit.id)
        assert texts == other
        assert numbers == pytest.approx(expected, abs=1e-4)
    assert watched.steps
    assert watched.ahead
    engine.submit([FlushCache()])
    assert engine.cache.allocator.free == 4096


MIXED = (
    Sampling(max_new_tokens=14, temperature=0.0, ignore_eos=True),
    Sampling(max_new_tokens=5, temperature=0.9, n=3, ignore_eos=True),
    Sampling(max_new_tokens=8, temperature=0.8, top_p=0.9, min_new_tokens=3),
    Sampling(max_new_tokens=9, temperature=0.6, json_schema=SCHEMA),
)


def test_a_late_device_that_replays_changes_nothing() -> None:
    """Steps are recorded, replayed without their Python, and done at the last moment."""
    lane, capture = LateLane(), ReplayCapture()
    engine = torch_engine(lane, Graphs(capture, 4))
    submits = [
        Submit(number, (Text(WORDS[: 9 + number]),), (Generate(sampling, key=number),))
        for number, sampling in enumerate(MIXED)
    ]
    want, got = run(make_engine(), submits), run(engine, submits)
    for submit in submits:
        assert said(got, submit.id)[0] == said(want, submit.id)[0]
    assert capture.replays > 2 * capture.recordings > 2
    assert lane.waits


def test_a_model_of_transformers_is_replayed() -> None:
    """Nothing in its forward pass looks at a value, so that it can be recorded."""
    lane, capture = LateLane(), ReplayCapture()
    sampling = Sampling(max_new_tokens=5, temperature=0.0, ignore_eos=True)
    submits = [Submit(n, (Text(WORDS[: 9 + n]),), (Generate(sampling),)) for n in range(2)]
    engine = generic_engine(lane, Graphs(capture, 4))
    want, got = run(make_engine(), submits), run(engine, submits)
    assert [said(got, n)[0] for n in range(2)] == [said(want, n)[0] for n in range(2)]
    assert capture.replays >= 3
