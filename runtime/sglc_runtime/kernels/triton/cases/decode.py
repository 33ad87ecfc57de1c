"""Cases of `decode`: steps of one row a sequence, on their own keys and on shared ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor

from sglc_runtime.attention.decode_inputs import DecodeInputs, SharedPieces
from sglc_runtime.attention.shared_plan import SharedPlan, plan_shared
from sglc_runtime.attention.triton_attention import TritonAttention
from sglc_runtime.device.shared import SharingBackend, parts_room, tree_shape
from sglc_runtime.kernels.triton.cases.case import Case, Cost, Inputs, Outputs
from sglc_runtime.kernels.triton.cases.dense import dense_attention
from sglc_runtime.kernels.triton.cases.making import DTYPES, normal
from sglc_runtime.kernels.triton.cases.tree import Tree
from sglc_runtime.models.base import ModelSpec

PROGRAMS = 264
"""Of a device that is not there: 132 multiprocessors with two programs each."""
Heads = tuple[int, int, int]
"""Query heads, KV heads, dimension."""


def spec_of(heads: Heads, dtype: torch.dtype, layers: int = 1) -> ModelSpec:
    """As much of a model as attention looks at."""
    return ModelSpec(
        architecture="attention",
        num_layers=layers,
        num_heads=heads[0],
        num_kv_heads=heads[1],
        head_dim=heads[2],
        vocab_size=1,
        context_length=1 << 20,
        dtype=dtype,
        windows=(None,) * layers,
        eos_ids=(),
        bos_id=None,
    )


def step_inputs(
    tree: Tree, backend: TritonAttention, *, shared: bool, lag: int = 0, worth: int | None = None
) -> tuple[DecodeInputs, SharedPlan | None]:
    """
    A step of every sequence of a tree, with the plan of what is read once, if asked for.

    Sequence i is `i % (lag + 1)` tokens shorter than the tree says. The plan is what the engine
    would make, but for its `worth` where given.
    """
    device, rows = backend.device, tree.sequences
    table = tree.slot_table()
    positions = [tree.context - 1 - row % (lag + 1) for row in range(rows)]
    inputs = DecodeInputs(
        positions=torch.tensor(positions, dtype=torch.int64).to(device),
        out_slots=torch.tensor(
            [int(table[row, at]) for row, at in enumerate(positions)], dtype=torch.int64
        ).to(device),
        table_rows=torch.arange(rows, dtype=torch.int32).to(device),
        slot_table=torch.from_numpy(table).to(device),
        own_starts=torch.zeros(rows, dtype=torch.int32).to(device),
    )
    if not shared:
        return inputs, None
    shape = replace(tree_shape(cast(SharingBackend, backend)), parts=parts_room(rows))
    if worth is not None:
        shape = replace(shape, worth=worth)
    plan = plan_shared(tree.runs(), positions, list(range(rows)), shape, width=table.shape[1])
    if not plan.count:
        return inputs, plan
    pieces = SharedPieces(
        torch.from_numpy(plan.table).to(device),
        torch.tensor([plan.count], dtype=torch.int32).to(device),
        torch.from_numpy(plan.part_starts).to(device),
        torch.from_numpy(plan.parts).to(device),
    )
    own = torch.from_numpy(plan.own_starts).to(device)
    return replace(inputs, own_starts=own, shared=pieces), plan


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decode:
    heads: Heads
    tree: Tree
    dtype: torch.dtype
    pool: torch.dtype | None = None
    """What keys and values are kept in; None is `dtype`."""
    shared: bool = False
    fixed: bool = False
    lag: int = 0
    window: int | None = None
    softcap: float | None = None
    sinks: bool = False
    small: bool = False

    def inputs(self, device: torch.device) -> Inputs:
        """A pool whose last slots are poisoned, and a step that is bound to it."""
        heads, kv_heads, dim = self.heads
        kept = self.pool or self.dtype
        backend = TritonAttention(
            spec_of(self.heads, self.dtype), self.tree.unique + 16, device, kept,
            fixed=self.fixed, split=32 if self.small else 512,
            programs=PROGRAMS if device.type == "meta" else None,
        )  # fmt: skip
        for seed, pool in enumerate((backend.keys[0], backend.values[0]), 1):
            if device.type == "meta":
                continue
            _bytes(pool).fill_(0xFF)  # a NaN in every format
            made = normal(device, self.dtype, self.tree.unique, kv_heads, dim, seed=seed)
            _bytes(pool)[: self.tree.unique] = _bytes(made.to(kept))
        inputs, _ = step_inputs(
            self.tree, backend, shared=self.shared, lag=self.lag, worth=0 if self.small else None
        )
        return {
            "query": normal(device, self.dtype, self.tree.sequences, heads, dim),
            "keys": backend.keys[0],
            "values": backend.values[0],
            "positions": inputs.positions,
            "slot_table": inputs.slot_table,
            "bound": backend.bind_decode(inputs),
            "sinks": normal(device, self.dtype, heads, seed=3) if self.sinks else None,
        }

    def run(self, inputs: Inputs) -> Outputs:
        """Share out the work, attend, merge."""
        out = inputs["bound"].attend(
            0, inputs["query"], scale=float(self.heads[2] ** -0.5), window=self.window,
            softcap=self.softcap, sinks=inputs["sinks"],
        )  # fmt: skip
        return {"out": out}

    def expect(self, inputs: Inputs) -> Outputs:
        """Each sequence's whole path, one after another."""
        found: list[Tensor] = []
        kept, parts = self.pool or self.dtype, ("keys", "values")
        for row, position in enumerate(inputs["positions"].tolist()):
            path = inputs["slot_table"][row, : position + 1].long()
            keys, values = (_bytes(inputs[part])[path].view(kept).double() for part in parts)
            found.append(
                dense_attention(
                    inputs["query"][row : row + 1],
                    keys,
                    values,
                    inputs["positions"][row : row + 1],
                    scale=float(self.heads[2] ** -0.5),
                    window=self.window,
                    softcap=self.softcap,
                    sinks=inputs["sinks"],
                )
            )
        return {"out": torch.cat(found)}

    def cost(self) -> Cost:
        """Keys and values once: each node's where prefixes are shared, else each sequence's."""
        heads, kv_heads, dim = self.heads
        rows = self.tree.sequences
        lengths = [self.tree.context - row % (self.lag + 1) for row in range(rows)]
        seen = [min(length, self.window or length) for length in lengths]
        keys = self.tree.unique if self.shared and self.window is None else sum(seen)
        pool = 2 * keys * kv_heads * dim * (self.pool or self.dtype).itemsize
        return Cost(
            pool + 2 * rows * heads * dim * self.dtype.itemsize, 4 * sum(seen) * heads * dim
        )

    def case(self) -> Case:
        heads, kv_heads, dim = self.heads
        extra = [str(self.pool).removeprefix("torch.")] if self.pool else []
        extra += ["fixed"] * self.fixed
        extra += [f"window {self.window}"] * (self.window is not None)
        extra += [f"soft cap {self.softcap:g}"] if self.softcap is not None else []
        extra += ["sinks"] * self.sinks
        said = f"{self.tree.name}, {heads}/{kv_heads} x {dim}"
        return Case(
            kernel="tree decode" if self.shared else "decode",
            shape=", ".join([said, *extra]),
            dtype=self.dtype,
            small=self.small,
            cost=self.cost(),
            inputs=self.inputs,
            run=self.run,
            expect=self.expect,
        )


def _bytes(x: Tensor) -> Tensor:
    return x.view(torch.uint8)


SMALL_HEADS: tuple[Heads, ...] = ((4, 4, 32), (7, 1, 80), (6, 2, 96), (5, 1, 128), (4, 2, 256))
REALISTIC_HEADS: tuple[Heads, ...] = (
    (16, 8, 128), (32, 8, 128), (28, 4, 128), (32, 32, 64), (16, 1, 256)
)  # fmt: skip
FLAT, BRANCHES, DEEP = Tree((3,), (67,)), Tree((1, 4), (70, 9)), Tree((1, 2, 4), (40, 80, 5))


def cases() -> Iterator[Case]:
    """Steps of separate sequences and of trees."""
    for dtype in DTYPES:
        for heads in SMALL_HEADS:
            yield _Decode(heads=heads, tree=FLAT, dtype=dtype, lag=66, small=True).case()
        plain = _Decode(heads=(4, 2, 64), tree=BRANCHES, dtype=dtype, lag=8, small=True)
        yield replace(plain, window=21, softcap=20.0, sinks=True).case()
        yield replace(plain, heads=(3, 1, 64), shared=True).case()
        yield replace(plain, shared=True, heads=(2, 1, 80), tree=DEEP, lag=4, sinks=True).case()
    yield _Decode(
        heads=(2, 1, 64), tree=BRANCHES, dtype=torch.float32, lag=8, fixed=True, small=True
    ).case()
    for dtype in DTYPES:
        for heads in REALISTIC_HEADS if dtype == torch.bfloat16 else [(32, 8, 128)]:
            plain = _Decode(heads=heads, tree=Tree((64,), (4096,)), dtype=dtype)
            yield plain.case()
            yield replace(plain, shared=True, tree=Tree((1, 256), (2048, 32)), lag=31).case()
        yield replace(plain, tree=Tree((1,), (32768,))).case()
        yield replace(plain, fixed=True).case()
    gemma = _Decode(heads=(16, 8, 256), tree=Tree((16,), (8192,)), dtype=torch.bfloat16)
    yield replace(gemma, window=4096, softcap=50.0).case()
    plain = _Decode(heads=(32, 8, 128), tree=Tree((64,), (4096,)), dtype=torch.bfloat16)
    for pool in (torch.float8_e4m3fn, torch.float8_e5m2):
        yield replace(plain, pool=pool).case()
    for heads in ((32, 4, 80), (32, 8, 96), (24, 8, 64)):
        yield replace(plain, heads=heads).case()
    levels = replace(plain, tree=Tree((1, 4, 16, 512), (1024, 256, 128, 32)), shared=True)
    for heads in ((16, 1, 128), (32, 8, 128), (32, 32, 128)):
        yield replace(levels, heads=heads).case()
    gpt = _Decode(heads=(64, 8, 64), tree=Tree((16,), (8192,)), dtype=torch.bfloat16)
    yield replace(gpt, sinks=True).case()
