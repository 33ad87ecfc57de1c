"""Trees of shared prefixes that tree attention is measured on."""

from __future__ import annotations

from math import prod

from sglc_runtime.kernels.triton.cases.tree import Tree

TREES: tuple[Tree, ...] = (
    Tree((1, 10), (4000, 400)),
    Tree((1, 256), (256, 32)),
    Tree((1, 1024), (2048, 32)),
    Tree((1, 4, 16, 512), (1024, 256, 128, 32)),
    Tree((1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024), (16,) * 11),
)
"""Shapes that FastTree (MLSys 2025) was published with: one and several levels of sharing."""
UNSHARED: tuple[Tree, ...] = (Tree((256,), (1024,)), Tree((64,), (4096,)))
"""Nothing is shared: tree decoding must not be slower here (PAT, arXiv 2511.22333)."""
HEADS: tuple[tuple[int, int], ...] = ((16, 1), (32, 8), (32, 32))
"""Query and KV heads."""
DIM = 128


def geometric_mean(values: list[float]) -> float:
    """Of positive numbers."""
    return float(prod(values) ** (1 / len(values)))
