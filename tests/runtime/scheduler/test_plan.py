"""The scheduler as a pure function: what it plans for given queues."""

from __future__ import annotations

from copy import deepcopy
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from sglc_runtime.kv import Match
from sglc_runtime.queueing import admission_order, rank
from sglc_runtime.scheduler import Limits, plan
from sglc_runtime.sequence import Sequence

STEP = cast(Any, SimpleNamespace())


def sequence(number: int, ids: list[int], computed: int = 0, priority: int = 0) -> Sequence:
    made = Sequence(STEP, (-priority, number, 0), ids, len(ids) - 1)
    made.computed = made.node_length = computed
    made.arrival = number
    return made


def nothing_cached(ids: list[int]) -> Match:
    return Match(0, 0)


def rows(*args: Any, available: int = 10_000, match: Any = nothing_cached) -> list[tuple[int, int]]:
    """Plan, as (request id, rows)."""
    running, waiting, limits = args
    planned = plan(running, waiting, limits, available, match)
    assert planned.preempt is None
    return [(chunk.sequence.order[1], chunk.rows) for chunk in planned.chunks]


def test_decodes_come_first_and_prompts_fill_the_rest() -> None:
    running = [sequence(1, [1] * 50, 10), sequence(2, [2] * 9, 8), sequence(3, [3] * 7, 6)]
    waiting = [sequence(4, [4] * 30)]
    assert rows(running, waiting, Limits(8, 60)) == [(2, 1), (3, 1), (1, 40), (4, 18)]
    assert rows(running, waiting, Limits(8, 20)) == [(2, 1), (3, 1), (1, 18)]
    assert rows(running, waiting, Limits(3, 60)) == [(2, 1), (3, 1), (1, 40)]


def test_a_higher_priority_overtakes_a_running_prompt() -> None:
    running = [sequence(1, [1] * 50, 10)]
    waiting = [sequence(2, [2] * 15, priority=1)]
    assert rows(running, waiting, Limits(8, 20)) == [(2, 15), (1, 5)]


def test_a_prefix_of_this_pass_is_not_computed_twice() -> None:
    prefix = list(range(100, 140))
    waiting = [sequence(i, [*prefix, i, i]) for i in range(3)] + [sequence(3, [*prefix, 0, 0])]
    assert rows([], waiting, Limits(8, 512)) == [(0, 42), (1, 2), (2, 2), (3, 1)]
    # Only as much of it as this pass reaches counts.
    assert rows([], waiting, Limits(8, 30)) == [(0, 30)]


def test_cached_prefixes_and_wanted_logits() -> None:
    def match(ids: list[int]) -> Match:
        return Match(min(6, len(ids)), 0)

    plain, scored = sequence(1, [5] * 10), sequence(2, [6] * 10)
    scored.want_from = 2
    assert rows([], [plain, scored], Limits(8, 512), match=match) == [(1, 4), (2, 8)]


def test_admission_ends_at_the_first_that_does_not_fit() -> None:
    waiting = [sequence(1, [1] * 20), sequence(2, [2] * 50), sequence(3, [3] * 5)]
    assert rows([], waiting, Limits(8, 512), available=60) == [(1, 20)]
    assert rows([], waiting[1:], Limits(8, 512), available=49) == []


def test_a_full_pool_preempts_the_last_in_order() -> None:
    running = [sequence(n, [n] * 9, 8) for n in range(4)]
    planned = plan(running, [], Limits(8, 512), 3, nothing_cached)
    assert planned.preempt is running[-1]
    assert plan(running, [], Limits(8, 512), 4, nothing_cached).preempt is None
    stuck = [sequence(1, [1] * 20, 10), sequence(2, [2] * 20, 10)]
    assert plan(stuck, [], Limits(8, 512), 0, nothing_cached).preempt is stuck[1]


IDS = st.lists(st.integers(0, 1), min_size=1, max_size=25)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(IDS, st.integers(0, 24)), max_size=5),
    st.lists(IDS, max_size=6),
    st.integers(1, 8),
    st.integers(1, 40),
    st.integers(0, 80),
)
def test_plans_stay_within_their_limits(
    running: list[tuple[list[int], int]],
    waiting: list[list[int]],
    max_running: int,
    chunk_tokens: int,
    available: int,
) -> None:
    now = [sequence(n, ids, min(done, len(ids) - 1)) for n, (ids, done) in enumerate(running)]
    queue = sorted((sequence(10 + n, ids) for n, ids in enumerate(waiting)), key=rank)
    order = list(admission_order(queue, []))
    before = deepcopy([(s.ids, s.computed, s.kv_length) for s in (*now, *queue)])
    limits = Limits(max_running, chunk_tokens)
    planned = plan(now, queue, limits, available, nothing_cached)
    assert planned == plan(now, queue, limits, available, nothing_cached)
    assert [(s.ids, s.computed, s.kv_length) for s in (*now, *queue)] == before
    if planned.preempt is not None:
        assert planned.preempt is now[-1]
        assert not planned.chunks
        return
    members = [chunk.sequence for chunk in planned.chunks]
    assert len(set(map(id, members))) == len(members)
    assert sum(chunk.rows for chunk in planned.chunks) <= chunk_tokens
    assert all(0 < chunk.rows <= len(chunk.sequence.ids) for chunk in planned.chunks)
    admitted = [s for s in members if s in queue]
    assert admitted == order[: len(admitted)]
    assert not admitted or len(now) + len(admitted) <= max_running
    grown = sum(c.rows for c in planned.chunks if c.sequence not in queue)
    assert grown <= max(available, 0)
    if now or (queue and len(order[0].ids) <= available):
        assert planned.chunks
