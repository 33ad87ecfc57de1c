"""Orders of admission by SGLang's names, and what a cache that keeps nothing does to them."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc_runtime.config import EngineConfig
from sglc_runtime.engine import EngineLoop
from sglc_runtime.kv import Match
from sglc_runtime.protocol import (
    Generate,
    Generated,
    Sampling,
    Submit,
    Text,
    Unpin,
    Warm,
)
from sglc_runtime.queueing import ROUND, Policy, admission_order, policy_for, rank
from sglc_runtime.scheduler import Limits, plan
from sglc_runtime.sequence import Sequence
from sglc_runtime.start import start_engine
from tests.runtime.engine.driving import GREEDY, checkpoint, make_engine, only, results, run
from tests.runtime.scheduler.test_order import arrivals, sequence

POLICIES: tuple[Policy, ...] = get_args(Policy)
IDS = st.lists(st.integers(0, 2), min_size=1, max_size=6)


def cached(ids: list[int]) -> Match:
    """A cache that holds [2, 2, 2] and [1]."""
    return Match(3 if ids[:3] == [2, 2, 2] else int(ids[0] == 1), 0)


def wanting(arrival: int, ids: list[int], tokens: int, said: int = 0) -> Sequence:
    made = sequence(arrival, ids)
    run = SimpleNamespace(limit=tokens, tokens=[0] * said)
    made.samples = cast(Any, [run])
    return made


def order(members: list[Sequence], policy: Policy) -> list[int]:
    waiting = sorted(members, key=rank)
    return arrivals(list(admission_order(waiting, [9], policy, cached)))


MEMBERS = (
    wanting(0, [0, 1], 10),
    wanting(1, [2, 2, 2, 5], 30),
    wanting(2, [1, 1], 30, said=25),
    wanting(3, [0, 1, 1], 20),
    wanting(4, [2, 2, 2, 1], 90),
)


@pytest.mark.parametrize(
    ("policy", "want"),
    [
        ("fcfs", [0, 1, 2, 3, 4]),
        ("dfs", [0, 3, 1, 4, 2]),
        ("lpm", [1, 4, 2, 0, 3]),
        ("lof", [4, 1, 3, 0, 2]),
    ],
)
def test_each_policy_has_its_order(policy: Policy, want: list[int]) -> None:
    assert order(list(MEMBERS), policy) == want


def test_random_is_an_order_that_depends_on_nothing() -> None:
    members = [wanting(n, [n % 3, n], n) for n in range(64)]
    chosen = order(members, "random")
    assert sorted(chosen) == list(range(64))
    rising = sum(first < second for first, second in pairwise(chosen))
    assert 20 <= rising <= 43
    others = [wanting(n, [1], 64 - n) for n in range(64)]
    assert order(others, "random") == chosen


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(IDS, st.integers(0, 1), st.booleans()), min_size=1, max_size=20),
    st.sampled_from(POLICIES),
)
def test_priority_and_who_lost_his_place_come_first_under_every_policy(
    drawn: list[tuple[list[int], int, bool]], policy: Policy
) -> None:
    members = [
        sequence(n, ids, priority, started=started)
        for n, (ids, priority, started) in enumerate(drawn)
    ]
    waiting = sorted(members, key=rank)
    chosen = list(admission_order(waiting, [], policy, cached))
    assert sorted(arrivals(chosen)) == list(range(len(members)))
    keys = [(member.order[0], not member.started) for member in chosen]
    assert keys == sorted(keys)


@pytest.mark.parametrize("policy", POLICIES)
def test_no_policy_lets_a_later_round_go_first(policy: Policy) -> None:
    members = [wanting(n, [n % 3], n) for n in range(0, 3 * ROUND, 16)]
    rounds = [arrival // ROUND for arrival in order(members, policy)]
    assert rounds == sorted(rounds)


def test_a_plan_follows_the_policy_of_its_limits() -> None:
    waiting = sorted(MEMBERS, key=rank)
    for policy in POLICIES:
        planned = plan([], waiting, Limits(2, 64, policy=policy), 1000, cached)
        assert [chunk.sequence.arrival for chunk in planned.chunks] == order(list(MEMBERS), policy)[
            :2
        ]


def test_policies_that_look_at_the_cache_need_one() -> None:
    assert [policy_for(policy, radix_cache=False) for policy in POLICIES] == [
        "fcfs",
        "fcfs",
        "fcfs",
        "lof",
        "random",
    ]
    assert [policy_for(policy, radix_cache=True) for policy in POLICIES] == list(POLICIES)


def configured(**options: Any) -> EngineLoop:
    engine, _ = start_engine(
        EngineConfig(model=str(checkpoint()), kv_slots=4096, threads=1, **options)
    )
    return engine


def ask(number: int, text: str = "The quick brown fox jumps. ", new: int = 12) -> Submit:
    sampling = Sampling(max_new_tokens=new, temperature=0.0, ignore_eos=True)
    return Submit(number, (Text(text),), (Generate(sampling),))


@pytest.mark.parametrize("policy", POLICIES)
def test_results_do_not_depend_on_the_policy(policy: Policy) -> None:
    submits = [ask(n, "The quick "[: n % 7 + 2], 3 + n % 5) for n in range(9)]
    engine = configured(schedule_policy=policy, max_running=2)
    assert engine.limits.policy == policy
    assert results(run(engine, submits)) == results(run(make_engine(), submits))


def test_longest_output_first_in_an_engine() -> None:
    engine = configured(schedule_policy="lof", max_running=1)
    events = run(engine, [ask(0, new=3), ask(1, new=9), ask(2, new=6)])
    assert [event.id for event in only(events, Generated)] == [1, 2, 0]


def test_without_a_radix_cache_nothing_stays_and_forks_still_share() -> None:
    engine = configured(disable_radix_cache=True)
    assert engine.limits.policy == "fcfs"
    first = run(engine, [ask(0)])
    assert engine.cache.tree.size == 0
    assert engine.cache.allocator.free == 4096
    again = run(engine, [ask(1)])
    assert [event.cached_tokens for event in only(first + again, Generated)] == [0, 0]
    assert only(first, Generated)[0].samples == only(again, Generated)[0].samples
    prompt = only(first, Generated)[0].prompt_tokens
    before = engine.stats().computed_tokens
    run(engine, [Submit(2, ask(2).prefix, (Generate(Sampling(max_new_tokens=4, n=5)),))])
    assert engine.stats().computed_tokens == before + prompt
    assert engine.cache.tree.size == 0


def test_without_a_radix_cache_a_pinned_prefix_stays() -> None:
    engine = configured(disable_radix_cache=True)
    run(engine, [Warm(7, ask(0).prefix, pin=True)])
    held = engine.cache.tree.size
    assert held
    (event,) = only(run(engine, [ask(0)]), Generated)
    assert event.cached_tokens >= held - 1
    assert engine.cache.tree.size == held
    run(engine, [Unpin(7), Submit(1, (Text("It"),), (Generate(GREEDY),))])
    assert engine.cache.tree.size == 0
