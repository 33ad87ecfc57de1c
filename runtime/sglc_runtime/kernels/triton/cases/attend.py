"""Cases of `attend` and `merge`: pieces of a batch, and the rows merged from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sglc_runtime.attention.batch_plan import BatchPlan, Span, TileCut, plan_batch
from sglc_runtime.attention.pieces import Cut, Pieces, plan_pieces
from sglc_runtime.attention.tiles import Kind, choose_tile
from sglc_runtime.kernels.triton.attend import Partials, Scores, Tile, attend
from sglc_runtime.kernels.triton.cases.case import Case, Cost, Inputs, Outputs
from sglc_runtime.kernels.triton.cases.dense import dense_attention
from sglc_runtime.kernels.triton.cases.making import DTYPES, normal, poisoned, pool
from sglc_runtime.kernels.triton.merge import Parts, merge
from sglc_runtime.models.base import Run

Heads = tuple[int, int, int]
"""Query heads, KV heads, dimension."""
EXTENT = 16
"""Slots that lie side by side; extents of a sequence are scattered over the pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attend:
    heads: Heads
    contexts: tuple[int, ...]
    """Keys of each sequence, its new rows included."""
    new: int
    """Rows of each sequence: the last positions of its context."""
    dtype: torch.dtype
    split: int = 512
    fixed: bool = False
    window: int | None = None
    softcap: float | None = None
    sinks: bool = False

    @property
    def positions(self) -> list[int]:
        return [at for length in self.contexts for at in range(length - self.new, length)]

    def paths(self) -> list[Tensor]:
        """Slots of each sequence's positions; extents of all sequences are shuffled."""
        counts = [-(-length // EXTENT) for length in self.contexts]
        order = torch.from_numpy(np.random.default_rng(0).permutation(sum(counts)))
        return [
            (extents[:, None] * EXTENT + torch.arange(EXTENT)).flatten()[:length]
            for extents, length in zip(order.split(counts), self.contexts, strict=True)
        ]

    def inputs(self, device: torch.device) -> Inputs:
        """A pool whose unused slots are poisoned, and the tables of the pieces."""
        heads, kv_heads, dim = self.heads
        paths = self.paths()
        tile, plan = self.plan(paths)
        pieces = plan.pieces
        slots = EXTENT * sum(-(-length // EXTENT) for length in self.contexts)
        keys, values = (pool(device, self.dtype, slots, kv_heads, dim) for _ in range(2))
        used = torch.cat(paths).to(device)
        for seed, part in enumerate((keys, values), 1):
            part[used] = normal(device, self.dtype, len(used), kv_heads, dim, seed=seed)
        rows = len(self.positions)
        return {
            "query": normal(device, self.dtype, rows, heads, dim),
            "keys": keys,
            "values": values,
            "paths": [path.to(device) for path in paths],
            "positions": torch.tensor(self.positions, dtype=torch.int64).to(device),
            "table": torch.from_numpy(plan.tiles if self.extends else pieces.table).to(device),
            "slots": torch.from_numpy(plan.slots if self.extends else pieces.slots).to(device),
            "part_starts": torch.from_numpy(pieces.part_starts).to(device),
            "parts": torch.from_numpy(pieces.parts).to(device),
            "partials": Partials(
                poisoned(device, torch.float32, pieces.partials, heads, dim),
                poisoned(device, torch.float32, pieces.partials, heads),
            ),
            "out": poisoned(device, self.dtype, rows, heads, dim),
            "tile": tile,
            "sinks": normal(device, self.dtype, heads, seed=3) if self.sinks else None,
        }

    @property
    def extends(self) -> bool:
        """Prompts in tiles that are written straight to the output."""
        return self.new > 1 and not self.fixed

    def plan(self, paths: list[Tensor]) -> tuple[Tile, BatchPlan]:
        """The tile, and tiles of prompts or pieces."""
        heads, kv_heads, dim = self.heads
        kind: Kind = "fixed" if self.fixed else "extend" if self.extends else "decode"
        tile = choose_tile(kind, dim, heads // kv_heads, self.dtype)
        rows = tile.block_m // (heads // kv_heads)
        cut = Cut(rows, self.split, self.fixed)

        def planner(
            runs: Sequence[Run], positions: Sequence[int], _: Sequence[Span], single: bool
        ) -> Pieces:
            return plan_pieces(runs, positions, cut, window=self.window)

        prompts = TileCut(rows, 1, tile.block_n) if self.extends else None
        return tile, plan_batch(
            self._runs(paths), self.positions, prompts, planner, window=self.window
        )

    def _runs(self, paths: list[Tensor]) -> list[Run]:
        return [
            Run(
                number * self.new,
                number * self.new + self.new,
                int(path[first]),
                min(EXTENT, len(path) - first),
                first,
            )
            for number, path in enumerate(paths)
            for first in range(0, len(path), EXTENT)
        ]

    @property
    def _scale(self) -> float:
        return float(self.heads[2] ** -0.5)

    def run(self, inputs: Inputs) -> Outputs:
        """As a layer calls them."""
        attend(
            inputs["query"], inputs["keys"], inputs["values"], inputs["table"], inputs["slots"],
            inputs["positions"], inputs["out"], inputs["partials"], inputs["tile"],
            Scores(self._scale, self.window, self.softcap, inputs["sinks"]),
        )  # fmt: skip
        if not self.extends:
            parts = Parts(inputs["part_starts"], inputs["parts"])
            at_once = 1 if self.fixed else 16
            merge(
                inputs["partials"], parts, inputs["out"], inputs["sinks"], at_once=at_once
            )  # fmt: skip
        return {"out": inputs["out"]}

    def expect(self, inputs: Inputs) -> Outputs:
        found = [
            dense_attention(
                inputs["query"][number * self.new : (number + 1) * self.new],
                inputs["keys"][path],
                inputs["values"][path],
                inputs["positions"][number * self.new : (number + 1) * self.new],
                scale=self._scale,
                window=self.window,
                softcap=self.softcap,
                sinks=inputs["sinks"],
            )
            for number, path in enumerate(inputs["paths"])
        ]
        return {"out": torch.cat(found)}

    def cost(self) -> Cost:
        """Keys and values that rows see, once a sequence; queries, outputs; two products a pair."""
        heads, kv_heads, dim = self.heads
        window = self.window or max(self.contexts)
        keys = sum(min(length, window + self.new - 1) for length in self.contexts)
        pairs = sum(min(at + 1, window) for at in self.positions)
        rows = len(self.positions)
        numbers = 2 * keys * kv_heads * dim + 2 * rows * heads * dim
        return Cost(numbers * self.dtype.itemsize, 4 * pairs * heads * dim)

    def case(self, small: bool) -> Case:
        heads, kv_heads, dim = self.heads
        what = "fixed" if self.fixed else "decode" if self.new == 1 else "extend"
        lengths = ", ".join(map(str, sorted(set(self.contexts))))
        said = f"{len(self.contexts)} x {self.new} rows over {lengths}, {heads}/{kv_heads} x {dim}"
        extra = [f"window {self.window}"] * (self.window is not None)
        extra += [f"soft cap {self.softcap:g}"] if self.softcap is not None else []
        extra += ["sinks"] * self.sinks
        return Case(
            kernel=f"attend {what}",
            shape=", ".join([said, *extra]),
            dtype=self.dtype,
            small=small,
            cost=self.cost(),
            inputs=self.inputs,
            run=self.run,
            expect=self.expect,
        )


SMALL_HEADS: tuple[Heads, ...] = (
    (4, 4, 32), (8, 2, 64), (7, 1, 80), (6, 2, 96), (5, 1, 128), (4, 2, 256)
)  # fmt: skip
REALISTIC_HEADS: tuple[Heads, ...] = (
    (16, 8, 128), (32, 8, 128), (28, 4, 128), (32, 32, 64), (16, 1, 256)
)  # fmt: skip


def cases() -> Iterator[Case]:
    """Decode and extend over the pool."""
    for dtype in DTYPES:
        for heads in SMALL_HEADS:
            small = _Attend(heads=heads, contexts=(1, 33, 70), new=1, dtype=dtype, split=32)
            yield small.case(True)
        yield _Attend(
            heads=(4, 2, 32), contexts=(40,), new=9, dtype=dtype, window=17, softcap=20.0,
            sinks=True,
        ).case(True)  # fmt: skip
        yield _Attend(
            heads=(3, 1, 64), contexts=(37, 21), new=5, dtype=dtype, split=32, fixed=True
        ).case(True)
    for heads in REALISTIC_HEADS:
        for dtype in (torch.bfloat16, torch.float16):
            yield _Attend(heads=heads, contexts=(4096,) * 64, new=1, dtype=dtype).case(False)
            yield _Attend(heads=heads, contexts=(8192,), new=2048, dtype=dtype).case(False)
    yield _Attend(
        heads=(32, 8, 128), contexts=(4096,) * 64, new=1, dtype=torch.bfloat16, fixed=True
    ).case(False)
    for dtype in DTYPES:
        yield _Attend(heads=(32, 8, 128), contexts=(32768,), new=1, dtype=dtype).case(False)
        yield _Attend(
            heads=(16, 8, 256), contexts=(3000, 7000), new=512, dtype=dtype, window=4096,
            softcap=50.0, sinks=True,
        ).case(False)  # fmt: skip
