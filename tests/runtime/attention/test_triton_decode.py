"""Decode steps at fixed addresses: what they compute, and how their work is shared out."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from sglc_runtime.attention.decode_inputs import DecodeInputs, SharedPieces
from sglc_runtime.attention.make import attention_for
from sglc_runtime.attention.pieces import Column
from sglc_runtime.attention.shared_plan import TreeShape, plan_shared
from sglc_runtime.attention.sharing import Traffic
from sglc_runtime.attention.triton_attention import TritonAttention
from sglc_runtime.config import EngineConfig
from sglc_runtime.kernels.triton.split import Splitting, make_items, own_capacity, split
from sglc_runtime.models.base import Batch, Run
from tests.runtime.attention.cases import make_spec
from tests.runtime.attention.test_against_float64 import oracle
from tests.runtime.attention.trees import tree_batch

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
TOLERANCE = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}
SLOTS = 2048
WIDTH = 300


class Steps:
    """Sequences with slots of their own, in rows of a slot table, and padding behind them."""

    def __init__(self, lengths: list[int], padding: int = 1, *, seed: int = 0) -> None:
        random_ = random.Random(seed)
        free = random_.sample(range(1, SLOTS), SLOTS - 1)
        rows = len(lengths) + padding
        self.table = torch.zeros(rows + 1, WIDTH, dtype=torch.int32)
        self.places = random_.sample(range(1, rows + 1), rows)
        self.lengths = [*lengths, *[1] * padding]
        for place, length in zip(self.places, self.lengths, strict=True):
            self.table[place, : length + 8] = torch.tensor(free[: length + 8])
            del free[: length + 8]

    def inputs(self, shared: SharedPieces | None = None) -> DecodeInputs:
        rows = len(self.lengths)
        return DecodeInputs(
            positions=torch.zeros(rows, dtype=torch.int64, device=DEVICE),
            out_slots=torch.zeros(rows, dtype=torch.int64, device=DEVICE),
            table_rows=torch.tensor(self.places, dtype=torch.int32, device=DEVICE),
            slot_table=self.table.to(DEVICE),
            own_starts=torch.zeros(rows, dtype=torch.int32, device=DEVICE),
            shared=shared,
        )

    def at(self, inputs: DecodeInputs, step: int) -> list[list[int]]:
        """Set positions and slots of a step; returns the slots of each row's keys."""
        paths = [
            self.table[place, : length + step].tolist()
            for place, length in zip(self.places, self.lengths, strict=True)
        ]
        inputs.positions.copy_(torch.tensor([len(path) - 1 for path in paths]))
        inputs.out_slots.copy_(torch.tensor([path[-1] for path in paths]))
        return paths


class Model:
    """A pool whose unused slots are NaN, and random queries, keys and values of each step."""

    def __init__(
        self, heads: int, kv_heads: int, dim: int, dtype: torch.dtype = torch.float32,
        *, fixed: bool = False, programs: int = 6, split: int = 32,
    ) -> None:  # fmt: skip
        self.shape = heads, kv_heads, dim
        self.dtype = dtype
        spec = make_spec(heads, kv_heads, dim, layers=2, dtype=dtype)
        self.backend = TritonAttention(
            spec, SLOTS, DEVICE, dtype, fixed=fixed, programs=programs, split=split
        )
        self.generator = torch.Generator().manual_seed(heads * dim)
        self.backend.keys.fill_(torch.nan)
        self.backend.values.fill_(torch.nan)

    def random(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.generator).to(self.dtype).to(DEVICE)

    def fill(self, paths: list[list[int]]) -> None:
        """Keys and values of all but the last position of each row."""
        _, kv_heads, dim = self.shape
        for path in paths:
            for pool in (self.backend.keys, self.backend.values):
                pool[:, path[:-1]] = self.random(2, len(path) - 1, kv_heads, dim)

    def error(
        self, inputs: DecodeInputs, paths: list[list[int]], *, window: int | None = None,
        softcap: float | None = None, sinks: bool = False,
    ) -> float:  # fmt: skip
        """Run both layers of a step and return the larger relative error."""
        heads, kv_heads, dim = self.shape
        rows, scale = len(paths), dim**-0.5
        given = self.random(heads) if sinks else None
        if not hasattr(self, "attention"):
            self.attention = self.backend.bind_decode(inputs)
        worst = 0.0
        for layer in range(2):
            q = self.random(rows, heads, dim)
            k, v = self.random(rows, kv_heads, dim), self.random(rows, kv_heads, dim)
            out = self.attention(
                layer, q, k, v, scale=scale, window=window, softcap=softcap, sinks=given
            )
            expected = torch.cat([
                oracle(
                    q[row : row + 1].cpu(), self.backend.keys[layer, path].cpu(),
                    self.backend.values[layer, path].cpu(), torch.tensor([len(path) - 1]),
                    scale, window, softcap, None if given is None else given.cpu(),
                )
                for row, path in enumerate(paths)
            ])  # fmt: skip
            error = (out.cpu().double() - expected).abs().max() / expected.abs().max()
            worst = max(worst, error.item() if error.isfinite() else float("inf"))
        return worst


@pytest.mark.parametrize(
    ("heads", "kv_heads", "dim", "dtype", "fixed"),
    [(4, 2, 32, torch.float32, False), (3, 1, 80, torch.float16, False),
     (7, 1, 32, torch.float16, True)],
)  # fmt: skip
def test_steps_of_one_binding_against_float64(
    heads: int, kv_heads: int, dim: int, dtype: torch.dtype, fixed: bool
) -> None:
    """More shapes are among the kernels' cases."""
    steps = Steps([70, 23])
    inputs = steps.inputs()
    model = Model(heads, kv_heads, dim, dtype, fixed=fixed, programs=4)
    for step in (0, 7):  # the tables stay, their contents change
        paths = steps.at(inputs, step)
        model.fill(paths)
        assert model.error(inputs, paths) < TOLERANCE[dtype]


@pytest.mark.parametrize(
    ("window", "softcap", "sinks"), [(7, None, False), (70, 3.0, False), (None, 2.0, True)]
)
def test_windows_caps_and_sinks(window: int | None, softcap: float | None, sinks: bool) -> None:
    steps = Steps([75, 20], padding=0)
    inputs = steps.inputs()
    for fixed in (False, True):
        model = Model(4, 2, 32, torch.bfloat16, fixed=fixed)
        paths = steps.at(inputs, 3)
        model.fill(paths)
        error = model.error(inputs, paths, window=window, softcap=softcap, sinks=sinks)
        assert error < TOLERANCE[torch.bfloat16]


@pytest.mark.parametrize("pool", [torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_pools_of_8_bits(pool: torch.dtype, dtype: torch.dtype) -> None:
    """Decode and extend read what is stored exactly, subnormal numbers too."""
    heads, kv_heads, dim = 4, 2, 32
    spec = make_spec(heads, kv_heads, dim, dtype=dtype)
    backend = TritonAttention(spec, SLOTS, DEVICE, pool)
    steps = Steps([70], padding=0)
    inputs = steps.inputs()
    (path,) = steps.at(inputs, 0)
    generator = torch.Generator().manual_seed(0)
    for part in (backend.keys, backend.values):
        random_ = torch.randn(70, kv_heads, dim, generator=generator)
        random_[:, :, ::5] *= 2.0**-9
        part.view(torch.uint8)[0, path] = random_.to(pool).view(torch.uint8).to(DEVICE)
    q = torch.randn(1, heads, dim, generator=generator).to(dtype).to(DEVICE)
    new = torch.randn(2, 1, kv_heads, dim, generator=generator).to(dtype).to(DEVICE)
    new[0, 0, 0, 0] = 10**4.5
    scale = dim**-0.5
    out = backend.bind_decode(inputs)(0, q, new[0], new[1], scale=scale)
    keys, values = (
        part.view(torch.uint8)[0].cpu()[path].view(pool).double()
        for part in (backend.keys, backend.values)
    )
    assert keys[-1, 0, 0] == (448 if pool == torch.float8_e4m3fn else 32768)
    assert ((keys.abs() > 0) & (keys.abs() < 2.0**-6)).any()
    at = torch.tensor([69])
    expected = oracle(q.cpu(), keys, values, at, scale, None, None, None)
    assert (out.cpu().double() - expected).abs().max() / expected.abs().max() < TOLERANCE[dtype]
    batch = Batch(at, at.to(DEVICE), inputs.out_slots, torch.zeros(1), tuple(
        Run(0, 1, slot, 1, position) for position, slot in enumerate(path)
    ))  # fmt: skip
    again = backend.bind(batch).attend(0, q, scale=scale)
    assert (again.cpu().double() - expected).abs().max() / expected.abs().max() < TOLERANCE[dtype]


def items_of(
    inputs: DecodeInputs, splitting: Splitting, window: int | None
) -> tuple[list[list[int]], list[int], list[int]]:
    """Pieces as `split` writes them, where queues begin, and where each row's parts do."""
    items = make_items(inputs, splitting)
    for table in (items.table, items.firsts, items.own_parts):
        table.fill_(-7)
    split(inputs, items, splitting, window=window)
    firsts = items.firsts.tolist()
    return items.table[: firsts[-1]].tolist(), firsts, items.own_parts.tolist()


def shared_pieces(keys: list[int], rows: int, capacity: int, begin: int) -> SharedPieces:
    """Pieces of all rows one after another, and room for more."""
    table = torch.full((capacity, 8), -9, dtype=torch.int32)
    for index, count in enumerate(keys):
        table[index] = torch.tensor([0, rows, begin, count, sum(keys[:index]), index * rows, -1, 0])
    starts = torch.arange(rows + 1) * len(keys)
    parts = [piece * rows + row for row in range(rows) for piece in range(len(keys))]
    parts += [0] * (capacity * rows - len(parts))
    return SharedPieces(
        table.to(DEVICE),
        torch.tensor([len(keys)], dtype=torch.int32, device=DEVICE),
        starts.to(torch.int32).to(DEVICE),
        torch.tensor(parts, dtype=torch.int32, device=DEVICE),
    )


@pytest.mark.parametrize("window", [None, 40])
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("shared", [None, [], [64], [100, 16, 16, 30]])
@pytest.mark.parametrize("seed", range(2))
def test_work_is_shared_out_evenly_and_completely(
    seed: int, shared: list[int] | None, fixed: bool, window: int | None
) -> None:
    random_ = random.Random(seed)
    begin = sum(shared or [])
    lengths = [begin + random_.choice([1, 16, 17, 100]) for _ in range(random_.randint(1, 4))]
    steps = Steps(lengths, padding=0, seed=seed)
    pieces = None if shared is None else shared_pieces(shared, len(lengths), 6, 0)
    inputs = steps.inputs(pieces)
    steps.at(inputs, 0)
    if shared:
        inputs.own_starts.fill_(begin)
    splitting = Splitting(16, random_.choice([1, 3, 8]), 1 if fixed else 2, fixed=fixed)
    found, firsts, own_parts = items_of(inputs, splitting, window)

    count = len(shared or [])
    if pieces is not None:
        assert found[:count] == pieces.table[:count].tolist()
    assert firsts[0] == 0
    assert firsts == sorted(firsts)
    assert len(found) - count <= own_capacity(inputs, splitting)
    base = 0 if pieces is None else len(pieces.parts)
    assert own_parts[0] == base
    assert [item[Column.PARTIAL] for item in found[count:]] == [
        *range(base, base + len(found) - count)
    ]
    for row, length in enumerate(lengths):
        mine = [item for item in found[count:] if item[Column.FIRST_ROW] == row]
        assert len(mine) == own_parts[row + 1] - own_parts[row]
        low = max(begin, length - window if window else 0)
        low = low // 16 * 16 if fixed else low
        reached = low
        for item in mine:
            assert item[Column.START] == reached
            assert item[Column.SLOTS] == steps.places[row] * WIDTH + reached
            assert item[Column.ROWS] == 1
            assert item[Column.MASK] == -1
            assert item[Column.DIRECT] == (len(mine) == 1 and not count)
            assert item[Column.KEYS] > 0
            if fixed:
                assert reached % 16 == 0
                assert item[Column.KEYS] <= 16
            reached += item[Column.KEYS]
        assert reached == length
    cost = [1 if fixed else -(-item[Column.KEYS] // 16) for item in found]
    largest = max(cost[:count], default=0)
    share = max(-(-sum(cost) // splitting.queues), splitting.least)
    for first, last in pairwise(firsts):
        assert sum(cost[first:last]) <= share + largest


def test_a_tree_of_shared_prefixes() -> None:
    tree = tree_batch(0, slots=SLOTS, longest=80, rows=6, most=1)
    rows = len(tree.positions)
    table = torch.zeros(rows, WIDTH, dtype=torch.int32)
    for row, path in enumerate(tree.paths):
        table[row, : len(path)] = torch.tensor(path)
    model = Model(4, 2, 32, programs=8)
    shape = TreeShape(
        tile_rows=model.backend.shared_rows, kv_heads=2, traffic=Traffic(256, 1), programs=8,
        pieces=40, parts=200, block=16, shortest=16, worth=0,
    )  # fmt: skip
    plan = plan_shared(tree.runs, tree.positions, range(rows), shape, width=WIDTH)
    assert plan.count
    room = np.zeros((40, 8), np.int32)
    room[: plan.count] = plan.table
    parts = np.zeros(200, np.int32)
    parts[: len(plan.parts)] = plan.parts
    shared = SharedPieces(
        torch.from_numpy(room).to(DEVICE),
        torch.tensor([plan.count], dtype=torch.int32, device=DEVICE),
        torch.from_numpy(plan.part_starts).to(DEVICE),
        torch.from_numpy(parts).to(DEVICE),
    )
    inputs = DecodeInputs(
        positions=torch.tensor(tree.positions, device=DEVICE),
        out_slots=torch.tensor([path[-1] for path in tree.paths], device=DEVICE),
        table_rows=torch.arange(rows, dtype=torch.int32, device=DEVICE),
        slot_table=table.to(DEVICE),
        own_starts=torch.from_numpy(plan.own_starts).to(DEVICE),
        shared=shared,
    )
    model.fill(tree.paths)
    assert model.error(inputs, tree.paths) < 1e-5


def test_a_step_of_another_size_is_refused() -> None:
    steps = Steps([3, 4])
    inputs = steps.inputs()
    steps.at(inputs, 0)
    attention = Model(4, 2, 32).backend.bind_decode(inputs)
    with pytest.raises(ValueError, match="5 rows in a step of 3"):
        attention.attend(0, torch.zeros(5, 4, 32, device=DEVICE), scale=1.0)


@pytest.mark.parametrize(("window", "sinks"), [(None, False), (40, True)])
def test_fixed_cuts_give_steps_and_batches_the_same_bits(window: int | None, sinks: bool) -> None:
    """However many programs share the work out, and whatever else is in the batch."""
    steps = Steps([100, 33, 5], padding=0)
    inputs = steps.inputs()
    paths = steps.at(inputs, 0)
    model = Model(4, 2, 32, fixed=True, programs=4)
    model.fill([[*path, 0] for path in paths])
    q = model.random(3, 4, 32)
    given = model.random(4) if sinks else None

    def step(programs: int) -> Tensor:
        model.backend.programs = programs
        bound = model.backend.bind_decode(inputs)
        return bound.attend(0, q, scale=0.2, window=window, sinks=given).clone()

    def alone(row: int) -> Tensor:
        runs = tuple(Run(0, 1, slot, 1, at) for at, slot in enumerate(paths[row]))
        at, out = inputs.positions[row : row + 1], inputs.out_slots[row : row + 1]
        bound = model.backend.bind(Batch(at, at, out, torch.zeros(1), runs))
        return bound.attend(0, q[row : row + 1], scale=0.2, window=window, sinks=given)

    expected = torch.cat([alone(row) for row in range(3)])
    assert expected.isfinite().all()
    for programs in (2, 10):
        assert torch.equal(step(programs), expected)


def test_slot_tables_beyond_int32_are_refused() -> None:
    inputs = Steps([3]).inputs()
    table = torch.empty(1 << 16, 1 << 16, dtype=torch.int32, device="meta")
    with pytest.raises(ValueError, match="too large"):
        Model(4, 2, 32).backend.bind_decode(replace(inputs, slot_table=table))


def test_deterministic_is_an_option_of_engines() -> None:
    spec = make_spec(2, 2, 32)
    for wanted in (False, True):
        config = EngineConfig(attention="triton", deterministic=wanted)
        assert attention_for(config, spec, 32, DEVICE).deterministic is wanted
