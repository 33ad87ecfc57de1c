"""Plans of steps, and the paths that branches start from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc_runtime.api.composing import AnyStep, Fork, Planned, compose, prefix_of, step_key
from sglc_runtime.protocol import (
    Append,
    AppendIds,
    ChoiceScore,
    Generate,
    Generated,
    Ids,
    Sample,
    Score,
    Scored,
    Step,
    Text,
)

plain: st.SearchStrategy[AnyStep] = st.one_of(
    st.text(max_size=3),
    st.builds(Append, st.text(max_size=3)),
    st.builds(AppendIds, st.tuples(st.integers(0, 9))),
    st.just(Generate()),
    st.just(Score(("a", "b"))),
)
sequences: st.SearchStrategy[list[AnyStep]] = st.recursive(
    st.lists(plain, max_size=4),
    lambda inner: st.lists(st.one_of(plain, st.builds(Fork, st.lists(inner, max_size=3)))),
    max_leaves=8,
)


def keys(plan: Planned) -> list[int]:
    own = [step.key for step in plan.steps if isinstance(step, Generate)]
    return own + [key for _, branch in plan.branches for key in keys(branch)]


def check(steps: list[AnyStep], plan: Planned) -> None:
    """Each step is sent once and in order; each branch leaves where its fork stands."""
    assert list(plan.places) == [i for i, s in enumerate(steps) if not isinstance(s, Fork)]
    for place, sent in zip(plan.places, plan.steps, strict=True):
        step = steps[place]
        if isinstance(step, str):
            assert sent == Append(step)
        elif not isinstance(step, Generate):
            assert sent == step
    forks = [
        (sum(not isinstance(s, Fork) for s in steps[:place]), branch)
        for place, step in enumerate(steps)
        if isinstance(step, Fork)
        for branch in step.branches
    ]
    assert [count for count, _ in plan.branches] == [count for count, _ in forks]
    for (_, branch), (_, below) in zip(plan.branches, forks, strict=True):
        check(list(below), branch)


@given(sequences, st.integers(0, 2**64))
def test_plans(steps: list[AnyStep], seed: int) -> None:
    plan = compose(steps, seed)
    check(steps, plan)
    found = keys(plan)
    assert len(set(found)) == len(found), "two generations share their noise"
    assert all(0 < key < 2**64 for key in found)
    assert plan == compose(steps, seed)


def test_a_key_of_ones_own_is_kept() -> None:
    (step,) = compose([Generate(key=5)], 1).steps
    assert step == Generate(key=5)
    assert step_key(1, (), 0) != step_key(2, (), 0)


def test_a_branch_starts_where_the_path_is() -> None:
    steps: tuple[Step, ...] = (Append("a"), AppendIds((7,)), Generate(), Append("b"), Score(("x",)))
    sample = Sample(text="hel", ids=(1, 2), tail="l", finish="stop")
    outputs = {
        2: Generated(id=1, step=2, samples=(sample, sample), prompt_tokens=1, cached_tokens=0),
        4: Scored(
            id=1,
            step=4,
            winner=1,
            scores=tuple(ChoiceScore(ids=(i,), logprobs=(0.0,), normalized=0.0) for i in (8, 9)),
            prompt_tokens=1,
            cached_tokens=0,
        ),
    }
    assert prefix_of((Text("z"),), steps, outputs) == (
        Text("z"), Text("a"), Ids((7,), given=True), Ids((1, 2)), Text("l"), Text("b"), Ids((9,))
    )  # fmt: skip
    assert Planned(steps, (), ()).needs(4) == [2]


@pytest.mark.parametrize(
    ("steps", "message"),
    [("text", "a list, not a string"), ([3], "step 0 is a int"), (["a", None], "step 1 is a None")],
)
def test_what_is_no_step(steps: list[AnyStep], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        compose(steps, 0)
    with pytest.raises(TypeError, match="a branch is a list"):
        Fork(["text"])
    nested: list[AnyStep] = []
    for _ in range(200):
        nested = [Fork([nested])]
    with pytest.raises(ValueError, match="nested"):
        compose(nested, 0)
