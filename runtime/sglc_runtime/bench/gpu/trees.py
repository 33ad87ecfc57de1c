"""Trees of shared prefixes that tree attention is measured on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from math import prod

from sglc_runtime.models.base import Run

EXTENT = 16
"""Slots of a stretch that lie side by side, as the allocator hands them out."""


@dataclass(frozen=True, slots=True)
class Tree:
    """`nodes[i]` nodes at level i, each of `tokens[i]` tokens; every leaf is one sequence."""

    nodes: tuple[int, ...]
    tokens: tuple[int, ...]

    def __post_init__(self) -> None:
        """Raise ValueError where a level is no multiple of the one above."""
        for above, below in zip(self.nodes, self.nodes[1:], strict=False):
            if below % above:
                raise ValueError(f"{below} nodes below {above}")
        if len(self.nodes) != len(self.tokens):
            raise ValueError("as many levels of nodes as of tokens are needed")

    @property
    def name(self) -> str:
        """`N=1,256 C=256,32`."""
        return f"N={','.join(map(str, self.nodes))} C={','.join(map(str, self.tokens))}"

    @property
    def sequences(self) -> int:
        """Leaves."""
        return self.nodes[-1]

    @property
    def context(self) -> int:
        """Tokens of each sequence."""
        return sum(self.tokens)

    @property
    def unique(self) -> int:
        """Tokens of all nodes."""
        return sum(n * c for n, c in zip(self.nodes, self.tokens, strict=True))

    @property
    def sharing(self) -> float:
        """How often a token is in a sequence, on average."""
        return self.sequences * self.context / self.unique

    def runs(self) -> list[Run]:
        """Runs of the tree, parents first; a node's slots follow those of the node before."""
        starts = [0, *accumulate(n * c for n, c in zip(self.nodes, self.tokens, strict=True))]
        positions = [0, *accumulate(self.tokens)]
        found = []
        for level, (count, tokens) in enumerate(zip(self.nodes, self.tokens, strict=True)):
            width = self.sequences // count
            found += [
                Run(
                    node * width,
                    (node + 1) * width,
                    starts[level] + node * tokens,
                    tokens,
                    positions[level],
                )
                for node in range(count)
                if tokens
            ]
        return found

    def scaled(self, factor: int) -> Tree:
        """A smaller tree of the same levels, to try things out."""
        nodes = [max(1, n // factor) for n in self.nodes]
        for level in range(1, len(nodes)):
            nodes[level] -= nodes[level] % nodes[level - 1]
        return Tree(tuple(nodes), tuple(max(1, c // factor) for c in self.tokens))


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
