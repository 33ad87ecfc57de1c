"""Sequences that share prefixes: the shapes that decode attention is tested and measured on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from sglc_runtime.models.base import Run


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

    def slot_table(self) -> NDArray[np.int32]:
        """[sequences, context]: the slot of every position."""
        table = np.full((self.sequences, self.context), -1, np.int32)
        for run in self.runs():
            slots = np.arange(run.slot_start, run.slot_start + run.length, dtype=np.int32)
            table[run.row_start : run.row_end, run.position : run.position + run.length] = slots
        return table
