"""Prompts and other rows of a batch: every row has its keys once and in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc_runtime.attention.batch_plan import Span, TileCut, plan_batch
from sglc_runtime.attention.pieces import Column, Pieces
from sglc_runtime.attention.sharing import TileShape, Traffic
from sglc_runtime.attention.tree_pieces import plan_tree
from sglc_runtime.models.base import Run
from tests.runtime.attention.test_tree_pieces import seen_keys
from tests.runtime.attention.trees import tree_batch

TILE = TileCut(rows=5, more_than=8, block=8)
SHAPE = TileShape(
    tile_rows=8, kv_heads=2, traffic=Traffic(key=256, partial=600), programs=16, block=4,
    shortest=8,
)  # fmt: skip


def pieces_of(
    runs: Sequence[Run], positions: Sequence[int], without: Sequence[Span], single: bool
) -> Pieces:
    return plan_tree(runs, positions, SHAPE, without=without)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([None, 3, 20]), st.booleans())
def test_each_row_has_its_own_keys_once_and_in_order(
    seed: int, window: int | None, tiled: bool
) -> None:
    batch = tree_batch(seed, most=20, rows=30)
    planned = plan_batch(
        batch.runs, batch.positions, TILE if tiled else None,
        lambda runs, rows, without, _: plan_tree(
            runs, rows, SHAPE, window=window, without=without
        ),
        window=window,
    )  # fmt: skip
    tiles: dict[int, tuple[int, list[int]]] = {}
    for first, rows, at, count, start, _, mask, direct in planned.tiles.tolist():
        assert (direct, mask, start % TILE.block) == (1, -1, 0)
        assert rows <= TILE.rows
        for row in range(first, first + rows):
            assert row not in tiles
            tiles[row] = (start, planned.slots[at : at + count].tolist())
    counts = np.zeros(len(batch.positions), np.int64)
    counts[planned.merged] = np.diff(planned.pieces.part_starts)
    starts = np.concatenate([[0], counts.cumsum()]).astype(np.int32)
    pieces = replace(planned.pieces, part_starts=starts)
    for row, (position, path) in enumerate(zip(batch.positions, batch.paths, strict=True)):
        low = 0 if window is None else max(0, position - window + 1)
        found = seen_keys(pieces, row, batch.positions, window)
        if row in tiles:
            assert not found
            start, slots = tiles[row]
            assert [s for at, s in enumerate(slots, start) if low <= at <= position] == path[low:]
        else:
            assert [slot for keys, _ in found for slot in keys] == path[low:]


def test_prompts_are_those_that_fill_a_tile() -> None:
    prompt, few, one = Run(0, 9, 100, 9, 0), Run(9, 12, 200, 3, 0), Run(12, 13, 300, 70, 0)
    positions = [*range(9), *range(3), 69]
    planned = plan_batch([prompt, few, one], positions, TILE, pieces_of)
    assert planned.tiles[:, [Column.FIRST_ROW, Column.ROWS, Column.KEYS]].tolist() == [
        [5, 4, 9], [0, 5, 5]
    ]  # fmt: skip
    assert planned.merged.tolist() == [12]
    assert planned.pieces.table[:, Column.FIRST_ROW].min() == 9
    assert not planned.single
    assert plan_batch([one._replace(row_start=0, row_end=1)], [69], TILE, pieces_of).single


def test_a_prefix_of_prompts_and_others_is_each_ones() -> None:
    """The rows on both sides of the prompt are no neighbours."""
    shared = Run(0, 11, 0, 4, 0)
    own = [Run(0, 1, 10, 1, 4), Run(1, 10, 20, 9, 4), Run(10, 11, 30, 1, 4)]
    planned = plan_batch([shared, *own], [4, *range(4, 13), 4], TILE, pieces_of)
    assert planned.slots.tolist() == [0, 1, 2, 3, *range(20, 29)]
    assert planned.pieces.slots.tolist() == [0, 1, 2, 3, 10, 0, 1, 2, 3, 30]


def test_prompts_alone_have_no_pieces() -> None:
    planned = plan_batch([Run(0, 9, 0, 9, 0)], range(9), TILE, pieces_of)
    assert len(planned.pieces.table) == len(planned.merged) == 0


@pytest.mark.parametrize(
    "runs",
    [
        (Run(0, 9, 0, 4, 0), Run(0, 9, 10, 8, 5)),
        (Run(0, 9, 0, 8, 0),),
        (Run(0, 10, 0, 20, 0),),
        (Run(0, 9, 3, 12, 1),),
        (),
    ],
)
def test_gaps_are_refused(runs: tuple[Run, ...]) -> None:
    with pytest.raises(ValueError, match=r"gap|outside"):
        plan_batch(runs, range(3, 12), TILE, pieces_of)
