"""Pieces chosen by cost: whatever is joined, every row sees its own keys once and in order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc_runtime.attention.pieces import Column, Pieces
from sglc_runtime.attention.sharing import TileShape, Traffic
from sglc_runtime.attention.tree_pieces import plan_tree
from sglc_runtime.models.base import Run
from tests.runtime.attention.trees import tree_batch

SHAPE = TileShape(
    tile_rows=8, kv_heads=2, traffic=Traffic(key=256, partial=600), programs=16, block=4,
    shortest=8,
)  # fmt: skip
LARGE = TileShape(
    tile_rows=32, kv_heads=8, traffic=Traffic.of(heads=32, kv_heads=8, dim=128, itemsize=2),
    programs=132,
)  # fmt: skip


def seen_keys(
    pieces: Pieces, row: int, positions: list[int], window: int | None
) -> list[tuple[list[int], bool]]:
    """Slots that a row sees in each of its pieces, in order; whether it is direct."""
    found = []
    for entry in pieces.table.tolist():
        first, rows, at, count, start, partial, mask, direct = entry
        if not first <= row < first + rows:
            continue
        slots = pieces.slots[at : at + count].tolist()
        if mask >= 0:
            words = -(-count // 32)
            line = pieces.masks[mask + (row - first) * words :][:words].view(np.uint8)
            visible = np.unpackbits(line, bitorder="little").astype(bool)
            assert not visible[count:].any()
        else:
            at_position = np.arange(start, start + count)
            visible = at_position <= positions[row]
            if window is not None:
                visible &= at_position > positions[row] - window
        keys = [slot for slot, shown in zip(slots, visible, strict=False) if shown]
        found.append((-1 if direct else partial + row - first, keys))
    if len(found) == 1 and found[0][0] == -1:
        assert pieces.part_starts[row] == pieces.part_starts[row + 1]
        return [(found[0][1], True)]
    by_part = dict(found)
    assert -1 not in by_part
    parts = pieces.parts[pieces.part_starts[row] : pieces.part_starts[row + 1]].tolist()
    # What a row merges nothing of has nothing for it.
    assert all(not keys for part, keys in found if part not in parts)
    return [(by_part[part], False) for part in parts]


shapes = st.builds(
    lambda tile, programs, shortest, partial: replace(
        SHAPE, tile_rows=tile, programs=programs, shortest=shortest, traffic=Traffic(256, partial)
    ),
    st.sampled_from([1, 2, 5, 8, 40]), st.sampled_from([1, 16, 500]),
    st.sampled_from([4, 24, 200]), st.sampled_from([0, 600, 10**5]),
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 10**6), shapes, st.sampled_from([None, 1, 5, 40]), st.sampled_from([12, 40]))
def test_rows_see_their_own_keys_once_and_in_order(
    seed: int, shape: TileShape, window: int | None, rows: int
) -> None:
    batch = tree_batch(seed, rows=rows)
    pieces = plan_tree(batch.runs, batch.positions, shape, window=window)
    for row, (position, path) in enumerate(zip(batch.positions, batch.paths, strict=True)):
        low = 0 if window is None else max(0, position - window + 1)
        seen = seen_keys(pieces, row, batch.positions, window)
        assert [slot for keys, _ in seen for slot in keys] == path[low:]
        assert all(keys for keys, _ in seen)
    table = pieces.table
    assert table[:, Column.ROWS].max() <= shape.tile_rows
    assert table[:, Column.SLOTS].min() >= 0
    partial = table[table[:, Column.DIRECT] == 0]
    numbers = [n for e in partial for n in range(e[Column.PARTIAL], e[Column.PARTIAL] + e[1])]
    assert sorted(numbers) == list(range(pieces.partials))


def test_the_choices_of_a_select_are_one_piece() -> None:
    """A prompt and the tokens of ten choices behind it: one mask, and nothing to merge."""
    prompt, runs, positions = 100, [Run(0, 30, 0, 100, 0)], []
    for choice in range(10):
        runs.append(Run(3 * choice, 3 * choice + 3, 200 + 8 * choice, 3, prompt))
        positions += [100, 101, 102]
    pieces = plan_tree(runs, positions, LARGE)
    assert len(pieces.table) == 1
    assert pieces.table[0].tolist() == [0, 30, 0, 130, 0, 0, 0, 1]
    assert pieces.partials == len(pieces.parts) == 0
    assert len(pieces.masks) == 30 * 5
    line = np.unpackbits(pieces.masks.view(np.uint8), bitorder="little").reshape(30, -1)
    assert line.sum(1).tolist() == [101, 102, 103] * 10
    assert line[4].nonzero()[0].tolist() == [*range(100), 103, 104]


def test_a_prompt_has_a_piece_for_each_tile() -> None:
    """All keys of a tile's rows in one piece, so that nothing is merged."""
    pieces = plan_tree([Run(0, 500, 0, 1500, 0)], list(range(1000, 1500)), LARGE)
    table = pieces.table[np.argsort(pieces.table[:, 0])]
    assert (table[:, Column.DIRECT] == 1).all()
    assert table[:, Column.KEYS].tolist() == [*range(1032, 1500, 32), 1500]
    assert len(pieces.slots) == 1500
    assert pieces.partials == len(pieces.parts) == len(pieces.masks) == 0


def test_one_long_context_is_split_over_the_device() -> None:
    pieces = plan_tree([Run(0, 1, 0, 8000, 0)], [7999], LARGE)
    assert 16 <= len(pieces.table) <= 17
    assert pieces.table[:, Column.KEYS].max() <= 512
    many = [Run(row, row + 1, 8000 * row, 8000, 0) for row in range(64)]
    pieces = plan_tree(many, [7999] * 64, LARGE)
    assert len(pieces.table) == 64
    assert (pieces.table[:, Column.DIRECT] == 1).all()


def test_branches_read_their_prefix_once_and_own_keys_alone() -> None:
    runs = [Run(0, 16, 0, 4000, 0)]
    runs += [Run(row, row + 1, 5000 + 1000 * row, 1000, 4000) for row in range(16)]
    pieces = plan_tree(runs, [4999] * 16, LARGE)
    assert pieces.keys_read == 4000 + 16 * 1000
    own = pieces.table[pieces.table[:, Column.START] >= 4000]
    assert (own[:, Column.ROWS] == 1).all()


def test_prefixes_above_half_empty_tiles_are_read_apart() -> None:
    """Nine rows of a tile of sixteen behind each of ten nodes; the root's keys fill whole tiles."""
    runs = [Run(0, 90, 0, 4000, 0)]
    for node in range(10):
        runs.append(Run(9 * node, 9 * node + 9, 5000 + 600 * node, 500, 4000))
        runs += [Run(row, row + 1, 20000 + row, 1, 4500) for row in range(9 * node, 9 * node + 9)]
    shape = replace(LARGE, tile_rows=16)
    pieces = plan_tree(runs, [4500] * 90, shape)
    assert pieces.keys_read <= 6 * 4000 + 10 * 509
    assert pieces.table[:, Column.START].min() == 0


def test_long_strangers_are_not_joined() -> None:
    runs = [Run(row, row + 1, 2000 * row, 2000, 0) for row in range(8)]
    pieces = plan_tree(runs, [1999] * 8, replace(LARGE, programs=8))
    assert (pieces.table[:, Column.ROWS] == 1).all()
    assert (pieces.table[:, Column.DIRECT] == 1).all()


def test_an_empty_batch_has_no_pieces() -> None:
    pieces = plan_tree([], [], LARGE)
    assert pieces.table.shape == (0, 8)
    assert pieces.part_starts.tolist() == [0]


@pytest.mark.parametrize(
    "runs",
    [
        (Run(0, 1, 0, 4, 0), Run(0, 1, 10, 4, 5)),
        (Run(0, 1, 0, 8, 0),),
        (Run(0, 2, 0, 9, 0),),
        (Run(0, 1, 3, 9, 1),),
        (),
    ],
)
def test_gaps_are_refused(runs: tuple[Run, ...]) -> None:
    with pytest.raises(ValueError, match=r"gap|outside"):
        plan_tree(runs, [8], LARGE)
