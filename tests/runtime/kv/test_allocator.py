"""Extents: no slot is handed out twice, none is lost."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc_runtime.kv import ExtentAllocator, PoolExhaustedError


def test_grow_takes_only_the_free_neighbour() -> None:
    pool = ExtentAllocator(8)
    (first,) = pool.allocate(3)
    assert first == (0, 3)
    assert pool.grow(3)
    assert not pool.grow(3)
    assert not pool.grow(9)
    assert pool.gaps() == [(4, 4)]


def test_allocation_after_a_neighbour_continues_it() -> None:
    pool = ExtentAllocator(100)
    pool.allocate(10)
    assert pool.allocate(5, after=10) == [(10, 5)]


def test_new_extents_leave_their_neighbours_room_to_grow() -> None:
    pool = ExtentAllocator(1000)
    starts = [pool.allocate(1)[0].start for _ in range(8)]
    for start in starts:
        assert all(pool.grow(start + step) for step in range(1, 50))


def test_too_much_takes_nothing() -> None:
    pool = ExtentAllocator(4)
    pool.allocate(3)
    with pytest.raises(PoolExhaustedError, match="2 slots wanted, 1 of 4 free"):
        pool.allocate(2)
    assert pool.free == 1


def test_fragments_are_used_up() -> None:
    pool = ExtentAllocator(10)
    extents = [pool.allocate(1, after=slot)[0] for slot in range(10)]
    pool.release(extents[1::2])
    assert sorted(pool.allocate(5)) == [(slot, 1) for slot in range(1, 10, 2)]


def test_empty_pool_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one slot"):
        ExtentAllocator(0)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 60), st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20)), max_size=60))
def test_every_slot_has_one_owner(size: int, actions: list[tuple[int, int]]) -> None:
    pool = ExtentAllocator(size)
    held: list[tuple[int, int]] = []
    for action, amount in actions:
        if action == 0 and amount <= pool.free:
            after = held[-1][0] + held[-1][1] if held else None
            got = pool.allocate(amount, after)
            assert sum(length for _, length in got) == amount
            held += got
        elif action == 1 and held:
            pool.release([held.pop(amount % len(held))])
        elif action == 2 and held:
            start, length = held[-1]
            if pool.grow(start + length):
                held[-1] = (start, length + 1)
        owners = sorted([*held, *pool.gaps()])
        position = 0
        for start, length in owners:
            assert start == position
            position += length
        assert position == size
        gaps = pool.gaps()
        assert all(a + n < b for (a, n), (b, _) in pairwise(gaps))


@settings(max_examples=100, deadline=None)
@given(st.integers(20, 400), st.integers(0, 10**9))
def test_the_largest_gap_is_found_however_fragmented_the_pool_is(size: int, seed: int) -> None:
    random = Random(seed)
    pool = ExtentAllocator(size)
    held: list[tuple[int, int]] = []
    for _ in range(200):
        choice = random.random()
        if choice < 0.4 and held:
            pool.release([held.pop(random.randrange(len(held)))])
        elif choice < 0.6 and held:
            start, length = held.pop(random.randrange(len(held)))
            held.append((start, length + pool.grow(start + length)))
        elif pool.free:
            gaps = pool.gaps()
            longest = max(length for _, length in gaps)
            first = min(start for start, length in gaps if length == longest)
            (extent, *rest) = pool.allocate(random.randint(1, min(pool.free, 9)))
            assert first <= extent.start < first + longest
            assert not rest or extent == (first, longest)
            held += [extent, *rest]
