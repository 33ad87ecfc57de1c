"""
Random programs while everything that may not matter is shuffled at once.

Batch order and size, cuts of the prompt, what the cache holds and who loses his place: each
request gives the logits, bit for bit, and the tokens that it gives alone in a fresh cache.
"""

from __future__ import annotations

from functools import cache
from random import Random

import pytest
import torch
from torch import Tensor

from sglc_runtime.engine import EngineLoop
from sglc_runtime.models.load import EMBEDDED
from sglc_runtime.protocol import (
    Append,
    Event,
    FlushCache,
    Generate,
    Sampling,
    Score,
    Step,
    Submit,
    Text,
    Warm,
)
from sglc_runtime.scheduler import Limits
from tests.runtime.engine.driving import LogitsLog, make_engine, results, run

pytestmark = pytest.mark.engine

OPENINGS = (
    "Q: What is the capital of France?\nA:",
    "List two tips for staying healthy.\n1.",
    "Here are two tips for staying healthy: 1. Balanced Diet. 2. Regular Exercise.\n\n",
    "def add(left, right):\n    return",
)
ENDINGS = ("", " Now, expand the first tip:", " It is", "\nQ: What is 7 * 8?\nA:", " é")
GREEDY = Sampling(max_new_tokens=10, temperature=0.0, ignore_eos=True)
SAMPLED = Sampling(max_new_tokens=7, temperature=0.9, n=2, ignore_eos=True)
CHOICES = (" yes", " no", " not at all")
Seen = tuple[dict[tuple[int, int], object], dict[tuple[int, int, int, int], Tensor]]


def programs(random: Random, count: int) -> list[Submit]:
    """Chains that begin alike in groups and go on in their own ways."""
    return [
        Submit(
            number,
            (Text(random.choice(OPENINGS) * random.randint(1, 3) + random.choice(ENDINGS)),),
            tuple(_step(random, 100 * number + at) for at in range(random.randint(1, 4))),
            priority=random.choice((0, 0, 1)),
        )
        for number in range(count)
    ]


def _step(random: Random, key: int) -> Step:
    kind = random.random()
    if kind < 0.2:
        return Append(random.choice(ENDINGS))
    if kind < 0.35:
        return Score(CHOICES)
    return Generate(SAMPLED if kind < 0.65 else GREEDY, key)


@cache
def engine_of(slots: int) -> EngineLoop:
    """Engines are made once: what they did before is a part of the test."""
    return make_engine(model=str(EMBEDDED), kv_slots=slots)


def alone(submits: list[Submit]) -> Seen:
    """Each by itself, nothing cached, its prompt in one piece."""
    engine = engine_of(4096)
    engine.limits = Limits(64, 512)
    log = LogitsLog(engine)
    found: dict[tuple[int, int], object] = {}
    for submit in submits:
        found |= results(run(engine, [FlushCache(), submit], check=False))
    return found, log.rows


def shuffled(submits: list[Submit], random: Random) -> tuple[Seen, EngineLoop]:
    """All together, in random order at random times, in an engine that is upset all the while."""
    engine = engine_of(random.choice((260, 420)))
    engine.limits = Limits(random.choice((2, 5, 16)), random.choice((1, 7, 33, 512)))
    if random.random() < 0.5:
        engine.submit([FlushCache()])
    log = LogitsLog(engine)
    coming = random.sample(submits, len(submits))
    events: list[Event] = []
    while coming or engine.busy:
        if coming and random.random() < 0.4:
            arriving = [coming.pop() for _ in range(min(len(coming), random.randint(1, 5)))]
            engine.submit(arriving)
        disturb(engine, random)
        engine.step()
        events += engine.take_events()
    engine.check_integrity()
    numbers = {submit.id for submit in submits}
    seen = results([event for event in events if getattr(event, "id", None) in numbers])
    return (seen, log.rows), engine


def disturb(engine: EngineLoop, random: Random) -> None:
    """Take somebody's place away, evict, flush, or warm something, now and then."""
    kind = random.random()
    if kind < 0.10 and engine.admission.running:
        engine.admission.preempt(random.choice(engine.admission.running))
    elif kind < 0.14:
        engine.cache.tree.evict(random.randint(1, 60))
    elif kind < 0.16:
        engine.submit([FlushCache()])
    elif kind < 0.18:
        engine.submit([Warm(1000 + random.randrange(10**6), (Text(random.choice(OPENINGS)),))])


@pytest.mark.parametrize("seed", range(4))
def test_nothing_but_the_path_decides_logits_and_tokens(seed: int) -> None:
    random = Random(seed)
    submits = programs(random, 12)
    expected, logits = alone(submits)
    for _ in range(2):
        (seen, rows), engine = shuffled(submits, random)
        assert seen == expected
        assert rows.keys() == logits.keys()
        different = [at for at, row in rows.items() if not torch.equal(row, logits[at])]
        assert not different
        assert engine.stats().preemptions > 0


def test_the_same_arrivals_give_the_same_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is in a pass, with which rows, follows from the order of arrival alone."""

    def passes() -> list[list[tuple[int, int, int, int]]]:
        engine = make_engine(kv_slots=210, max_running=8, chunk_tokens=20)
        seen: list[list[tuple[int, int, int, int]]] = []
        pack = engine.packer.pack

        def record(work, version):  # type: ignore[no-untyped-def]
            packed = pack(work, version)
            seen.append([(s.order[1], s.order[2], start, end) for s, start, end, _ in packed.work])
            return packed

        monkeypatch.setattr(engine.packer, "pack", record)
        random = Random(3)
        submits = programs(random, 16)
        engine.submit(submits[:9])
        for _ in range(12):
            engine.step()
        run(engine, submits[9:], check=False)
        assert engine.stats().preemptions > 0
        return seen

    assert passes() == passes()
