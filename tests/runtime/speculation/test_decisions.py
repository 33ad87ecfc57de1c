"""How many guesses to check: pure functions of what was measured."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc_runtime.speculation.acceptance import Acceptance, Estimate
from sglc_runtime.speculation.costs import ENOUGH, FORGET, SLOPE, PassCosts, cost_of
from sglc_runtime.speculation.lengths import GAIN, Candidate, choose_lengths
from sglc_runtime.speculation.speculation import matching

CANDIDATES = st.lists(
    st.builds(Candidate, st.floats(0, 1), st.integers(1, 6), st.sampled_from([0.0, 0.2])),
    min_size=1,
    max_size=5,
)


@given(CANDIDATES, st.floats(0, 1), st.integers(0, 20), st.integers(0, 3))
def test_lengths_are_within_their_limits_and_expected_to_pay(
    candidates: list[Candidate], slope: float, rows_left: int, others: int
) -> None:
    sequences = len(candidates) + others
    lengths = choose_lengths(candidates, sequences, lambda g: 1 + slope * g, rows_left)
    assert all(0 <= n <= c.most for n, c in zip(lengths, candidates, strict=True))
    assert sum(lengths) <= rows_left
    if not any(lengths):
        return
    tokens = sequences + math.fsum(
        candidate.acceptance**place
        for candidate, length in zip(candidates, lengths, strict=True)
        for place in range(1, length + 1)
    )
    deepest = max((n for n, c in zip(lengths, candidates, strict=True) if c.drafted), default=0)
    assert tokens / (1 + slope * sum(lengths) + 0.2 * deepest) > GAIN * sequences * (1 - 1e-9)


def test_sure_guesses_are_taken_where_rows_are_free_and_left_where_they_are_dear() -> None:
    sure = [Candidate(0.95, 8)]
    assert choose_lengths(sure, 1, lambda g: 1.0, 100) == [8]
    assert choose_lengths(sure, 1, lambda g: 1.0, 3) == [3]
    assert choose_lengths(sure, 1, lambda g: 1.0 + g, 100) == [0]
    assert choose_lengths([Candidate(0.05, 8)], 1, lambda g: 1 + 0.25 * g, 100) == [0]


def test_the_likelier_sequence_gets_more_guesses() -> None:
    lengths = choose_lengths([Candidate(0.9, 8), Candidate(0.5, 8)], 2, lambda g: 1 + 0.1 * g, 100)
    assert lengths[0] > lengths[1]


def test_making_guesses_counts_as_cost() -> None:
    free, dear = Candidate(0.8, 6), Candidate(0.8, 6, 0.9)
    assert choose_lengths([free], 1, lambda g: 1 + 0.1 * g, 100)[0] > 0
    assert choose_lengths([dear], 1, lambda g: 1 + 0.1 * g, 100) == [0]


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.floats(0.5, 9)), max_size=6, unique_by=lambda e: e[0]
    ),
    st.integers(1, 20),
)
def test_more_guesses_never_cost_less(table: list[tuple[int, float]], sequences: int) -> None:
    costs = [cost_of(sorted(table), sequences, guesses) for guesses in range(60)]
    assert costs[0] == 1
    assert all(a <= b + 1e-9 for a, b in pairwise(costs))


def test_costs_are_assumed_then_measured_then_found_out_again() -> None:
    costs = PassCosts()
    assert costs.base(1) is None
    for _ in range(ENOUGH):
        costs.add(1, 1, 2e-3)
    assert costs.base(1) == 2e-3
    assert cost_of(costs.table(1), 1, 4) == 1 + 4 * SLOPE
    for seconds in (9e-3, 3e-3, 3.5e-3):
        costs.add(1, 5, seconds)
    assert cost_of(costs.table(1), 1, 4) == pytest.approx(1.5)
    assert cost_of(costs.table(1), 1, 2) == pytest.approx(1.25)
    assert cost_of(costs.table(1), 1, 8) == pytest.approx(2.0)
    for _ in range(FORGET):
        costs.add(1, 1, 2e-3)
    assert costs.table(1) == []


def test_an_estimate_follows_what_happens_and_relaxes_when_left_alone() -> None:
    estimate = Estimate(0.5, 0.5)
    for _ in range(30):
        estimate.learn(2, 0, 0.2)
    assert estimate.value < 0.01
    for _ in range(500):
        estimate.rest()
    assert estimate.value == pytest.approx(0.5, abs=0.01)
    for _ in range(30):
        estimate.learn(3, 3, 0.2)
    assert estimate.value > 0.99


def test_new_sequences_start_from_what_all_had() -> None:
    acceptance, first, second = Acceptance(), {}, {}  # type: ignore[var-annotated]
    for _ in range(100):
        acceptance.learn(first, "ngram-3", 4, 0)
    assert acceptance.of(second, "ngram-3").value < 0.1
    assert acceptance.of(second, "cached").value > 0.8


@pytest.mark.parametrize(
    ("guess", "said", "count"),
    [([1, 2, 3], [1, 2, 9], 2), ([1], [1, 2], 1), ([5], [6], 0), ([1, 2], [1], 1), ([], [1], 0)],
)
def test_matching(guess: list[int], said: list[int], count: int) -> None:
    assert matching(guess, said) == count
