"""Triton attention against float64, in Triton's interpreter where there is no GPU."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from sglc_runtime.attention.pieces import Column
from sglc_runtime.attention.triton_attention import TritonAttention
from sglc_runtime.models.base import Batch, Run
from tests.runtime.attention.cases import make_spec
from tests.runtime.attention.test_against_float64 import oracle
from tests.runtime.attention.trees import TreeBatch, tree_batch

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
TOLERANCE = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}
"""Relative to the largest value."""
SLOTS = 2048


class Case:
    """A batch with its queries, keys and values; slots that nobody owns hold NaN."""

    def __init__(
        self, tree: TreeBatch, heads: int, kv_heads: int, dim: int, dtype: torch.dtype
    ) -> None:
        generator = torch.Generator().manual_seed(len(tree.positions))
        self.tree = tree
        self.shape = heads, kv_heads, dim
        self.dtype = dtype
        used = torch.tensor(sorted({slot for path in tree.paths for slot in path}))
        self.pool = torch.full((2, SLOTS, kv_heads, dim), torch.nan, dtype=dtype)
        self.pool[:, used] = torch.randn(2, len(used), kv_heads, dim, generator=generator).to(dtype)
        rows = len(tree.positions)
        self.q = torch.randn(rows, heads, dim, generator=generator).to(dtype)
        self.sinks = torch.randn(heads, generator=generator)
        self.new = torch.tensor([path[-1] for path in tree.paths])

    def batch(self) -> Batch:
        """As the engine packs it."""
        rows = len(self.new)
        return Batch(
            torch.zeros(rows, dtype=torch.int64),
            torch.tensor(self.tree.positions, device=DEVICE),
            self.new.to(DEVICE),
            torch.arange(rows),
            self.tree.runs,
        )

    def run(
        self,
        *,
        fixed: bool = False,
        split: int = 64,
        window: int | None = None,
        softcap: float | None = None,
        sinks: bool = False,
    ) -> Tensor:
        """Outputs [T, H, D] of the backend; each row's own slot is stored by it."""
        heads, kv_heads, dim = self.shape
        backend = TritonAttention(
            make_spec(heads, kv_heads, dim, dtype=self.dtype), SLOTS, DEVICE, self.dtype,
            fixed=fixed, split=split,
        )  # fmt: skip
        backend.keys[0] = self.pool[0]
        backend.values[0] = self.pool[1]
        backend.keys[0, self.new] = torch.nan
        backend.values[0, self.new] = torch.nan
        k, v = (each[self.new].to(DEVICE) for each in self.pool)
        out = backend.bind(self.batch())(
            0, self.q.to(DEVICE), k, v, scale=dim**-0.5, window=window, softcap=softcap,
            sinks=self.sinks.to(DEVICE) if sinks else None,
        )  # fmt: skip
        return out.cpu()

    def expected(
        self, *, window: int | None = None, softcap: float | None = None, sinks: bool = False
    ) -> Tensor:
        """The same in float64."""
        rows = []
        for row, path in enumerate(self.tree.paths):
            k, v = self.pool[0, path], self.pool[1, path]
            at = torch.tensor([len(path) - 1])
            scale = self.shape[2] ** -0.5
            given = self.sinks if sinks else None
            rows.append(oracle(self.q[row : row + 1], k, v, at, scale, window, softcap, given))
        return torch.cat(rows)


def small_tree(seed: int) -> TreeBatch:
    """Few rows and short paths: the interpreter takes milliseconds for a tile."""
    return tree_batch(seed, slots=SLOTS, longest=40, rows=5)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize(
    ("heads", "kv_heads", "dim"), [(4, 2, 32), (6, 2, 80), (7, 1, 64), (2, 2, 256)]
)
def test_against_float64(
    heads: int, kv_heads: int, dim: int, dtype: torch.dtype, fixed: bool
) -> None:
    case = Case(small_tree(heads * dim), heads, kv_heads, dim, dtype)
    expected = case.expected()
    error = (case.run(fixed=fixed).double() - expected).abs().max() / expected.abs().max()
    assert error < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    ("window", "softcap", "sinks"),
    [(7, None, False), (20, 3.0, False), (None, None, True), (5, 2.0, True)],
)
def test_windows_caps_and_sinks(
    dtype: torch.dtype, window: int | None, softcap: float | None, sinks: bool
) -> None:
    case = Case(small_tree(3), 4, 2, 32, dtype)
    expected = case.expected(window=window, softcap=softcap, sinks=sinks)
    for fixed in (False, True):
        out = case.run(fixed=fixed, window=window, softcap=softcap, sinks=sinks)
        error = (out.double() - expected).abs().max() / expected.abs().max()
        assert error < TOLERANCE[dtype]


@pytest.mark.skipif(
    DEVICE.type == "cpu",
    reason="the interpreter's matrix product gives a row other bits at another place of the tile",
)
@pytest.mark.parametrize("seed", range(3))
def test_rows_of_fixed_cuts_are_bitwise_as_alone(seed: int) -> None:
    """Whatever is shared and how the batch is made up: a row's own keys decide its bits."""
    tree = small_tree(seed)
    together = Case(tree, 4, 2, 32, torch.float32)
    out = together.run(fixed=True)
    for row, position in enumerate(tree.positions):
        runs = tuple(
            run._replace(row_start=0, row_end=1)
            for run in tree.runs
            if run.row_start <= row < run.row_end
        )
        alone = Case(TreeBatch(runs, [position], [tree.paths[row]]), 4, 2, 32, torch.float32)
        alone.pool, alone.q = together.pool, together.q[row : row + 1]
        assert torch.equal(alone.run(fixed=True)[0], out[row])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize(("window", "sinks"), [(None, False), (30, True)])
def test_prompts_and_single_rows_in_one_batch(
    dtype: torch.dtype, window: int | None, sinks: bool
) -> None:
    """Prompts of more rows than a tile has, some behind a prefix that others share."""
    tree = tree_batch(11, slots=SLOTS, longest=50, rows=50, most=40)
    case = Case(tree, 4, 1, 32, dtype)
    backend = TritonAttention(make_spec(4, 1, 32, dtype=dtype), SLOTS, DEVICE, dtype)
    tiles = backend.plan(case.batch(), tree.positions, window)[1].tiles
    assert len(tiles)
    assert tiles[:, Column.ROWS].sum() < len(tree.positions)
    expected = case.expected(window=window, sinks=sinks)
    out = case.run(window=window, sinks=sinks)
    assert (out.double() - expected).abs().max() / expected.abs().max() < TOLERANCE[dtype]


@pytest.mark.parametrize("window", [None, 20])
def test_a_prompt_may_be_cut_anywhere(window: int | None) -> None:
    """Bitwise the same on devices; the interpreter's products depend on a row's place in a tile."""
    heads, kv_heads, dim, length = 4, 1, 32, 70
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(length, heads, dim, generator=generator).to(DEVICE)
    k, v = torch.randn(2, length, kv_heads, dim, generator=generator).to(DEVICE)

    def run(*ends: int) -> Tensor:
        backend = TritonAttention(
            make_spec(heads, kv_heads, dim), SLOTS, DEVICE, torch.float32
        )  # fmt: skip
        found = []
        for first, last in pairwise((0, *ends)):
            at = torch.arange(first, last)
            batch = Batch(
                at, at.to(DEVICE), (at + 5).to(DEVICE), at, (Run(0, last - first, 5, last, 0),)
            )
            planned = backend.plan(batch, at.tolist(), window)[1]
            assert planned.tiles[:, Column.ROWS].sum() == last - first
            now = slice(first, last)
            found.append(
                backend.bind(batch)(0, q[now], k[now], v[now], scale=0.2, window=window)
            )  # fmt: skip
        return torch.cat(found)

    whole = run(length)
    for ends in ((31, length), (16, 45, length)):
        if DEVICE.type == "cuda":
            assert torch.equal(run(*ends), whole)
        torch.testing.assert_close(run(*ends), whole, rtol=1e-5, atol=1e-6)


def test_gaps_are_refused() -> None:
    tree = small_tree(1)
    broken = TreeBatch(tree.runs[1:], tree.positions, tree.paths)
    with pytest.raises(ValueError, match="gap"):
        Case(broken, 4, 2, 32, torch.float32).run()
