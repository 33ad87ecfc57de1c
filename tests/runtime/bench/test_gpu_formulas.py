"""Bytes and operations of steps against numbers worked out by hand; trees; rates."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sglc_runtime.bench.gpu.ceilings import Ceilings, copy_bandwidth, matmul_rate
from sglc_runtime.bench.gpu.formulas import (
    attention_flops,
    kv_bytes,
    mean_context,
    prefill_flops,
    step_bytes,
)
from sglc_runtime.bench.gpu.timer import ClockTimer, median_seconds
from sglc_runtime.bench.gpu.trees import TREES, UNSHARED, geometric_mean
from sglc_runtime.bench.shapes import LLAMA_31_8B, QWEN3_06B, Shape
from sglc_runtime.kernels.triton.cases.tree import Tree

SMALL = Shape(
    name="Small", family="llama", vocabulary=100, hidden=8, inner=12, layers=3, heads=4, kv_heads=2,
    head_dim=2, context=64, rope_theta=1e4,
)  # fmt: skip


def test_bytes_of_a_step() -> None:
    # A layer: q and o 8 x 8 each, k and v 8 x 4 each, three times 8 x 12; the output 100 x 8.
    weights = 3 * (64 + 64 + 32 + 32 + 3 * 96) + 800
    assert SMALL.weights == weights == 2240
    # Key and value, 3 layers, 2 heads of 2, 2 bytes each.
    assert kv_bytes(SMALL, 1) == 2 * 3 * 2 * 2 * 2
    assert step_bytes(SMALL, [5, 7]) == 2 * 2240 + 12 * 48
    assert step_bytes(replace(SMALL, tied=False), [5, 7]) == step_bytes(SMALL, [5, 7])
    assert kv_bytes(SMALL, 10, itemsize=1) == 240


def test_bytes_of_real_models() -> None:
    """As in the published shapes: 1.19 GB of weights, 114,688 bytes a token; 15.0 GB, 131,072."""
    assert 2 * QWEN3_06B.weights == pytest.approx(1.19e9, rel=0.01)
    assert kv_bytes(QWEN3_06B, 1) == 114_688
    assert 2 * LLAMA_31_8B.weights == pytest.approx(15.0e9, rel=0.01)
    assert kv_bytes(LLAMA_31_8B, 1) == 131_072


def test_mean_context_of_the_steps_after_the_first_token() -> None:
    prompt, new = 10, 6
    contexts = [prompt + step for step in range(1, new)]
    assert mean_context(prompt, new) == sum(contexts) / len(contexts)


def test_operations_of_a_prompt() -> None:
    # Three tokens: 1 + 2 + 3 pairs, two products of 2 x 2 operations for each number of a head.
    assert attention_flops(SMALL, 3) == 4 * 3 * 4 * 2 * 6
    assert prefill_flops(SMALL, 3) == 2 * 1440 * 3 + 2 * 800 + attention_flops(SMALL, 3)
    # 2 P T of 8B: 7 billion weights of layers, 8192 tokens.
    assert prefill_flops(LLAMA_31_8B, 8192) == pytest.approx(2 * 6.98e9 * 8192 + 1.76e13, rel=0.01)


def test_shares_of_ceilings() -> None:
    ceilings = Ceilings(bandwidth=2e12, matmul=5e14)
    assert ceilings.of_bandwidth(1e9, 1e-3) == 50
    assert ceilings.of_matmul(1e12, 4e-3) == 50


def test_ceilings_are_measured() -> None:
    timer, device = ClockTimer(), torch.device("cpu")
    assert copy_bandwidth(timer, device, 1 << 16) > 0
    assert matmul_rate(timer, device, 16) > 0


def test_the_clock_counts_repeats_only() -> None:
    calls: list[int] = []
    times = ClockTimer().times(lambda: calls.append(1), 3)
    assert (len(times), len(calls)) == (3, 4)
    assert all(each >= 0 for each in times)
    assert median_seconds(ClockTimer(), lambda: None, 3) >= 0


def test_runs_of_a_tree_are_paths_of_its_leaves() -> None:
    tree = Tree((1, 2, 6), (3, 2, 1))
    assert (tree.sequences, tree.context, tree.unique) == (6, 6, 3 + 4 + 6)
    assert tree.sharing == pytest.approx(36 / 13)
    paths: list[list[int]] = [[] for _ in range(6)]
    for run in tree.runs():
        for row in range(run.row_start, run.row_end):
            assert len(paths[row]) == run.position
            paths[row] += range(run.slot_start, run.slot_start + run.length)
    assert [len(path) for path in paths] == [6] * 6
    assert len({slot for path in paths for slot in path}) == tree.unique
    assert paths[0][:5] == paths[2][:5] != paths[3][:5]
    assert paths[0][:3] == paths[5][:3]
    assert paths[0][5] != paths[1][5]


def test_shapes_of_trees() -> None:
    for tree in TREES:
        assert tree.sharing > 1
        assert tree.nodes[0] == 1
    assert all(tree.sharing == 1 for tree in UNSHARED)
    assert TREES[0].unique == 4000 + 10 * 400
    with pytest.raises(ValueError, match="3 nodes below 2"):
        Tree((1, 2, 3), (1, 1, 1))
    with pytest.raises(ValueError, match="levels"):
        Tree((1, 2), (1,))
    assert geometric_mean([2.0, 8.0]) == pytest.approx(4)
