"""Frames survive any cutting of the byte stream."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc_runtime.protocol import (
    Append,
    Cancel,
    Command,
    Done,
    Event,
    Failed,
    Generate,
    Generated,
    Ids,
    Sample,
    Sampling,
    Score,
    Shutdown,
    Submit,
    Text,
    TokenLogprob,
    Warm,
)
from sglc_runtime.wire import command_reader, encode_frame, event_reader

COMMANDS: list[Command] = [
    Submit(
        2**40,
        (Text("é\n"), Ids((1, 2, 3))),
        (Append("x"), Generate(Sampling(stop=("a",), n=2), 2**64 - 1), Score(("a", "b"))),
        stream=True,
        priority=-3,
    ),
    Warm(1, (Text("x"),), 4),
    Cancel(7),
    Shutdown(),
]
EVENTS: list[Event] = [
    Generated(
        id=1,
        step=0,
        samples=(
            Sample(
                text="日",
                ids=(5,),
                tail="",
                finish="stop",
                matched=7,
                logprobs=(TokenLogprob(5, "日", -0.5, ((1, "a", -0.25),)),),
            ),
        ),
        prompt_tokens=3,
        cached_tokens=0,
    ),
    Failed(id=1, step=2, kind="bad_request", message="no"),
    Done(1),
]


@given(st.lists(st.integers(1, 40), min_size=1))
def test_frames_cut_anywhere(cuts: list[int]) -> None:
    data = encode_frame(COMMANDS) + encode_frame([]) + encode_frame(COMMANDS[:1])
    reader = command_reader()
    batches, at, turn = [], 0, 0
    while at < len(data):
        size = cuts[turn % len(cuts)]
        batches += reader.feed(data[at : at + size])
        at += size
        turn += 1
    assert batches == [COMMANDS, [], COMMANDS[:1]]


def test_events_round_trip() -> None:
    assert event_reader().feed(encode_frame(EVENTS)) == [EVENTS]


def test_what_is_no_message_is_an_error() -> None:
    with pytest.raises(msgspec.DecodeError):
        command_reader().feed(b"\0\0\0\1\xc1")
