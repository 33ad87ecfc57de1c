"""Requests as a whole: chains, cancelling, failures, early prefixes, limits, statistics."""

from __future__ import annotations

import pytest

from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import (
    Append,
    Cancel,
    Done,
    Failed,
    FlushCache,
    Generate,
    Generated,
    GetStats,
    Ids,
    Sampling,
    Score,
    Stats,
    Submit,
    Text,
    Warm,
)
from tests.runtime.engine.driving import GREEDY, failure, make_engine, only, results, run

PROMPT = "It is a sunny day, and it's 23 degrees outside. "


def submit(number: int, prompt: str = PROMPT, sampling: Sampling = GREEDY) -> Submit:
    return Submit(number, (Text(prompt),), (Generate(sampling),))


def test_a_chain_equals_its_steps_one_by_one() -> None:
    steps = (Append("A"), Generate(GREEDY), Append("B"), Append("C"), Generate(GREEDY), Append("D"))
    events = run(make_engine(), [Submit(5, (Text(PROMPT),), steps)])
    first, second = only(events, Generated)
    assert (first.step, second.step, events[-1]) == (1, 4, Done(5))
    engine = make_engine()
    prefix: tuple[Text | Ids, ...] = (Text(PROMPT), Text("A"))
    (one,) = only(run(engine, [Submit(0, prefix, (Generate(GREEDY),))]), Generated)
    prefix = (*prefix, Ids(one.samples[0].ids), Text("BC"))
    (two,) = only(run(engine, [Submit(0, prefix, (Generate(GREEDY),))]), Generated)
    assert (one.samples, two.samples) == (first.samples, second.samples)
    assert second.cached_tokens >= first.prompt_tokens + len(first.samples[0].ids) - 1


def test_steps_without_generation_are_done_at_once() -> None:
    assert run(make_engine(), [Submit(1, (), ()), Submit(2, (), (Append("x"),))]) == [
        Done(1),
        Done(2),
    ]


def test_an_empty_prompt_needs_a_bos() -> None:
    failed = failure(run(make_engine(), [Submit(1, (), (Generate(GREEDY),))]))
    assert failed.kind == "bad_request"
    assert "no BOS" in failed.message
    failed = failure(run(make_engine(), [Submit(1, (), (Score(("a", "b")),))]))
    assert "no BOS" in failed.message
    assert run(make_engine(), [Warm(1, ())]) == [Done(1)]


@pytest.mark.parametrize("passes", [0, 1, 5])
def test_cancel(passes: int) -> None:
    engine = make_engine(chunk_tokens=4)
    engine.submit([submit(1), submit(2)])
    for _ in range(passes):
        engine.step()
    events = run(engine, [Cancel(1), Cancel(99)])
    assert failure(events).id == 1
    assert failure(events).kind == "cancelled"
    assert only(events, Done) == [Done(2)]
    assert results([e for e in events if isinstance(e, Generated)]) == results(
        run(make_engine(), [submit(2)])
    )


def test_ids_in_use_and_ids_out_of_range() -> None:
    engine = make_engine()
    engine.submit([submit(1)])
    events = run(engine, [submit(1)])
    assert failure(events).message == "request id 1 is in use"
    assert only(events, Done) == [Done(1)]
    failed = failure(run(engine, [Submit(2, (Ids((1, 999999)),), (Generate(GREEDY),))]))
    assert failed.kind == "bad_request"
    assert "999999" in failed.message


def test_text_that_is_not_unicode() -> None:
    failed = failure(run(make_engine(), [submit(1, "\ud800")]))
    assert failed.kind == "bad_request"


def test_too_long_for_the_context() -> None:
    events = run(make_engine(), [submit(1, PROMPT * 60), submit(2)])
    failed = failure(events)
    assert (failed.id, failed.kind) == (1, "context_length")
    assert "the model takes at most 512" in failed.message
    assert only(events, Done) == [Done(2)]


def test_too_large_for_the_pool() -> None:
    engine = make_engine(kv_slots=60)
    events = run(engine, [submit(1, PROMPT * 5), submit(2, "Hi")])
    assert (failure(events).id, failure(events).kind) == (1, "out_of_memory")
    assert "the KV pool holds 60" in failure(events).message
    # One that outgrows the pool while it runs fails as well, and frees everything.
    long = Sampling(max_new_tokens=200, temperature=0.0, ignore_eos=True)
    events = run(engine, [submit(3, "Hi", long), submit(4, "You")])
    assert (failure(events).id, failure(events).kind) == (3, "out_of_memory")
    assert only(events, Done) == [Done(4)]
    run(engine, [FlushCache()])
    assert engine.cache.allocator.free == 60


def test_warm_computes_a_prefix_that_requests_find() -> None:
    engine = make_engine()
    text = PROMPT * 3
    assert run(engine, [Warm(9, (Text(text),))]) == [Done(9)]
    warmed = engine.stats().computed_tokens
    assert warmed > 20
    (generated,) = only(run(engine, [submit(1, text + "end")]), Generated)
    assert generated.cached_tokens == warmed
    assert (
        generated.samples
        == only(run(make_engine(), [submit(1, text + "end")]), Generated)[0].samples
    )
    assert engine.stats().prompt_tokens == generated.prompt_tokens


def test_warming_too_much_warms_what_fits() -> None:
    engine = make_engine(kv_slots=60)
    assert run(engine, [Warm(9, (Text(PROMPT * 20),))]) == [Done(9)]
    assert 0 < engine.stats().computed_tokens <= 60


def test_a_request_overtakes_what_is_warmed() -> None:
    engine = make_engine(chunk_tokens=8)
    engine.submit([Warm(1, (Text(PROMPT * 8),))])
    engine.step()
    events = run(engine, [submit(2, "Hello", Sampling(max_new_tokens=2, temperature=0.0))])
    assert only(events, Done) == [Done(2), Done(1)]


def test_priority_goes_first() -> None:
    engine = make_engine(max_running=1)
    low = submit(1)
    high = Submit(2, (Text("Go "),), (Generate(GREEDY),), priority=5)
    assert only(run(engine, [low, high]), Done) == [Done(2), Done(1)]


def test_statistics_and_flush() -> None:
    engine = make_engine()
    events = run(engine, [submit(1)])
    run(engine, [submit(1)])
    (stats,) = only(run(engine, [GetStats()]), Stats)
    length = only(events, Generated)[0].prompt_tokens
    assert stats.prompt_tokens == 2 * length
    assert stats.cached_tokens == length - 1
    assert stats.computed_tokens == length + 1
    assert stats.completion_tokens == 24
    assert stats.steps == 24
    assert stats.busy_seconds > 0
    engine.submit([FlushCache()])
    assert engine.cache.tree.size == 0
    run(engine, [submit(1)])
    assert engine.stats().cached_tokens == length - 1


class BrokenOnce:
    """A model that fails in one pass, to see what the engine does about it."""

    def __init__(self, engine: EngineLoop, at: int) -> None:
        self.inner = engine.model
        self.spec = engine.model.spec
        self.left = at
        engine.model = self  # type: ignore[assignment]

    def forward(self, *args: object) -> object:
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("kernel exploded")
        return self.inner.forward(*args)  # type: ignore[arg-type]


def test_a_failed_pass_fails_its_requests_and_the_engine_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = make_engine(max_running=2)
    run(engine, [submit(0)])
    BrokenOnce(engine, at=3)
    events = run(engine, [submit(number, PROMPT + str(number)) for number in range(4)])
    failed = only(events, Failed)
    assert [f.id for f in failed] == [0, 1]
    assert {f.kind for f in failed} == {"internal"}
    assert "kernel exploded" in failed[0].message
    assert "kernel exploded" in capsys.readouterr().err
    expected = run(make_engine(), [submit(number, PROMPT + str(number)) for number in (2, 3)])
    assert results(only(events, Generated)) == results(expected)


def test_interrupting_a_pass_leaves_a_usable_engine() -> None:
    engine = make_engine()
    broken = BrokenOnce(engine, at=3)

    def interrupt(*args: object) -> object:
        raise KeyboardInterrupt

    engine.submit([submit(1)])
    engine.step()
    broken.forward = interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        engine.step()
    engine.check_integrity()
    engine.model = broken.inner
    assert failure(engine.take_events()).kind == "cancelled"
    assert results(run(engine, [submit(1)])) == results(run(make_engine(), [submit(1)]))
