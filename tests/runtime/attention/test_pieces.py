"""Pieces: every row sees its own keys once, in order, and in fixed cuts nothing else matters."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc_runtime.attention.pieces import Cut, Pieces, plan_pieces
from sglc_runtime.models.base import Run
from tests.runtime.attention.trees import tree_batch

CUTS = st.builds(Cut, st.sampled_from([1, 2, 3, 8]), st.sampled_from([16, 32, 64]), st.booleans())


def parts_of(pieces: Pieces, row: int) -> list[tuple[int, list[int]]]:
    """Position of the first key, and the slots, of each piece that a row merges."""
    owner = {
        int(entry[5]) + offset: entry for entry in pieces.table for offset in range(int(entry[1]))
    }
    found = []
    for index in pieces.parts[pieces.part_starts[row] : pieces.part_starts[row + 1]].tolist():
        first, _, at, count, start, partial, _, _ = owner[index].tolist()
        assert first + index - partial == row
        found.append((start, pieces.slots[at : at + count].tolist()))
    return found


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), CUTS, st.sampled_from([None, 5, 40]))
def test_each_row_merges_its_own_keys_once_and_in_order(
    seed: int, cut: Cut, window: int | None
) -> None:
    batch = tree_batch(seed)
    pieces = plan_pieces(batch.runs, batch.positions, cut, window=window)
    for row, (position, path) in enumerate(zip(batch.positions, batch.paths, strict=True)):
        low = 0 if window is None else max(0, position - window + 1)
        seen: list[int] = []
        reached = None
        for start, slots in parts_of(pieces, row):
            assert reached is None or start == reached
            assert len(slots) <= cut.keys
            reached = start + len(slots)
            seen += [s for at, s in enumerate(slots, start) if low <= at <= position]
        assert seen == path[low:]
    assert pieces.table[:, 1].max() <= cut.rows


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([16, 64]))
def test_fixed_cuts_of_a_row_do_not_depend_on_other_rows(seed: int, size: int) -> None:
    batch = tree_batch(seed)
    cut = Cut(4, size, fixed=True)
    together = plan_pieces(batch.runs, batch.positions, cut)
    for row, position in enumerate(batch.positions):
        alone = [
            run._replace(row_start=0, row_end=1)
            for run in batch.runs
            if run.row_start <= row < run.row_end
        ]
        expected = parts_of(plan_pieces(alone, [position], cut), 0)
        found = parts_of(together, row)
        assert [start for start, _ in found] == [start for start, _ in expected]
        for (start, slots), (_, own) in zip(found, expected, strict=True):
            assert start % size == 0
            assert slots[: len(own)] == own


def test_rows_share_what_fits_into_their_tile() -> None:
    prefix = Run(0, 8, 0, 512, 0)
    own = [Run(row, row + 1, 1000 + row, 1, 512) for row in range(8)]
    assert plan_pieces([prefix, *own], [512] * 8, Cut(8, 512)).keys_read == 512 + 8
    assert plan_pieces([prefix, *own], [512] * 8, Cut(4, 512)).keys_read == 2 * 512 + 8


@pytest.mark.parametrize(
    "runs",
    [
        (Run(0, 1, 0, 4, 0), Run(0, 1, 10, 4, 5)),
        (Run(0, 1, 0, 8, 0),),
        (Run(0, 2, 0, 9, 0),),
        (Run(0, 1, 3, 9, 1),),
    ],
)
def test_gaps_are_refused(runs: tuple[Run, ...]) -> None:
    with pytest.raises(ValueError, match=r"gap|outside"):
        plan_pieces(runs, [8], Cut(4, 64))
