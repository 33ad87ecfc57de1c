"""Which step can be launched before the tokens of the last one are known: pure functions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc_runtime.ahead import decode_step, next_after, reordered, step_after
from sglc_runtime.batching import Work
from sglc_runtime.device.executor import DecodeStep
from sglc_runtime.sequence import Sequence

NODE = cast(Any, SimpleNamespace())


def decoding(number: int, said: int = 3, limit: int = 10, **run: Any) -> Sequence:
    """A sequence of 5 prompt ids and `said` tokens, whose last id was not computed."""
    made = Sequence(cast(Any, None), (0, number, 0), [7] * (5 + said), 4)
    fields = {"recorded": False, "shaped": False, "constraint": None, "penalties": None} | run
    sampling = SimpleNamespace(min_new_tokens=fields.pop("min_new_tokens", 0))
    state = SimpleNamespace(tokens=[7] * said, limit=limit, sampling=sampling, **fields)
    made.samples = cast(Any, [state])
    made.computed, made.decoding, made.node = len(made.ids) - 1, True, NODE
    return made


def flying_of(*sequences: Sequence) -> DecodeStep:
    """The step that is on its way with these."""
    work = [Work(one, one.computed, one.computed + 1, one.computed) for one in sequences]
    step = decode_step(work, 1)
    assert step is not None
    return step


def test_the_same_sequences_go_on_where_the_step_before_left_them() -> None:
    members = [decoding(0), decoding(1, said=6)]
    flying = flying_of(*members)
    assert flying.tokens == (3, 6)
    assert flying.sources == (-1, -1)
    found = next_after(flying, members, 64)
    assert found is not None
    step = step_after(flying, found, 5)
    assert [(work.start, work.end) for work in step.work] == [(8, 9), (11, 12)]
    assert step.tokens == (4, 7)
    assert step.sources == (0, 1)
    assert step.version == 5
    assert step.runs == flying.runs


def test_two_steps_ahead_positions_count_on() -> None:
    members = [decoding(0)]
    first = flying_of(*members)
    second = step_after(first, cast(Any, next_after(first, members, 64)), 1)
    # The first step's token has come; the second step is on its way.
    members[0].ids.append(9)
    members[0].computed += 1
    cast(Any, members[0].samples[0].tokens).append(9)
    third = step_after(second, cast(Any, next_after(second, members, 64)), 1)
    assert [work.start for work in third.work] == [9]
    assert third.tokens == (5,)


def test_who_has_left_and_whose_last_token_is_pending_sit_out() -> None:
    gone, ending, staying = decoding(0), decoding(1, said=9), decoding(2, said=8)
    flying = flying_of(gone, ending, staying)
    gone.node = None
    found = next_after(flying, [ending, staying], 64)
    assert found is not None
    assert found.some_end
    step = step_after(flying, found, 1)
    assert [work.sequence for work in step.work] == [staying]
    assert step.sources == (2,)
    assert step.tokens == (9,)
    assert step.runs == (staying.samples[0],)


def test_who_was_not_in_the_step_comes_with_known_ids() -> None:
    member, other = decoding(0), decoding(1)
    flying = flying_of(member)
    found = next_after(flying, [member, other], 64)
    assert found is not None
    assert found.size == 2
    step = step_after(flying, found, 1)
    assert step.sources == (0, -1)
    assert [work.start for work in step.work] == [8, 7]
    assert step.tokens == (4, 3)
    turned = reordered(step, step.work[::-1])
    assert turned.sources == (-1, 0)
    assert turned.tokens == (3, 4)
    assert turned.runs == step.runs[::-1]


@pytest.mark.parametrize(
    "needs",
    [
        {"recorded": True},
        {"shaped": True, "constraint": object()},
        {"shaped": True, "penalties": object()},
        {"shaped": True, "min_new_tokens": 5},
    ],
)
@pytest.mark.parametrize("inside", [True, False])
def test_nobody_goes_ahead_of_a_token_that_the_host_must_see(
    needs: dict[str, Any], inside: bool
) -> None:
    one, other = decoding(0), decoding(1, **needs)
    flying = flying_of(one, other) if inside else flying_of(one)
    assert next_after(flying, [one, other], 64) is None


def test_a_least_length_that_is_reached_bans_nothing() -> None:
    member = decoding(0, shaped=True, min_new_tokens=4)
    assert next_after(flying_of(member), [member], 64) is not None


def test_a_prompt_that_runs_is_not_left_behind() -> None:
    member, prompt = decoding(0), decoding(1)
    prompt.decoding = False
    assert next_after(flying_of(member), [member, prompt], 64) is None
    assert decode_step([Work(prompt, 0, 1, 0)], 1) is None
    assert decode_step([Work(member, 6, 8, 6)], 1) is None


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 9)), min_size=1, max_size=12),
    st.integers(1, 14),
)
def test_every_row_is_of_somebody_who_runs_and_has_tokens_left(
    drawn: list[tuple[bool, bool, int]], most: int
) -> None:
    """Drawn: is in the step on its way; has left since; how many tokens it has."""
    members = [decoding(number, said) for number, (_, _, said) in enumerate(drawn)]
    inside = [one for one, (within, _, _) in zip(members, drawn, strict=True) if within]
    if not inside:
        return
    flying = flying_of(*inside)
    for one, (_, left, _) in zip(members, drawn, strict=True):
        one.node = None if left else NODE
    running = [one for one in members if one.node is not None]
    found = next_after(flying, running, most)
    assert found is not None
    step = step_after(flying, found, 1)
    wanted = [one for one in running if one not in inside or len(one.samples[0].tokens) < 9]
    assert len(step.work) == len(step.runs) == len(step.tokens) == min(most, len(wanted))
    assert {id(work.sequence) for work in step.work} <= {id(one) for one in wanted}
    assert found.some_end == any(one in inside and one not in wanted for one in running)
    for work, run, token, source in zip(
        step.work, step.runs, step.tokens, step.sources, strict=True
    ):
        pending = work.sequence in inside
        assert run is work.sequence.samples[0]
        assert token == len(run.tokens) + pending < run.limit
        assert work.start == work.sequence.computed + pending
        assert pending == (source >= 0)
        assert not pending or flying.work[source].sequence is work.sequence
