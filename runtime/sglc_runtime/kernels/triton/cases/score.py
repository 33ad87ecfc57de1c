"""Cases of token tries: the choices of a `select` behind one prompt, in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sglc_runtime.attention.sharing import TileShape, Traffic
from sglc_runtime.attention.tiles import choose_tile
from sglc_runtime.attention.tree_pieces import plan_tree
from sglc_runtime.kernels.triton.attend import Partials, Scores, attend
from sglc_runtime.kernels.triton.cases.case import Case, Cost, Inputs, Outputs
from sglc_runtime.kernels.triton.cases.decode import PROGRAMS
from sglc_runtime.kernels.triton.cases.dense import dense_attention
from sglc_runtime.kernels.triton.cases.making import DTYPES, normal, poisoned, pool
from sglc_runtime.kernels.triton.merge import Parts, merge
from sglc_runtime.models.base import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """
    `choices` of `tokens` tokens behind `prefix` keys; every two choices share their first token.

    Rows are the nodes of the trie, depth first.
    """

    heads: tuple[int, int, int]
    prefix: int
    choices: int
    tokens: int
    dtype: torch.dtype
    window: int | None = None

    def paths(self) -> list[list[int]]:
        """Slots of each row's keys; row i's own slot is prefix + i."""
        found: list[list[int]] = []
        prompt = list(range(self.prefix))
        for choice in range(self.choices):
            if choice % 2 == 0:
                first = [*prompt, self.prefix + len(found)]
                found.append(first)
            path = first
            for _ in range(self.tokens - 1):
                path = [*path, self.prefix + len(found)]
                found.append(path)
        return found

    def runs(self) -> list[Run]:
        """The prompt of all rows, and of each row its own slot for those behind it."""
        paths = self.paths()
        found = [Run(0, len(paths), 0, self.prefix, 0)]
        for row, path in enumerate(paths):
            last = row + 1
            while last < len(paths) and path[-1] in paths[last]:
                last += 1
            found.append(Run(row, last, path[-1], 1, len(path) - 1))
        return found

    def inputs(self, device: torch.device) -> Inputs:
        """Pieces by cost, as the engine cuts them."""
        heads, kv_heads, dim = self.heads
        tile = choose_tile("shared", dim, heads // kv_heads, self.dtype)
        shape = TileShape(
            tile_rows=tile.block_m // (heads // kv_heads),
            kv_heads=kv_heads,
            traffic=Traffic.of(heads, kv_heads, dim, self.dtype.itemsize),
            programs=PROGRAMS,
            block=tile.block_n,
        )
        paths = self.paths()
        rows = len(paths)
        positions = [len(path) - 1 for path in paths]
        pieces = plan_tree(self.runs(), positions, shape, window=self.window)
        keys, values = (pool(device, self.dtype, self.prefix + rows, kv_heads, dim) for _ in "kv")
        for seed, part in enumerate((keys, values), 1):
            part.copy_(normal(device, self.dtype, *part.shape, seed=seed))
        tables = {
            "table": pieces.table,
            "slots": pieces.slots,
            "masks": pieces.masks,
            "part_starts": pieces.part_starts,
            "parts": pieces.parts,
        }
        return {
            "query": normal(device, self.dtype, rows, heads, dim),
            "keys": keys,
            "values": values,
            "positions": torch.tensor(positions).to(device),
            "partials": Partials(
                poisoned(device, torch.float32, pieces.partials, heads, dim),
                poisoned(device, torch.float32, pieces.partials, heads),
            ),
            "out": poisoned(device, self.dtype, rows, heads, dim),
            "tile": tile,
            "merged": pieces.partials > 0,
            **{name: torch.from_numpy(table).to(device) for name, table in tables.items()},
        }

    @property
    def _scale(self) -> float:
        return float(self.heads[2] ** -0.5)

    def run(self, inputs: Inputs) -> Outputs:
        """Attend, and merge where rows have several pieces."""
        attend(
            inputs["query"], inputs["keys"], inputs["values"], inputs["table"], inputs["slots"],
            inputs["positions"], inputs["out"], inputs["partials"], inputs["tile"],
            Scores(self._scale, self.window), inputs["masks"],
        )  # fmt: skip
        if inputs["merged"]:
            # Rows without parts are done.
            merge(inputs["partials"], Parts(inputs["part_starts"], inputs["parts"]), inputs["out"])
        return {"out": inputs["out"]}

    def expect(self, inputs: Inputs) -> Outputs:
        """Row by row."""
        found: list[Tensor] = []
        for row, path in enumerate(self.paths()):
            at = torch.tensor(path, device=inputs["keys"].device)
            found.append(
                dense_attention(
                    inputs["query"][row : row + 1], inputs["keys"][at], inputs["values"][at],
                    inputs["positions"][row : row + 1], scale=self._scale, window=self.window,
                )
            )  # fmt: skip
        return {"out": torch.cat(found)}

    def case(self, small: bool) -> Case:
        """As a case."""
        heads, kv_heads, dim = self.heads
        paths = self.paths()
        keys = self.prefix + len(paths)
        numbers = 2 * keys * kv_heads * dim + 2 * len(paths) * heads * dim
        said = f"{self.choices} choices of {self.tokens} tokens behind {self.prefix}"
        window = [f"window {self.window}"] * (self.window is not None)
        return Case(
            kernel="trie score",
            shape=", ".join([f"{said}, {heads}/{kv_heads} x {dim}", *window]),
            dtype=self.dtype,
            small=small,
            cost=Cost(
                numbers * self.dtype.itemsize, 4 * sum(map(len, paths)) * heads * dim
            ),
            inputs=self.inputs,
            run=self.run,
            expect=self.expect,
        )  # fmt: skip


def cases() -> Iterator[Case]:
    """Short choices behind a prompt."""
    for dtype in DTYPES:
        yield Score(heads=(4, 2, 32), prefix=40, choices=4, tokens=3, dtype=dtype).case(True)
        yield Score(
            heads=(6, 2, 80), prefix=20, choices=5, tokens=2, dtype=dtype, window=9
        ).case(True)  # fmt: skip
    for dtype in (torch.bfloat16, torch.float16):
        for heads in ((32, 8, 128), (16, 8, 128), (16, 8, 256), (32, 32, 64)):
            yield Score(heads=heads, prefix=1024, choices=16, tokens=8, dtype=dtype).case(False)
