"""Guesses, right or wrong, change nothing that a client sees, and leave no slot behind."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import (
    Append,
    Cancel,
    Command,
    Delta,
    Event,
    Failed,
    FlushCache,
    Generate,
    Generated,
    Sampling,
    Score,
    Step,
    Submit,
    Text,
)
from tests.runtime.engine.driving import GREEDY, LogitsLog, make_engine, only, run
from tests.runtime.engine.test_fuzz import TEXTS, alone, outcome
from tests.runtime.speculation.speculating import make_speculating

WORDS = "The quick brown fox jumps over the lazy dog, and it's a sunny day in Paris. "
SCHEMA = '{"type": "object", "properties": {"name": {"type": "string", "maxLength": 12}}}'
PLAIN = Sampling(max_new_tokens=30, temperature=0.0, ignore_eos=True)
KINDS = {
    "greedy": PLAIN,
    "sampled": Sampling(max_new_tokens=30, temperature=0.9, ignore_eos=True),
    "top-p": Sampling(max_new_tokens=30, temperature=0.9, top_p=0.9, ignore_eos=True),
    "top-k": Sampling(max_new_tokens=30, temperature=0.9, top_k=7, ignore_eos=True),
    "min-p": Sampling(max_new_tokens=30, temperature=1.2, min_p=0.05, ignore_eos=True),
    "penalties": Sampling(
        max_new_tokens=30,
        temperature=0.7,
        frequency_penalty=0.4,
        presence_penalty=0.3,
        repetition_penalty=1.2,
        logit_bias=((7, 1.0),),
    ),
    "logprobs": Sampling(max_new_tokens=20, temperature=0.5, logprobs=True, top_logprobs=3),
    "stop": Sampling(max_new_tokens=40, temperature=0.8, stop=("e", " a")),
    "stop-regex": Sampling(max_new_tokens=40, temperature=0.8, stop_regex=("[aeiou]{2}",)),
    "min-tokens": Sampling(max_new_tokens=30, min_new_tokens=9, temperature=1.0),
    "samples": Sampling(max_new_tokens=25, temperature=0.9, n=3, ignore_eos=True),
    "regex": Sampling(max_new_tokens=30, temperature=0.9, regex="[a-z]{3,20}( [0-9]{2,9})?"),
    "json": Sampling(max_new_tokens=30, temperature=0.6, json_schema=SCHEMA),
    "context": Sampling(max_new_tokens=100_000, temperature=0.0, ignore_eos=True),
}


def program(number: int, sampling: Sampling) -> Submit:
    """A chain around one sampled step; its neighbours share a prefix with it."""
    text = WORDS + "a" * (number % 2)
    steps: tuple[Step, ...] = (
        Generate(sampling, key=99),
        Append(" Then: "),
        Score((" true", " false", " not known")),
        Generate(GREEDY),
    )
    if sampling.max_new_tokens > 1000:
        text, steps = WORDS * 6 + text, steps[:1]
    return Submit(number, (Text(text),), steps, stream=number % 2 == 0)


@pytest.mark.parametrize("kind", KINDS)
def test_events_and_logits_are_bitwise_those_without_speculation(kind: str) -> None:
    plain, speculating = make_engine(), make_speculating(4)
    want_log, got_log = LogitsLog(plain), LogitsLog(speculating)
    submits = [program(number, KINDS[kind]) for number in range(3)]
    want = run(plain, submits)
    # The second time, what the first one left in the tree is guessed.
    for _ in range(2):
        got = run(speculating, submits)
        for submit in submits:
            assert outcome(got, submit.id) == outcome(want, submit.id)
        assert got_log.rows.keys() == want_log.rows.keys()
        assert all(torch.equal(row, want_log.rows[at]) for at, row in got_log.rows.items())
    stats = speculating.stats()
    assert 0 < stats.accepted_tokens < stats.drafted_tokens
    assert speculating.stats().completion_tokens == 2 * plain.stats().completion_tokens
    assert speculating.stats().steps < 2 * plain.stats().steps
    speculating.submit([FlushCache()])
    assert speculating.cache.allocator.free == 4096


@pytest.mark.parametrize("sizes", [{"kv_slots": 260}, {"kv_slots": 220, "chunk_tokens": 60}])
def test_preemption_and_eviction_change_nothing(sizes: dict[str, int]) -> None:
    submits = [program(number, KINDS["samples"]) for number in range(5)]
    want = run(make_engine(), submits)
    engine = make_speculating(6, **sizes)
    got = run(engine, submits)
    assert not only(got, Failed)
    for submit in submits:
        assert outcome(got, submit.id) == outcome(want, submit.id)
    assert engine.stats().preemptions
    assert engine.stats().evicted_tokens


def test_a_cancelled_request_gives_everything_back() -> None:
    engine = make_speculating()
    submits = [program(number, KINDS["sampled"]) for number in range(4)]
    want = run(make_engine(), submits)
    engine.submit(submits)
    events: list[Event] = []
    for _ in range(6):
        engine.step()
        events += engine.take_events()
    engine.submit([Cancel(0), Cancel(2)])
    events += run(engine, [])
    for number in (1, 3):
        assert outcome(events, number) == outcome(want, number)
    for number in (0, 2):
        *deltas, last = [event for event in events if getattr(event, "id", None) == number]
        assert isinstance(last, Failed)
        text = "".join(event.text for event in deltas if isinstance(event, Delta))
        whole = [event for event in only(want, Generated) if (event.id, event.step) == (number, 0)]
        assert whole[0].samples[0].text.startswith(text)
    engine.submit([FlushCache()])
    assert engine.cache.allocator.free == 4096


def test_only_accepted_ids_enter_the_tree() -> None:
    engine = make_speculating()
    (generated,) = only(run(engine, [Submit(0, (Text(WORDS),), (Generate(PLAIN),))]), Generated)
    path = [*engine.context.encode(WORDS, True), *generated.samples[0].ids]
    assert engine.cache.tree.size == len(path) - 1
    assert engine.cache.tree.match(path).length == len(path) - 1


def test_a_pass_has_no_more_rows_than_chunk_tokens() -> None:
    engine = make_speculating(8, chunk_tokens=9)
    sizes: list[int] = []
    forward = engine.model.forward

    def counting(batch: object, attention: object) -> torch.Tensor:
        sizes.append(len(batch.ids))  # type: ignore[attr-defined]
        return forward(batch, attention)  # type: ignore[arg-type]

    engine.model.forward = counting  # type: ignore[method-assign]
    run(engine, [program(number, PLAIN) for number in range(3)])
    assert max(sizes) == 9  # three sequences with two guesses each


SAMPLINGS = st.builds(
    Sampling,
    max_new_tokens=st.integers(0, 24),
    min_new_tokens=st.just(0),
    n=st.sampled_from([1, 1, 2]),
    stop=st.sampled_from([(), (), (" ",), ("e", "is")]),
    stop_regex=st.sampled_from([(), (), ("[aeiou]{2}",)]),
    temperature=st.sampled_from([0.0, 0.0, 0.9]),
    top_p=st.sampled_from([1.0, 0.9]),
    top_k=st.sampled_from([-1, 5]),
    min_p=st.sampled_from([0.0, 0.1]),
    frequency_penalty=st.sampled_from([0.0, 0.5]),
    repetition_penalty=st.sampled_from([1.0, 1.0, 1.3]),
    ignore_eos=st.booleans(),
    regex=st.sampled_from([None, None, "[a-z]{2,9}", "(yes|no)"]),
    logprobs=st.booleans(),
    prompt_logprobs_from=st.sampled_from([None, None, 2]),
)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Append, TEXTS), st.builds(Generate, SAMPLINGS, st.integers(0, 3))
)
PROGRAMS = st.lists(
    st.tuples(TEXTS, st.lists(STEPS, max_size=4), st.booleans()), min_size=1, max_size=6
)


def finish(engine: EngineLoop, commands: list[tuple[int, Command]]) -> list[Event]:
    """Events of commands given at their passes; the engine is sound after every one."""
    events: list[Event] = []
    for now in range(12):
        engine.submit([command for when, command in commands if when == now])
        engine.step()
        engine.check_integrity()
        events += engine.take_events()
    return events + run(engine, [])


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    PROGRAMS,
    st.sampled_from([(4096, 64, 512), (150, 64, 30), (130, 3, 7), (110, 8, 1)]),
    st.integers(1, 7),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 11)), max_size=3),
    st.data(),
)
def test_random_programs_end_as_without_speculation(
    programs: list[tuple[str, list[Step], bool]],
    sizes: tuple[int, int, int],
    always: int,
    cancels: list[tuple[int, int]],
    data: st.DataObject,
) -> None:
    slots, max_running, chunk_tokens = sizes
    engine = make_speculating(
        always, kv_slots=slots, max_running=max_running, chunk_tokens=chunk_tokens
    )
    submits = [
        Submit(number, (Text("It" + text),), tuple(steps), stream=stream, priority=number % 2)
        for number, (text, steps, stream) in enumerate(programs)
    ]
    commands: list[tuple[int, Command]] = [
        (data.draw(st.integers(0, 10)), submit) for submit in submits
    ]
    cancelled = {number for number, _ in cancels}
    commands += [(when, Cancel(number)) for number, when in cancels]
    events = finish(engine, commands)
    for submit in submits:
        got, want = outcome(events, submit.id), alone(submit)
        last = got[-1] if got else None
        if submit.id in cancelled and isinstance(last, tuple) and last[1:] == ("cancelled",):
            assert got[:-1] == want[: len(got) - 1]
        else:
            assert got == want
    engine.submit([FlushCache()])
    assert engine.cache.allocator.free == slots
