"""Steps on their way: when one is launched ahead, and what may happen before it is read."""

from __future__ import annotations

import pytest

from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import (
    Cancel,
    Done,
    Event,
    FlushCache,
    Generate,
    Generated,
    GetStats,
    Sampling,
    Stats,
    Submit,
    Text,
)
from tests.runtime.device.stepping import Watched, ahead_engine
from tests.runtime.engine.driving import (
    LogitsLog,
    failure,
    make_engine,
    only,
    results,
    run,
)
from tests.runtime.engine.late_executor import LateExecutor, make_late
from tests.runtime.speculation.speculating import make_speculating

LONG = Sampling(max_new_tokens=40, temperature=0.0, ignore_eos=True)
WORDS = "The quick brown fox jumps over the lazy dog. "


def late_engine(
    *, slow: bool = True, most_rows: int = 1 << 20, **sizes: int
) -> tuple[EngineLoop, LateExecutor]:
    engine = make_engine(**sizes)  # type: ignore[arg-type]
    return engine, make_late(engine, slow=slow, most_rows=most_rows)


def ask(number: int, sampling: Sampling = LONG, text: str = WORDS) -> Submit:
    return Submit(number, (Text(text + str(number)),), (Generate(sampling, number),))


def steps(engine: EngineLoop, count: int) -> list[Event]:
    events: list[Event] = []
    for _ in range(count):
        engine.step()
        engine.check_integrity()
        events += engine.take_events()
    return events


def ending_token() -> tuple[int, int]:
    """An id that the greedy sample of `ask(0)` says for the first time in its middle; where."""
    (event,) = only(run(make_engine(), [ask(0)]), Generated)
    ids = event.samples[0].ids
    at = next(at for at in range(5, 30) if ids[at] not in ids[:at])
    return ids[at], at + 1


def test_every_step_but_the_first_and_the_last_is_ahead() -> None:
    engine, executor = late_engine()
    run(engine, [ask(0), ask(1)])
    # The prompts' pass gives the first of 40 tokens; nothing is launched behind the last.
    assert executor.counts["behind"] == 1
    assert executor.counts["ahead"] == 38
    assert executor.counts["rows"] == 78
    assert executor.counts["dropped"] == 0
    assert engine.stats().steps == 40


def test_one_at_a_time_when_asked() -> None:
    engine = ahead_engine(disable_overlap_schedule=True)
    watched = Watched(engine)
    run(engine, [ask(0)])
    assert len(watched.steps) == 39
    assert watched.ahead == 0
    assert not engine.decoding.flying


def test_a_row_behind_an_unforeseen_end_is_dropped() -> None:
    engine, executor = late_engine()
    token, count = ending_token()
    stopping = Sampling(max_new_tokens=40, temperature=0.0, stop_token_ids=(token,))
    events = run(engine, [ask(0, stopping)])
    (event,) = only(events, Generated)
    assert event.samples[0].completion_tokens == engine.stats().completion_tokens == count
    assert executor.counts["dropped"] == 1
    path = [*engine.context.encode(WORDS + "0", True), *event.samples[0].ids]
    assert engine.cache.tree.size == len(path), "only accepted ids are in the tree"
    assert engine.cache.match(path).length == len(path)


def test_a_request_that_arrives_waits_for_no_further_step() -> None:
    for moment in range(2, 9):
        engine, executor = late_engine()
        engine.submit([ask(0)])
        steps(engine, moment)
        assert engine.decoding.flying
        engine.submit([ask(1)])
        launched = len(executor.launches)
        steps(engine, 2)
        assert len(executor.launches) == launched, "its prompt was put off"
        assert engine.requests[1].run is not None
        assert [s.computed > 0 for s in engine.requests[1].run.sequences] == [True]


@pytest.mark.parametrize("foreseen", [True, False])
def test_a_place_that_becomes_free_is_given_away_after_one_step_at_most(foreseen: bool) -> None:
    engine, executor = late_engine(max_running=2)
    token, count = ending_token()
    first = Sampling(max_new_tokens=count, temperature=0.0, ignore_eos=True)
    if not foreseen:
        first = Sampling(max_new_tokens=40, temperature=0.0, stop_token_ids=(token,))
    engine.submit([ask(0, first), ask(1), ask(2)])
    while not any(isinstance(event, Done) for event in steps(engine, 1)):
        assert len(engine.admission.waiting) <= 1
    launched = len(executor.launches)
    assert engine.decoding.flying == (not foreseen), "the last step before is on its way"
    steps(engine, 1 if foreseen else 2)
    assert len(executor.launches) == launched
    assert not engine.admission.waiting


def test_who_waits_without_a_place_holds_nobody_up() -> None:
    engine, executor = late_engine(max_running=2)
    engine.submit([ask(0), ask(1), ask(2)])
    steps(engine, 12)
    assert executor.counts["ahead"] >= 10


@pytest.mark.parametrize("rows", [1, 3])
def test_more_sequences_than_rows(rows: int) -> None:
    submits = [ask(number) for number in range(5)]
    want = results(run(make_engine(), submits))
    engine, executor = late_engine(chunk_tokens=rows)
    assert results(run(engine, submits)) == want
    assert max(len(step.work) for step in executor.launches) == rows
    assert executor.counts["ahead"]


@pytest.mark.parametrize("moment", [1, 2, 5])
@pytest.mark.parametrize("where", ["launch", "tokens"])
def test_a_step_that_fails_ends_who_was_in_it_and_nobody_else(
    where: str, moment: int, capsys: pytest.CaptureFixture[str]
) -> None:
    engine, executor = late_engine(max_running=2)
    engine.submit([ask(0), ask(1), ask(2)])
    events = steps(engine, moment)
    setattr(executor, f"fail_{where}", RuntimeError("the device fell over"))
    events += run(engine, [])
    assert "the device fell over" in capsys.readouterr().err
    failed = {event.id: event.kind for event in events if hasattr(event, "kind")}
    assert failed == {0: "internal", 1: "internal"}
    assert [event.id for event in only(events, Done)] == [2]
    assert not executor.waiting, "a step was never read"
    assert results(run(engine, [ask(3)])) == results(run(make_engine(), [ask(3)]))
    engine.submit([FlushCache()])
    assert engine.cache.allocator.free == 4096


def test_an_interrupt_while_waiting_for_tokens() -> None:
    engine, executor = late_engine()
    engine.submit([ask(0)])
    steps(engine, 4)
    executor.fail_tokens = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        engine.step()
    engine.check_integrity()
    assert failure(engine.take_events()).kind == "cancelled"
    assert not executor.waiting
    assert not engine.busy


def test_what_is_left_on_its_way_is_read_although_nobody_wants_it() -> None:
    engine, executor = late_engine()
    engine.submit([ask(0)])
    steps(engine, 4)
    engine.submit([Cancel(0), GetStats(), FlushCache()])
    engine.check_integrity()
    stats = only(engine.take_events(), Stats)[0]
    assert stats.running == stats.waiting == 0
    assert engine.busy
    assert engine.step()
    assert not executor.waiting
    assert not engine.busy
    assert engine.stats().completion_tokens == stats.completion_tokens
    assert engine.cache.allocator.free == 4096


def test_slots_that_are_about_to_be_written_go_to_later_steps_only() -> None:
    """Cancelled and flushed, the slots of a row on its way are at once somebody else's."""
    engine, executor = late_engine(kv_slots=120)
    want = results(run(make_engine(), [ask(1), ask(2)]))
    engine.submit([ask(0)])
    steps(engine, 5)
    engine.submit([Cancel(0), FlushCache(), ask(1), ask(2)])
    events = run(engine, [])
    assert results([event for event in events if getattr(event, "id", 0)]) == want
    assert executor.counts["dropped"] == 1


def test_logits_are_seen_from_the_moment_somebody_asks() -> None:
    want_engine = make_engine()
    want = LogitsLog(want_engine)
    events = run(want_engine, [ask(0)])
    engine, _ = late_engine()
    engine.submit([ask(0)])
    steps(engine, 5)
    log = LogitsLog(engine)
    taken = engine.counters.completion_tokens
    assert results(run(engine, [])) == results(events)
    assert [*log.rows] == [*want.rows][taken:]


def test_an_executor_can_be_taken_away() -> None:
    engine, executor = late_engine()
    engine.submit([ask(0)])
    steps(engine, 5)
    engine.executor = None
    assert not executor.waiting
    launched = len(executor.launches)
    assert results(run(engine, [])) == results(run(make_engine(), [ask(0)]))
    assert len(executor.launches) == launched


def test_who_guesses_does_not_run_ahead() -> None:
    engine = make_speculating(lookups=())
    executor = make_late(engine)
    assert results(run(engine, [ask(0)])) == results(run(make_engine(), [ask(0)]))
    assert executor.counts == {"behind": 39, "rows": 39, "dropped": 0}


def test_a_grammar_that_gives_up_fails_alone_before_a_launch() -> None:
    engine, executor = late_engine()
    endless = 'start: "q" "z" "q" again\nagain: again'
    constrained = Sampling(max_new_tokens=30, temperature=0.0, ebnf=endless, jump_forward=False)
    engine.submit([ask(1, constrained)])
    while engine.lifecycle.compiling.busy:
        engine.step()
    events = run(engine, [ask(0)])
    assert failure(events).id == 1
    assert failure(events).message.startswith("constraint failed")
    assert [event.id for event in only(events, Done)] == [0]
    masked = [any(run.constraint for run in step.runs) for step in executor.launches]
    assert any(masked), "it failed before it decoded"
    after = executor.launches[len(masked) - masked[::-1].index(True) :]
    assert {len(step.work) for step in after} == {1}
