"""Prompts and other rows of a batch: every row has its keys once and in order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc_runtime.attention.batch_plan import TileCut, plan_batch
from sglc_runtime.attention.pieces import Column, Cut, Pieces, plan_pieces
from sglc_runtime.models.base import Run
from tests.runtime.attention.trees import tree_batch

CUT = Cut(4, 16)
TILE = TileCut(rows=5, more_than=3, block=8)


def pieces_of(runs: list[Run], positions: list[int], single: bool) -> Pieces:
    return plan_pieces(runs, positions, CUT)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([None, 3, 20]), st.booleans())
def test_each_row_has_its_own_keys_once_and_in_order(
    seed: int, window: int | None, tiled: bool
) -> None:
    batch = tree_batch(seed, most=14, rows=20)
    planned = plan_batch(
        batch.runs, batch.positions, TILE if tiled else None,
        lambda runs, rows, _: plan_pieces(runs, rows, CUT, window=window), window=window,
    )  # fmt: skip
    keys: dict[int, list[tuple[int, list[int]]]] = {row: [] for row in range(len(batch.positions))}
    for first, rows, at, count, start, _, mask, direct in planned.tiles.tolist():
        assert (direct, mask, start % TILE.block) == (1, -1, 0)
        assert rows <= TILE.rows
        for row in range(first, first + rows):
            keys[row].append((start, planned.slots[at : at + count].tolist()))
    pieces = planned.pieces
    owner = {
        int(entry[Column.PARTIAL]) + offset: (entry, int(entry[Column.FIRST_ROW]) + offset)
        for entry in pieces.table
        for offset in range(entry[Column.ROWS])
    }
    assert planned.merged.tolist() == [row for row, found in keys.items() if not found]
    for index, row in enumerate(planned.merged.tolist()):
        for part in pieces.parts[
            pieces.part_starts[index] : pieces.part_starts[index + 1]
        ].tolist():
            entry, whose = owner[part]
            assert whose == row
            at = entry[Column.SLOTS]
            slots = pieces.slots[at : at + entry[Column.KEYS]].tolist()
            keys[row].append((int(entry[Column.START]), slots))
    for row, (position, path) in enumerate(zip(batch.positions, batch.paths, strict=True)):
        low = 0 if window is None else max(0, position - window + 1)
        seen = [
            slot
            for start, slots in keys[row]
            for at, slot in enumerate(slots, start)
            if low <= at <= position
        ]
        assert seen == path[low:]


def test_prompts_are_those_that_fill_a_tile() -> None:
    prompt, few, one = Run(0, 9, 100, 9, 0), Run(9, 12, 200, 3, 0), Run(12, 13, 300, 7, 0)
    positions = [*range(9), *range(3), 6]
    planned = plan_batch([prompt, few, one], positions, TILE, pieces_of)
    assert planned.tiles[:, [Column.FIRST_ROW, Column.ROWS, Column.KEYS]].tolist() == [
        [5, 4, 9], [0, 5, 5]
    ]  # fmt: skip
    assert planned.merged.tolist() == [9, 10, 11, 12]
    assert not planned.single
    assert plan_batch([one._replace(row_start=0, row_end=1)], [6], TILE, pieces_of).single


def test_a_prefix_of_prompts_and_others_is_each_ones() -> None:
    """The rows on both sides of the prompt are no neighbours."""
    shared = Run(0, 7, 0, 4, 0)
    own = [Run(0, 1, 10, 1, 4), Run(1, 6, 20, 5, 4), Run(6, 7, 30, 1, 4)]
    planned = plan_batch([shared, *own], [4, *range(4, 9), 4], TILE, pieces_of)
    assert planned.slots.tolist() == [0, 1, 2, 3, 20, 21, 22, 23, 24]
    assert planned.merged.tolist() == [0, 6]
    assert planned.pieces.slots.tolist() == [0, 1, 2, 3, 10, 0, 1, 2, 3, 30]


@pytest.mark.parametrize(
    "runs",
    [
        (Run(0, 6, 0, 4, 0), Run(0, 6, 10, 4, 5)),
        (Run(0, 6, 0, 8, 0),),
        (Run(0, 7, 0, 9, 0),),
        (Run(0, 6, 3, 9, 1),),
        (),
    ],
)
def test_gaps_are_refused(runs: tuple[Run, ...]) -> None:
    with pytest.raises(ValueError, match=r"gap|outside"):
        plan_batch(runs, range(3, 9), TILE, pieces_of)
