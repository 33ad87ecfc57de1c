"""What the engine's cache keeps, finds and gives up: pins, hints, answers under way, statistics."""

from __future__ import annotations

import pytest

from sglc_runtime import Engine
from sglc_runtime.config import EngineConfig
from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import (
    Cancel,
    Done,
    FlushCache,
    Generate,
    Generated,
    Ids,
    Sampling,
    Submit,
    Text,
    Unpin,
    Warm,
)
from sglc_runtime.start import start_engine
from tests.runtime.engine.driving import checkpoint, failure, make_engine, only, run

PROMPT = "It is a sunny day, and it's 23 degrees outside. "
LONG = Sampling(max_new_tokens=60, temperature=0.0, ignore_eos=True)
ONE = Sampling(max_new_tokens=1, temperature=0.0, ignore_eos=True)


def submit(number: int, text: str, sampling: Sampling = ONE) -> Submit:
    return Submit(number, (Text(text),), (Generate(sampling),))


def cached(engine: EngineLoop, text: str) -> int:
    """How many ids of a prompt the engine would find."""
    return engine.cache.match(list(engine.context.encode(text, True))).length


def test_a_follow_up_finds_an_answer_that_is_still_being_produced() -> None:
    (whole,) = only(run(make_engine(), [submit(1, PROMPT, LONG)]), Generated)
    answer = whole.samples[0].ids
    engine = make_engine()
    engine.submit([submit(1, PROMPT, LONG)])
    for _ in range(31):
        engine.step()
        engine.check_integrity()
    follow_up = Submit(2, (Text(PROMPT), Ids(answer[:25])), (Generate(ONE),))
    other = Submit(3, (Text(PROMPT), Ids((*answer[:10], answer[10] ^ 1))), (Generate(ONE),))
    events = run(engine, [follow_up, other])
    found = {event.id: event for event in only(events, Generated)}
    prompt = whole.prompt_tokens
    assert [done.id for done in only(events, Done)] == [2, 3, 1]
    assert found[2].cached_tokens == prompt + 24  # all but the one whose logits are wanted
    assert found[3].cached_tokens == prompt + 10
    assert found[2].samples[0].ids == answer[25:26]
    assert found[1].samples == whole.samples


def test_a_pinned_prefix_stays_until_it_is_released() -> None:
    engine = make_engine(kv_slots=200)
    assert run(engine, [Warm(1, (Text(PROMPT),), pin=True)]) == [Done(1)]
    pinned = engine.stats().pinned_tokens
    assert pinned == cached(engine, PROMPT) > 10
    run(engine, [FlushCache()])
    run(engine, [submit(n, f"{n} is another number. " * 9) for n in range(10, 16)])
    assert engine.stats().evicted_for_prompts > 0
    assert cached(engine, PROMPT) == pinned
    again = failure(run(engine, [Warm(1, (Text(PROMPT),), pin=True)]))
    assert again.message == "request id 1 is in use by a pinned prefix"
    run(engine, [Unpin(1), Unpin(99), FlushCache()])
    assert engine.stats().pinned_tokens == 0
    assert engine.cache.allocator.free == 200


def test_pins_on_a_common_prefix_count_it_once() -> None:
    engine = make_engine()
    run(engine, [Warm(1, (Text(PROMPT + "A. "),), pin=True), Warm(2, (Text(PROMPT),), pin=True)])
    assert engine.stats().pinned_tokens == engine.stats().tree_tokens
    run(engine, [Unpin(1), FlushCache()])
    assert engine.stats().tree_tokens == engine.stats().pinned_tokens == cached(engine, PROMPT)


def test_no_more_than_half_of_the_pool_can_be_pinned() -> None:
    engine = make_engine(kv_slots=100)
    run(engine, [Warm(1, (Text(PROMPT),), pin=True)])
    failed = failure(run(engine, [Warm(2, (Text("Another one. " * 3),), pin=True)]))
    assert failed.kind == "out_of_memory"
    assert "at most 50 may be, half of the KV pool" in failed.message
    assert only(run(engine, [submit(3, "Hello")]), Done) == [Done(3)]
    failed = failure(run(engine, [submit(4, "Another one. " * 8)]))
    assert "24 of which are pinned" in failed.message


def test_releasing_or_cancelling_what_is_not_yet_pinned() -> None:
    engine = make_engine(chunk_tokens=4)
    engine.submit([Warm(1, (Text(PROMPT),), pin=True), Warm(2, (Text(PROMPT * 2),), pin=True)])
    engine.step()
    events = run(engine, [Unpin(1), Cancel(2)])
    assert only(events, Done) == [Done(1)]
    assert engine.stats().pinned_tokens == 0
    assert run(engine, [Warm(3, (), pin=True)]) == [Done(3)]


FIRST, SECOND = "The capital of France is Paris. " * 4, "What is the answer to it all? " * 4
FILLER = "Some other text, which is long enough to need room. " * 3


@pytest.mark.parametrize("policy", ["next_use", "lru"])
def test_hints_decide_what_is_evicted_first(policy: str) -> None:
    config = EngineConfig(
        model=str(checkpoint()),
        kv_slots=230,
        eviction=policy,  # type: ignore[arg-type]
    )
    engine, _ = start_engine(config)
    # The first is known to be needed again, the second is used last.
    run(engine, [Warm(1, (Text(FIRST),), uses=2)])
    run(engine, [submit(2, SECOND)])
    before = cached(engine, FIRST), cached(engine, SECOND)
    run(engine, [submit(3, FILLER)])
    lost = before[0] - cached(engine, FIRST), before[1] - cached(engine, SECOND)
    assert sum(lost) > 0
    assert (lost[0] > 0, lost[1] > 0) == ((False, True) if policy == "next_use" else (True, False))


def test_the_prefix_that_is_needed_later_goes_first() -> None:
    engine = make_engine(kv_slots=230)
    run(engine, [Warm(1, (Text(FIRST),), uses=1, next_use=50)])
    run(engine, [Submit(2, (Text(SECOND),), (Generate(ONE),), uses=1, next_use=3)])
    before = cached(engine, SECOND)
    run(engine, [submit(3, FILLER)])
    assert cached(engine, SECOND) == before
    assert cached(engine, FIRST) < len(engine.context.encode(FIRST, True)) - 1


def test_a_use_is_a_request_and_not_a_step_or_a_sample() -> None:
    engine = make_engine()
    run(engine, [Warm(1, (Text(PROMPT),), uses=2)])
    three = Sampling(max_new_tokens=4, temperature=0.8, n=3)
    steps = (Generate(three), Generate(ONE), Generate(ONE))
    run(engine, [Submit(2, (Text(PROMPT + "Go"),), steps)])

    def uses() -> int:
        return next(iter(engine.cache.tree.root.children.values())).uses

    assert uses() == 1
    run(engine, [Warm(3, (Text(PROMPT + "Go"),))])
    assert uses() == 1
    run(engine, [submit(4, PROMPT + "Stop")])
    assert uses() == 0


def test_statistics_of_the_cache() -> None:
    engine = make_engine(kv_slots=120)
    run(engine, [submit(1, PROMPT), submit(2, PROMPT)])
    stats = engine.stats()
    assert stats.hit_rate == stats.cached_tokens / stats.prompt_tokens
    assert 0.4 < stats.hit_rate < 0.5
    assert stats.tree_tokens == stats.evictable_tokens == stats.prompt_tokens // 2
    assert stats.tree_nodes >= 1
    engine.submit([submit(3, PROMPT + "Then", LONG)])
    engine.step()
    assert (engine.stats().running, engine.stats().waiting) == (1, 0)
    run(engine, [submit(4, "Count: " * 8, LONG)])
    stats = engine.stats()
    assert stats.evicted_tokens == stats.evicted_for_prompts + stats.evicted_for_decoding > 0
    held = stats.tree_tokens
    run(engine, [FlushCache()])
    assert engine.stats().flushed_tokens == held
    assert engine.stats().tree_nodes == 0


def test_pins_through_the_public_engine() -> None:
    with Engine(str(checkpoint()), process=False, kv_slots=400, threads=1) as engine:
        warmed = engine.warm(PROMPT, pin=True)
        warmed.result()
        engine.flush_cache()
        assert engine.stats().pinned_tokens == engine.stats().tree_tokens > 10
        engine.unpin(warmed)
        engine.flush_cache()
        assert engine.stats().tree_tokens == 0
