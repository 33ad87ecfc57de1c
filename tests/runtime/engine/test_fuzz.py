"""Random requests at random times in small engines: each ends as it would have alone."""

from __future__ import annotations

from functools import cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import (
    Append,
    Cancel,
    Command,
    Done,
    Event,
    Failed,
    FlushCache,
    Generate,
    Generated,
    Ids,
    Sampling,
    Score,
    Scored,
    Step,
    Submit,
    Text,
    Warm,
)
from tests.runtime.engine.driving import make_engine

WORDS = st.sampled_from(["The ", "capital", " of", " France", "é", "\n\n", " is a sunny day. ", ""])
TEXTS = st.lists(WORDS, max_size=8).map("".join)
SAMPLINGS = st.builds(
    Sampling,
    max_new_tokens=st.integers(0, 14),
    n=st.sampled_from([1, 1, 3]),
    stop=st.sampled_from([(), (" ",), ("e", "is")]),
    temperature=st.sampled_from([0.0, 0.8]),
    top_k=st.sampled_from([-1, 5]),
    frequency_penalty=st.sampled_from([0.0, 0.5]),
    repetition_penalty=st.sampled_from([1.0, 1.0, 1.3]),
    logit_bias=st.sampled_from([(), (), ((7, 2.0), (9, -3.5))]),
    ignore_eos=st.booleans(),
    regex=st.sampled_from([None, None, "[a-z]{2,9}", "(yes|no)"]),
    logprobs=st.booleans(),
    prompt_logprobs_from=st.sampled_from([None, 0, 5]),
)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Append, TEXTS),
    st.builds(Generate, SAMPLINGS, st.integers(0, 3)),
    st.builds(
        Score,
        st.sampled_from([(" yes", " no"), ("a", "a b", "a b c", "The capital of France")]),
        st.sampled_from(
            [
                "token_length_normalized",
                "greedy_token_selection",
                "unconditional_likelihood_normalized",
            ]
        ),
    ),
)
SEGMENTS = st.one_of(
    st.builds(Text, TEXTS), st.builds(Ids, st.lists(st.integers(4, 300), max_size=9).map(tuple))
)
REQUESTS = st.tuples(
    st.lists(SEGMENTS, max_size=3).map(lambda segments: (Text("It"), *segments)),
    st.lists(STEPS, max_size=4).map(tuple),
    st.booleans(),
)
Outcome = list[object]


def outcome(events: list[Event], number: int) -> Outcome:
    """What a client saw of one request, without what may depend on the cache."""
    seen: Outcome = []
    for event in events:
        if getattr(event, "id", None) != number:
            continue
        if isinstance(event, Generated):
            seen.append((event.step, event.samples, event.prompt_tokens, event.prompt_logprobs))
        elif isinstance(event, Scored):
            seen.append((event.step, event.winner, event.scores))
        elif isinstance(event, Failed):
            seen.append((event.step, event.kind))
        elif not isinstance(event, Done):
            seen.append(event)
    return seen


@cache
def reference() -> EngineLoop:
    return make_engine()


def alone(submit: Submit) -> Outcome:
    engine = reference()
    engine.submit([FlushCache(), submit])
    while engine.step():
        pass
    return outcome(engine.take_events(), submit.id)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(REQUESTS, min_size=1, max_size=10),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 12)), max_size=6),
    st.sampled_from([(4096, 64, 512), (150, 64, 30), (130, 3, 7), (110, 8, 1)]),
    st.data(),
)
def test_every_request_ends_as_it_would_alone(
    requests: list[tuple[tuple[Text | Ids, ...], tuple[Step, ...], bool]],
    disturbances: list[tuple[int, int]],
    sizes: tuple[int, int, int],
    data: st.DataObject,
) -> None:
    slots, max_running, chunk_tokens = sizes
    engine = make_engine(kv_slots=slots, max_running=max_running, chunk_tokens=chunk_tokens)
    submits = [
        Submit(i, prefix, steps, stream=stream, priority=i % 3)
        for i, (prefix, steps, stream) in enumerate(requests)
    ]
    commands: list[tuple[int, Command]] = [
        (data.draw(st.integers(0, 10)), submit) for submit in submits
    ]
    cancelled = set()
    for number, (kind, when) in enumerate(disturbances):
        if kind <= 1:
            commands.append((when, FlushCache()))
        elif kind <= 3:
            commands.append((when, Warm(1000 + number, (Text("It is a sunny day. The "),), kind)))
        else:
            target = when % len(submits)
            cancelled.add(target)
            commands.append((when + 5, Cancel(target)))
    events: list[Event] = []
    for now in range(20):
        engine.submit([command for when, command in commands if when == now])
        engine.step()
        engine.check_integrity()
        events += engine.take_events()
    while engine.step():
        engine.check_integrity()
        events += engine.take_events()
    events += engine.take_events()
    assert not engine.requests
    for submit in submits:
        got, want = outcome(events, submit.id), alone(submit)
        last = got[-1] if got else None
        if submit.id in cancelled and isinstance(last, tuple) and last[1:] == ("cancelled",):
            assert got[:-1] == want[: len(got) - 1]
        else:
            assert got == want
    engine.submit([FlushCache()])
    assert engine.cache.allocator.free == slots
