"""Plans of captured decode steps: own and shared keys of a row are all of its keys, once each."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc_runtime.attention.pieces import Column, Ints
from sglc_runtime.attention.shared_plan import SharedPlan, TreeShape, plan_shared
from sglc_runtime.attention.sharing import Traffic
from sglc_runtime.models.base import Run
from tests.runtime.attention.trees import TreeBatch, decode_tree

SHAPE = TreeShape(
    tile_rows=4, kv_heads=2, traffic=Traffic(key=256, partial=600), programs=16, pieces=400,
    parts=4000, block=4, shortest=8, worth=0,
)  # fmt: skip
MANY_HEADS = Traffic.of(heads=32, kv_heads=8, dim=128, itemsize=2)
LARGE = TreeShape(
    tile_rows=16, kv_heads=8, traffic=MANY_HEADS, programs=264, pieces=4096, parts=1 << 16
)
WIDTH = 600


def slot_table(tree: TreeBatch, places: list[int]) -> Ints:
    """Slots of every row at its place, and -1 where it has none."""
    table = np.full((max(places) + 1, WIDTH), -1, np.int32)
    for place, path in zip(places, tree.paths, strict=True):
        table[place, : len(path)] = path
    return table.ravel()


def shared_keys(plan: SharedPlan, slots: Ints, row: int) -> list[tuple[int, int]]:
    """Position and slot of each key that a row's parts have, in the order they are merged in."""
    owner = {
        int(entry[Column.PARTIAL]) + offset: entry
        for entry in plan.table
        for offset in range(int(entry[Column.ROWS]))
    }
    assert len(owner) == len(plan.parts) == plan.table[:, Column.ROWS].sum()
    keys: list[tuple[int, int]] = []
    for part in plan.parts[plan.part_starts[row] : plan.part_starts[row + 1]].tolist():
        first, _, at, count, start, partial, mask, direct = owner[part].tolist()
        assert (first + part - partial, mask, direct) == (row, -1, 0)
        keys += zip(range(start, start + count), slots[at : at + count].tolist(), strict=True)
    return keys


shapes = st.builds(
    lambda tile, programs, pieces, parts, partial: replace(
        SHAPE, tile_rows=tile, programs=programs, pieces=pieces, parts=parts,
        traffic=Traffic(256, partial),
    ),
    st.sampled_from([1, 3, 4, 16]), st.sampled_from([1, 16, 200]), st.sampled_from([0, 3, 400]),
    st.sampled_from([5, 40, 4000]), st.sampled_from([0, 600, 10**5]),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), shapes, st.sampled_from([None, 5, 40]))
def test_rows_see_all_their_keys_once(seed: int, shape: TreeShape, window: int | None) -> None:
    tree = decode_tree(seed)
    count = len(tree.positions)
    places = random.Random(seed).sample(range(2 * count), count)
    plan = plan_shared(
        tree.runs, tree.positions, places, shape, width=WIDTH, rows=count + 2, window=window
    )
    slots = slot_table(tree, places)
    assert plan.count <= shape.pieces
    assert len(plan.parts) <= shape.parts
    assert plan.table[:, Column.ROWS].max(initial=0) <= shape.tile_rows
    for row, (position, path) in enumerate(zip(tree.positions, tree.paths, strict=True)):
        low = 0 if window is None else max(0, position - window + 1)
        own = int(plan.own_starts[row])
        assert own <= position
        found = [key for key in shared_keys(plan, slots, row) if key[0] >= low]
        assert found == list(enumerate(path))[low:own]
    assert plan.own_starts[count:].tolist() == [0, 0]
    assert plan.part_starts[count:].tolist() == [len(plan.parts)] * 3


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6))
def test_a_plan_stays_right_while_rows_move_on(seed: int) -> None:
    """Positions enter only as an upper bound of what is shared."""
    tree = decode_tree(seed)
    places = list(range(len(tree.positions)))
    plan = plan_shared(tree.runs, tree.positions, places, SHAPE, width=WIDTH)
    ends = plan.table[:, Column.START] + plan.table[:, Column.KEYS]
    for first, rows, end in zip(plan.table[:, 0], plan.table[:, 1], ends, strict=True):
        assert end <= min(tree.positions[first : first + rows])


def branches(rows: int, prefix: int, own: int = 1) -> tuple[list[Run], list[int]]:
    """Rows behind one prefix, each with keys of its own."""
    return [Run(0, rows, 0, prefix, 0)], [prefix + own - 1] * rows


def loads(plan: SharedPlan, positions: list[int], shape: TreeShape, later: int = 0) -> list[int]:
    """Blocks of keys that each program gets, shared out as `kernels/triton/split.py` does."""
    queues = shape.programs // shape.kv_heads
    pieces = -(-plan.table[:, Column.KEYS] // shape.block)
    own = -(-(np.array(positions) + 1 + later - plan.own_starts) // shape.block)
    total = int(pieces.sum() + own.sum())
    share = max(-(-total // queues), shape.shortest // shape.block)
    found = [0] * queues
    for start, units in zip((pieces.cumsum() - pieces).tolist(), pieces.tolist(), strict=True):
        found[start // share] += units
    for unit in range(int(pieces.sum()), total):
        found[unit // share] += 1
    return found


def test_a_long_prefix_is_spread_over_the_device() -> None:
    runs, positions = branches(10, 4000, own=400)
    plan = plan_shared(runs, positions, range(10), LARGE, width=8192)
    assert (plan.table[:, Column.ROWS] == 10).all()
    assert plan.own_starts.tolist() == [4000] * 10
    for later in (0, 32, 64):
        blocks = loads(plan, positions, LARGE, later)
        assert max(blocks) * len(blocks) <= 1.25 * sum(blocks) + len(blocks)


def test_next_to_long_contexts_a_prefix_is_cut_less() -> None:
    """Each part is one more partial result of every row."""
    runs, positions = branches(64, 1000, own=8000)
    plan = plan_shared(runs, positions, range(64), LARGE, width=16384)
    assert plan.count == 4
    assert (plan.part_starts[1:] - plan.part_starts[:-1] == 1).all()


@pytest.mark.parametrize(("rows", "prefix", "own"), [(256, 256, 32), (40, 3000, 100)])
def test_tiles_are_cut_where_programs_end(rows: int, prefix: int, own: int) -> None:
    runs, positions = branches(rows, prefix, own)
    plan = plan_shared(runs, positions, range(rows), LARGE, width=4096)
    blocks = loads(plan, positions, LARGE, later=32)
    assert max(blocks) <= 1.2 * sum(blocks) / len(blocks) + 1


def test_a_stretch_that_does_not_fit_is_shared_by_some_rows() -> None:
    runs, positions = branches(1024, 2048, 32)
    shape = replace(LARGE, tile_rows=4, pieces=255)
    plan = plan_shared(runs, positions, range(1024), shape, width=4096)
    assert plan.own_starts.tolist() == [2048] * 1020 + [0] * 4
    assert plan.count == 255


def test_many_rows_fill_the_device_without_splits() -> None:
    runs, positions = branches(16 * 40, 1024)
    plan = plan_shared(runs, positions, range(640), LARGE, width=2048)
    assert plan.count == 40
    assert (plan.table[:, Column.KEYS] == 1024).all()


@pytest.mark.parametrize(("rows", "prefix"), [(1, 8192), (2, 512), (4, 256), (32, 16)])
def test_small_batches_and_short_prefixes_share_nothing(rows: int, prefix: int) -> None:
    runs, positions = branches(rows, prefix)
    plan = plan_shared(runs, positions, range(rows), LARGE, width=9000, rows=64)
    assert plan.count == 0
    assert plan.own_starts.tolist() == [0] * 64
    assert plan.part_starts.tolist() == [0] * 65


def binary_tree(levels: int, length: int) -> tuple[list[Run], list[int]]:
    """Each node of `length` keys has two children; 2 ** levels rows."""
    rows = 1 << levels
    runs = [
        Run(first, first + (rows >> level), 0, length, level * length)
        for level in range(levels)
        for first in range(0, rows, rows >> level)
    ]
    return sorted(runs, key=lambda run: (run.row_start, -run.row_end)), [levels * length] * rows


def test_levels_that_fill_whole_tiles_are_read_with_those_below() -> None:
    """Down to 16 rows reading a node for itself saves no program; it only costs partial results."""
    runs, positions = binary_tree(8, 16)
    plan = plan_shared(runs, positions, range(256), LARGE, width=256)
    first = plan.table[plan.table[:, Column.START] == 0]
    assert (first[:, Column.ROWS] == 8).all()
    assert (first[:, Column.KEYS] == 96).all()
    assert len(first) == 32


def test_long_levels_are_read_one_by_one() -> None:
    runs, positions = binary_tree(4, 400)
    plan = plan_shared(runs, positions, range(16), LARGE, width=2048)
    rows = {
        start // 400: set(plan.table[plan.table[:, Column.START] // 400 == start // 400, 1])
        for start in range(0, 1600, 400)
    }
    assert rows == {0: {16}, 1: {8}, 2: {4}, 3: {2}}
    assert set(plan.own_starts.tolist()) == {1600}


def test_without_room_less_is_shared() -> None:
    runs, positions = branches(10, 4000)
    few = plan_shared(runs, positions, range(10), replace(LARGE, pieces=9), width=8192)
    assert 7 <= few.count <= 9
    assert few.own_starts.tolist() == [4000] * 10
    # Three programs would be busy with it for longer than all with the rows' own copies.
    assert plan_shared(runs, positions, range(10), replace(LARGE, pieces=3), width=8192).count == 0
    none = plan_shared(runs, positions, range(10), replace(LARGE, parts=9), width=8192)
    assert none.count == 0
    assert none.own_starts.tolist() == [0] * 10


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ((Run(0, 3, 0, 8, 0),), "outside"),
        ((Run(0, 2, 0, 4, 1),), "gap"),
        ((Run(0, 2, 0, 4, 0), Run(0, 2, 9, 4, 5)), "gap"),
        ((Run(0, 2, 0, 4, 0), Run(1, 3, 9, 4, 4)), "outside|overlap"),
    ],
)
def test_runs_that_are_no_tree_are_refused(runs: tuple[Run, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_shared(runs, [9, 9], [0, 1], SHAPE, width=WIDTH)


def test_rows_that_overlap_are_refused() -> None:
    runs = (Run(0, 2, 0, 4, 0), Run(1, 3, 9, 4, 4))
    with pytest.raises(ValueError, match="overlap"):
        plan_shared(runs, [9, 9, 9], [0, 1, 2], SHAPE, width=WIDTH)


def test_places_beyond_int32_are_refused() -> None:
    runs, positions = branches(10, 4000)
    with pytest.raises(ValueError, match="int32"):
        plan_shared(runs, positions, range(10), LARGE, width=1 << 28)
