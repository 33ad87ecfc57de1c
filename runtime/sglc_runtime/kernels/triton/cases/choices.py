"""Cases of scoring choices: all tokens of a trie behind a prompt in one pass, with masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc_runtime.attention.pieces import Pieces
from sglc_runtime.attention.sharing import LEAST_BLOCKS, TileShape, Traffic
from sglc_runtime.attention.tiles import choose_tile
from sglc_runtime.attention.tree_pieces import plan_tree
from sglc_runtime.kernels.triton.attend import Partials, Scores, Tile, attend
from sglc_runtime.kernels.triton.cases.case import Case, Cost, Inputs, Outputs
from sglc_runtime.kernels.triton.cases.dense import dense_attention
from sglc_runtime.kernels.triton.cases.making import DTYPES, normal, poisoned, pool
from sglc_runtime.kernels.triton.merge import Parts, merge
from sglc_runtime.models.base import Run

PROGRAMS = 264
"""Two for each multiprocessor of an H200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choices:
    heads: tuple[int, int, int]
    """Query heads, KV heads, dimension."""
    prompt: int
    """Keys that are cached."""
    groups: int
    """Choices of a group have their first `shared` tokens in common."""
    choices: int
    """Choices of each group, with `own` tokens behind the common ones."""
    shared: int
    own: int
    dtype: torch.dtype
    window: int | None = None
    sinks: bool = False

    @property
    def rows(self) -> int:
        return self.groups * (self.shared + self.choices * self.own)

    def sequences(self) -> list[tuple[range, NDArray[np.int64]]]:
        """Rows of each choice, and the slots of all its positions."""
        found = []
        prompt = np.arange(self.prompt)
        row = 0
        for _ in range(self.groups):
            # Every token of a row has the slot behind the prompt of the same number.
            common = self.prompt + np.arange(row, row + self.shared)
            for choice in range(self.choices):
                count = self.own + (self.shared if choice == 0 else 0)
                own = self.prompt + np.arange(row + count - self.own, row + count)
                found.append((range(row, row + count), np.concatenate([prompt, common, own])))
                row += count
        return found

    def runs(self) -> tuple[list[Run], list[int]]:
        """Runs of the trie and the rows' positions."""
        runs = [Run(0, self.rows, 0, self.prompt, 0)]
        positions: list[int] = []
        behind = self.prompt + self.shared
        for number, (rows, path) in enumerate(self.sequences()):
            positions += range(len(path) - len(rows), len(path))
            if number % self.choices == 0 and self.shared:
                until = rows[0] + self.shared + self.choices * self.own
                runs.append(Run(rows[0], until, int(path[self.prompt]), self.shared, self.prompt))
            runs.append(Run(rows[0], rows[-1] + 1, int(path[behind]), self.own, behind))
        return runs, positions

    def plan(self) -> tuple[Tile, Pieces]:
        """As the backend plans rows that are no prompt."""
        heads, kv_heads, dim = self.heads
        tile = choose_tile("shared", dim, heads // kv_heads, self.dtype)
        shape = TileShape(
            tile_rows=tile.block_m // (heads // kv_heads),
            kv_heads=kv_heads,
            traffic=Traffic.of(heads, kv_heads, dim, self.dtype.itemsize),
            programs=PROGRAMS,
            block=tile.block_n,
            shortest=LEAST_BLOCKS * tile.block_n,
        )
        return tile, plan_tree(*self.runs(), shape, window=self.window)

    def inputs(self, device: torch.device) -> Inputs:
        """A pool that ends where the last token lies, and the tables of the pieces."""
        heads, kv_heads, dim = self.heads
        tile, pieces = self.plan()
        slots = self.prompt + self.rows
        keys, values = (pool(device, self.dtype, slots, kv_heads, dim) for _ in range(2))
        for seed, part in enumerate((keys, values), 1):
            part[:] = normal(device, self.dtype, slots, kv_heads, dim, seed=seed)
        starts = pieces.part_starts
        merged = np.flatnonzero(starts[1:] > starts[:-1]).astype(np.int32)
        return {
            "query": normal(device, self.dtype, self.rows, heads, dim),
            "keys": keys,
            "values": values,
            "positions": torch.tensor(self.runs()[1]).to(device),
            "table": torch.from_numpy(pieces.table).to(device),
            "slots": torch.from_numpy(pieces.slots).to(device),
            "masks": torch.from_numpy(pieces.masks).to(device),
            "part_starts": torch.from_numpy(np.append(starts[merged], starts[-1:])).to(device),
            "parts": torch.from_numpy(pieces.parts).to(device),
            "merged": torch.from_numpy(merged).to(device),
            "partials": Partials(
                poisoned(device, torch.float32, pieces.partials, heads, dim),
                poisoned(device, torch.float32, pieces.partials, heads),
            ),
            "out": poisoned(device, self.dtype, self.rows, heads, dim),
            "tile": tile,
            "sinks": normal(device, self.dtype, heads, seed=3) if self.sinks else None,
        }

    @property
    def _scale(self) -> float:
        return float(self.heads[2] ** -0.5)

    def run(self, inputs: Inputs) -> Outputs:
        """The kernels of a layer."""
        attend(
            inputs["query"], inputs["keys"], inputs["values"], inputs["table"], inputs["slots"],
            inputs["positions"], inputs["out"], inputs["partials"], inputs["tile"],
            Scores(self._scale, self.window, None, inputs["sinks"]), inputs["masks"],
        )  # fmt: skip
        if len(inputs["merged"]):
            parts = Parts(inputs["part_starts"], inputs["parts"], rows=inputs["merged"])
            merge(inputs["partials"], parts, inputs["out"], inputs["sinks"])
        return {"out": inputs["out"]}

    def expect(self, inputs: Inputs) -> Outputs:
        found: list[Tensor] = []
        for rows, path in self.sequences():
            at = torch.from_numpy(path).to(inputs["keys"].device)
            mine = slice(rows[0], rows[-1] + 1)
            args = (inputs["query"][mine], inputs["keys"][at], inputs["values"][at])
            found.append(
                dense_attention(
                    *args,
                    inputs["positions"][mine],
                    scale=self._scale,
                    window=self.window,
                    sinks=inputs["sinks"],
                )
            )
        return {"out": torch.cat(found)}

    def cost(self) -> Cost:
        """Every key and value once; queries and outputs; two products for each pair."""
        heads, kv_heads, dim = self.heads
        keys = self.prompt + self.rows
        pairs = sum(
            min(len(path) - len(rows) + i + 1, self.window or len(path))
            for rows, path in self.sequences()
            for i in range(len(rows))
        )
        numbers = 2 * keys * kv_heads * dim + 2 * self.rows * heads * dim
        return Cost(numbers * self.dtype.itemsize, 4 * pairs * heads * dim)

    def case(self, small: bool) -> Case:
        heads, kv_heads, dim = self.heads
        extra = [f"window {self.window}"] * (self.window is not None) + ["sinks"] * self.sinks
        trie = f"{self.groups} x {self.choices} choices of {self.shared} + {self.own} tokens"
        said = f"{trie} after {self.prompt}, {heads}/{kv_heads} x {dim}"
        return Case(
            kernel="attend select",
            shape=", ".join([said, *extra]),
            dtype=self.dtype,
            small=small,
            cost=self.cost(),
            inputs=self.inputs,
            run=self.run,
            expect=self.expect,
        )


def cases() -> Iterator[Case]:
    """Tries of one level and of two, in one piece and in several."""
    for dtype in DTYPES:
        for heads in ((4, 4, 32), (7, 1, 80), (4, 2, 128)):
            yield _Choices(
                heads=heads, prompt=21, groups=2, choices=2, shared=1, own=2, dtype=dtype
            ).case(True)
        yield _Choices(
            heads=(8, 2, 64), prompt=70, groups=1, choices=3, shared=0, own=3, dtype=dtype,
            window=33, sinks=True,
        ).case(True)  # fmt: skip
    for heads in ((16, 8, 128), (32, 8, 128)):
        for dtype in (torch.bfloat16, torch.float16):
            yield _Choices(
                heads=heads, prompt=64, groups=1, choices=16, shared=0, own=4, dtype=dtype
            ).case(False)
            yield _Choices(
                heads=heads, prompt=2048, groups=4, choices=8, shared=2, own=6, dtype=dtype
            ).case(False)
