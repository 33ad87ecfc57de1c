"""Sides take turns in going first; what was complete before Ctrl-C is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc_runtime.bench.turns import Spread, order, take_turns


@given(names=st.lists(st.text(), min_size=1, max_size=5, unique=True), turn=st.integers(0, 50))
def test_everyone_goes_first_equally_often(names: list[str], turn: int) -> None:
    assert sorted(order(names, turn)) == sorted(names)
    firsts = [order(names, turn + later)[0] for later in range(len(names))]
    assert sorted(firsts) == sorted(names)


def test_two_sides_swap_and_ratios_are_of_one_round() -> None:
    calls: list[str] = []
    times = {"ours": iter([1.0, 4.0, 2.0]), "peer": iter([2.0, 2.0, 8.0])}

    def side(name: str) -> float:
        calls.append(name)
        return next(times[name])

    done = take_turns({"ours": lambda: side("ours"), "peer": lambda: side("peer")}, 3)
    assert calls == ["ours", "peer", "peer", "ours", "ours", "peer"]
    # Rounds give 0.5, 2 and 0.25; the medians of the two sides would give 1.
    assert done.ratio("ours", "peer", float) == Spread(0.5, 0.25, 2.0)
    assert done.spread("peer", float) == Spread(2.0, 2.0, 8.0)
    assert not done.interrupted


@pytest.mark.parametrize("interrupted_call", [3, 4, 5])
def test_an_interrupt_keeps_complete_rounds(interrupted_call: int) -> None:
    count = 0

    def side() -> int:
        nonlocal count
        count += 1
        if count == interrupted_call:
            raise KeyboardInterrupt
        return count

    done = take_turns({"a": side, "b": side}, 9)
    assert done.interrupted
    assert len(done.given["a"]) == len(done.given["b"]) == (interrupted_call - 1) // 2


def test_an_interrupt_in_the_first_round_leaves_nothing() -> None:
    def side() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_turns({"a": side}, 2)
