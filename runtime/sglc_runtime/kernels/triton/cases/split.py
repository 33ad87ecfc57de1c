"""Cases of sharing out a decode step's work, and of merging what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from sglc_runtime.attention.decode_inputs import DecodeInputs
from sglc_runtime.kernels.triton.attend import Partials
from sglc_runtime.kernels.triton.cases.case import Case, Cost, Inputs, Outputs
from sglc_runtime.kernels.triton.cases.making import DTYPES, normal, poisoned
from sglc_runtime.kernels.triton.merge import Parts, merge
from sglc_runtime.kernels.triton.split import Items, Splitting, make_items, split


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Rows at positions of all lengths up to `longest`."""

    rows: int
    longest: int
    splitting: Splitting
    window: int | None = None

    def positions(self) -> list[int]:
        """Evenly spread."""
        return [self.longest * (row + 1) // self.rows - 1 for row in range(self.rows)]

    def inputs(self, device: torch.device) -> Inputs:
        """A step without shared pieces."""
        rows = torch.arange(self.rows, dtype=torch.int32)
        inputs = DecodeInputs(
            positions=torch.tensor(self.positions()).to(device),
            out_slots=rows.long().to(device),
            table_rows=rows.flip(0).to(device),
            slot_table=torch.zeros(self.rows, self.longest, dtype=torch.int32, device=device),
            own_starts=torch.zeros(self.rows, dtype=torch.int32, device=device),
        )
        items = make_items(inputs, self.splitting)
        shapes = (items.table.shape, items.firsts.shape, items.own_parts.shape)
        return {
            "decode": inputs,
            "items": Items(*(poisoned(device, torch.int32, *shape) for shape in shapes)),
        }

    def run(self, inputs: Inputs) -> Outputs:
        """Table, queues, and parts of rows; what is behind the last item stays as it was."""
        items = inputs["items"]
        split(inputs["decode"], items, self.splitting, window=self.window)
        return {"table": items.table, "firsts": items.firsts, "own_parts": items.own_parts}

    def expect(self, inputs: Inputs) -> Outputs:
        """The same, one block after another."""
        unit, fixed = self.splitting.unit, self.splitting.fixed
        lows = [0 if self.window is None else max(0, p + 1 - self.window) for p in self.positions()]
        if fixed:
            lows = [low // unit * unit for low in lows]
        units = [-(-(p + 1 - low) // unit) for p, low in zip(self.positions(), lows, strict=True)]
        share = max(-(-sum(units) // self.splitting.queues), self.splitting.least)
        table: list[list[int]] = []
        firsts: dict[int, int] = {}
        own_parts = [0]
        done = 0
        for row, position in enumerate(self.positions()):
            begin = len(table)
            for index in range(units[row]):
                start = lows[row] + index * unit
                keys = min(unit, position + 1 - start)
                at = (self.rows - 1 - row) * self.longest + start
                if fixed or index == 0 or done % share == 0:
                    if done % share == 0:
                        firsts[done // share] = len(table)
                    table.append([row, 1, at, keys, start, len(table), -1, 0])
                else:
                    table[-1][3] += keys
                done += 1
            if len(table) == begin + 1:
                table[-1][7] = 1
            own_parts.append(len(table))
        queues = [firsts.get(q, len(table)) for q in range(self.splitting.queues + 1)]
        rest = inputs["items"].table[len(table) :].cpu()
        return {
            "table": torch.cat([torch.tensor(table, dtype=torch.int32), rest]),
            "firsts": torch.tensor(queues),
            "own_parts": torch.tensor(own_parts),
        }

    def case(self, small: bool) -> Case:
        """As a case; its type says nothing of it."""
        said = f"{self.rows} rows of up to {self.longest} keys, {self.splitting.queues} queues"
        extra = [f"window {self.window}"] * (self.window is not None)
        extra += ["fixed"] * self.splitting.fixed
        return Case(
            kernel="split",
            shape=", ".join([said, *extra]),
            dtype=torch.float32,
            small=small,
            cost=Cost(self.rows * 48 + self.splitting.queues * 36),
            inputs=self.inputs,
            run=self.run,
            expect=self.expect,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """`parts` partial results of each row, of which some saw no key."""

    rows: int
    parts: int
    heads: int
    dim: int
    dtype: torch.dtype
    sinks: bool = False
    at_once: int = 16

    def inputs(self, device: torch.device) -> Inputs:
        """Half of a row's parts in its list, the others its own."""
        count = self.rows * self.parts
        lse = normal(device, torch.float32, count, self.heads, seed=1, deviation=3.0)
        lse[:: self.parts + 1, ::2] = -torch.inf
        order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
        listed = self.parts // 2
        mine = order.view(self.rows, self.parts).sort(1).values
        mine[:, listed:] = torch.arange(self.rows * (self.parts - listed)).view(self.rows, -1)
        own = torch.arange(self.rows + 1) * (self.parts - listed)
        return {
            "partials": Partials(normal(device, torch.float32, count, self.heads, self.dim), lse),
            "mine": mine.to(device),
            "parts": Parts(
                (torch.arange(self.rows + 1) * listed).int().to(device),
                mine[:, :listed].flatten().int().to(device),
                own.int().to(device),
            ),
            "sinks": normal(device, self.dtype, self.heads, seed=2) if self.sinks else None,
            "out": poisoned(device, self.dtype, self.rows, self.heads, self.dim),
        }

    def run(self, inputs: Inputs) -> Outputs:
        """One launch."""
        merge(
            inputs["partials"], inputs["parts"], inputs["out"], inputs["sinks"],
            at_once=self.at_once,
        )  # fmt: skip
        return {"out": inputs["out"]}

    def expect(self, inputs: Inputs) -> Outputs:
        """Weighted with the powers of two that the log-sum-exps say."""
        out, lse = (part[inputs["mine"]].double() for part in inputs["partials"])
        if inputs["sinks"] is not None:
            extra = inputs["sinks"].double() / torch.log(torch.tensor(2.0, dtype=torch.float64))
            lse = torch.cat([lse, extra.expand(self.rows, 1, -1)], 1)
            out = torch.cat([out, torch.zeros_like(out[:, :1])], 1)
        weights = (lse * torch.log(torch.tensor(2.0, dtype=torch.float64))).softmax(1)
        return {"out": (weights[..., None] * out).sum(1)}

    def case(self, small: bool) -> Case:
        """As a case."""
        said = f"{self.rows} rows of {self.parts} parts, {self.heads} x {self.dim}"
        extra = ["sinks"] * self.sinks + ["in order"] * (self.at_once == 1)
        read = self.rows * self.parts * self.heads * (self.dim + 1) * 4
        return Case(
            kernel="merge",
            shape=", ".join([said, *extra]),
            dtype=self.dtype,
            small=small,
            cost=Cost(read + self.rows * self.heads * self.dim * self.dtype.itemsize),
            inputs=self.inputs,
            run=self.run,
            expect=self.expect,
        )


def cases() -> Iterator[Case]:
    """Small ones, and those of a batch of 64 and of a long context."""
    for fixed in (False, True):
        cut = Splitting(16, 5, 1 if fixed else 2, fixed=fixed)
        yield Split(rows=5, longest=211, splitting=cut).case(True)
        yield Split(rows=3, longest=150, splitting=cut, window=40).case(True)
        unit = 512 if fixed else 64
        large = Splitting(unit, 33, 1 if fixed else 2, fixed=fixed)
        yield Split(rows=64, longest=4096, splitting=large).case(False)
        yield Split(rows=1, longest=32768, splitting=large).case(False)
    for dtype in DTYPES:
        yield Merge(rows=3, parts=5, heads=3, dim=80, dtype=dtype).case(True)
        yield Merge(rows=2, parts=40, heads=2, dim=32, dtype=dtype, sinks=True).case(True)
        yield Merge(rows=2, parts=5, heads=2, dim=32, dtype=dtype, at_once=1).case(True)
        yield Merge(rows=64, parts=2, heads=32, dim=128, dtype=dtype).case(False)
        yield Merge(rows=1, parts=33, heads=32, dim=128, dtype=dtype).case(False)
