"""Order of admission: hit-optimal within a round, fair across rounds, deterministic."""

from __future__ import annotations

from bisect import insort
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc_runtime import queueing
from sglc_runtime.kv import Match
from sglc_runtime.kv.node import common_length
from sglc_runtime.queueing import admission_order, rank
from sglc_runtime.scheduler import Limits, plan
from sglc_runtime.sequence import Sequence

STEP = cast(Any, SimpleNamespace())
IDS = st.lists(st.integers(0, 2), min_size=1, max_size=8)


def sequence(arrival: int, ids: list[int], priority: int = 0, *, started: bool = False) -> Sequence:
    made = Sequence(STEP, (-priority, arrival, 0), ids, len(ids) - 1)
    made.arrival, made.started = arrival, started
    return made


def arrivals(order: list[Sequence]) -> list[int]:
    return [member.arrival for member in order]


@given(st.lists(IDS, min_size=1, max_size=12), IDS)
def test_a_cache_of_one_path_computes_every_prefix_once(
    prompts: list[list[int]], cursor: list[int]
) -> None:
    waiting = sorted((sequence(n, ids) for n, ids in enumerate(prompts)), key=rank)
    order = list(admission_order(waiting, cursor))
    assert sorted(arrivals(order)) == list(range(len(prompts)))
    computed = 0
    path = cursor
    for member in order:
        computed += len(member.ids) - common_length(member.ids, 0, path, 0)
        path = member.ids
    every = {tuple(ids[: n + 1]) for ids in prompts for n in range(len(ids))}
    cached = {tuple(cursor[: n + 1]) for n in range(len(cursor))}
    assert computed == len(every - cached)


def test_what_shares_nothing_goes_in_order_of_arrival() -> None:
    waiting = sorted((sequence(n, [9 - n, n]) for n in range(9)), key=rank)
    assert arrivals(list(admission_order(waiting, [5, 5]))) == [4, 0, 1, 2, 3, 5, 6, 7, 8]
    assert arrivals(list(admission_order(waiting, []))) == list(range(9))


def test_priority_comes_before_prefixes_and_what_lost_its_place_before_what_had_none() -> None:
    members = [
        sequence(0, [1, 1]),
        sequence(1, [2, 1]),
        sequence(2, [2, 2], started=True),
        sequence(3, [1, 2], priority=1),
        sequence(4, [2, 3]),
    ]
    waiting = sorted(members, key=rank)
    assert arrivals(list(admission_order(waiting, [2, 9]))) == [3, 2, 1, 4, 0]


def test_rounds_go_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "ROUND", 3)
    waiting = sorted((sequence(n, [n % 2, n]) for n in range(8)), key=rank)
    assert arrivals(list(admission_order(waiting, [1]))) == [1, 0, 2, 4, 3, 5, 7, 6]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 9), st.lists(st.tuples(st.integers(0, 3), IDS), max_size=60))
def test_nobody_is_overtaken_by_a_round_of_later_ones(
    size: int, stream: list[tuple[int, list[int]]]
) -> None:
    # hypothesis reuses function-scoped fixtures, so no monkeypatch here.
    usual, queueing.ROUND = queueing.ROUND, size
    try:
        waiting: list[Sequence] = []
        cursor: list[int] = []
        overtaken: dict[int, int] = {}
        arrived = 0
        for count, ids in stream:
            for extra in range(count):
                # What arrives shares the prefix at hand, the worst case for the others.
                prompt = [*cursor, extra] if extra else ids
                insort(waiting, sequence(arrived, prompt), key=rank)
                arrived += 1
            chosen = next(admission_order(waiting, cursor), None)
            if chosen is None:
                continue
            waiting.remove(chosen)
            cursor = chosen.ids
            for member in waiting:
                if member.arrival < chosen.arrival:
                    overtaken[member.arrival] = overtaken.get(member.arrival, 0) + 1
        assert max(overtaken.values(), default=0) <= size - 1
    finally:
        queueing.ROUND = usual


def test_a_stream_of_shared_prefixes_starves_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through `plan`: each waiting request gets rows within a bounded number of passes."""
    monkeypatch.setattr(queueing, "ROUND", 8)
    random = Random(7)
    limits = Limits(max_running=3, chunk_tokens=16)
    running: list[Sequence] = []
    waiting: list[Sequence] = []
    decoded: dict[int, int] = {}
    cursor: list[int] = []
    born: dict[int, int] = {}
    waits: list[int] = []
    arrived = 0
    for now in range(3000):
        while len(waiting) < 30:  # more than can be served, for ever
            shared = random.random() < 0.9
            ids = [*([5] * 20 if shared else [7, arrived]), arrived, arrived]
            insort(waiting, sequence(arrived, ids), key=rank)
            born[arrived] = now
            arrived += 1
        planned = plan(running, waiting, limits, 10_000, lambda ids: Match(0, 0), cursor)
        assert planned.preempt is None
        for member, count in planned.chunks:
            if member in waiting:
                waiting.remove(member)
                cursor = member.ids
                waits.append(now - born[member.arrival])
                insort(running, member, key=lambda s: s.order)
            member.computed += count
            member.node_length = member.computed
            if member.computed == len(member.ids):
                member.ids.append(1)
                decoded[member.arrival] = decoded.get(member.arrival, 0) + 1
        running = [member for member in running if decoded.get(member.arrival, 0) < 4]
    # A request takes at most 2 + 4 passes; 30 + 8 of them may go first, 3 at a time.
    assert len(waits) > 500
    assert max(waits) <= (30 + 8) * 6 / 3 + 6
    assert max(waiting, key=lambda s: now - born[s.arrival]).arrival > arrived - 30 - 8
