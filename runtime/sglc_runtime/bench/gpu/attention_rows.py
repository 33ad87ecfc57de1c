"""Figures of decode attention alone: on separate sequences, and on trees of prefixes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sglc_runtime.attention.decode_inputs import DecodeInputs
from sglc_runtime.attention.triton_attention import TritonAttention
from sglc_runtime.bench.figures import Amount, Figure
from sglc_runtime.bench.gpu.lab import GpuLab
from sglc_runtime.bench.gpu.timer import median_seconds
from sglc_runtime.bench.gpu.trees import DIM, HEADS, TREES, UNSHARED, geometric_mean
from sglc_runtime.bench.turns import Spread
from sglc_runtime.kernels.triton.cases.case import relative_error
from sglc_runtime.kernels.triton.cases.decode import spec_of, step_inputs
from sglc_runtime.kernels.triton.cases.tree import Tree
from sglc_runtime.models.base import ModelSpec

BATCH, CONTEXT = 64, 4096
LAYERS = 4
"""Of a step: its work is shared out once, and every layer reads keys that no cache holds."""
SAME = 2e-2
"""Relative difference at most between tree and plain decoding in bfloat16."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Sequences of a tree in a pool, and a step's queries [B, H, D]."""

    backend: TritonAttention
    plain: DecodeInputs
    shared: DecodeInputs
    pieces: int
    """Of shared keys; 0 where nothing is worth sharing."""
    query: Tensor

    def step(self, inputs: DecodeInputs) -> Callable[[], Tensor]:
        """Attention over one of the two forms of the inputs, bound once."""
        bound = self.backend.bind_decode(inputs)
        layers, scale = self.backend.spec.num_layers, float(self.query.shape[2] ** -0.5)

        def run() -> Tensor:
            out = self.query
            for layer in range(layers):
                out = bound.attend(layer, self.query, scale=scale)
            return out

        return run


def workload(
    tree: Tree,
    heads: tuple[int, int],
    device: torch.device,
    *,
    dim: int,
    layers: int,
    worth: int | None = None,
) -> Workload:
    """
    A pool filled with random numbers, whose slots are handed out node by node.

    `worth` as `step_inputs` has it; what is shared is what the engine would share.
    """
    spec = spec_of((*heads, dim), torch.bfloat16, layers)
    backend = TritonAttention(spec, tree.unique + 1, device, spec.dtype)
    generator = torch.Generator(device).manual_seed(0)
    for pool in (backend.keys, backend.values):
        pool.normal_(generator=generator)
    plain, _ = step_inputs(tree, backend, shared=False)
    shared, plan = step_inputs(tree, backend, shared=True, worth=worth)
    query = torch.randn(tree.sequences, heads[0], dim, generator=generator, device=device)
    return Workload(backend, plain, shared, plan.count if plan else 0, query.to(spec.dtype))


@torch.inference_mode()
def decode_attention(lab: GpuLab) -> Figure:
    """Sequences that share nothing: bytes of their keys and values."""
    ceilings, tiny = lab.known_ceilings(), lab.settings.tiny
    tree = Tree((3,), (40,)) if tiny else Tree((BATCH,), (CONTEXT,))
    heads, dim = ((4, 2), 32) if tiny else ((32, 8), DIM)
    work = workload(tree, heads, lab.device, dim=dim, layers=1 if tiny else LAYERS)
    spec = work.backend.spec
    count = spec.num_layers * (_kv(spec) * tree.unique + 2 * work.query.nbytes)
    spread = Spread.of(lab.timer().times(work.step(work.plain), lab.settings.kernel_repeats))
    return Figure(
        value=Spread(
            *(ceilings.of_bandwidth(count, at) for at in (spread.median, spread.high, spread.low))
        ),
        ours=Amount(1e6 * spread.median / spec.num_layers, "us/layer"),
        peer=Amount(1e6 * count / ceilings.bandwidth / spec.num_layers, "us/layer"),
        notes=(
            f"{tree.sequences} sequences of {tree.context}, {heads[0]}/{heads[1]} heads of {dim},"
            f" {spec.num_layers} layers at once, each reads {count / spec.num_layers / 1e9:.3f} GB",
        ),
        detail={"seconds": spread.median, "bytes": count},
    )


@torch.inference_mode()
def tree_attention(lab: GpuLab) -> Figure:
    """Tree decoding beside decoding that reads every sequence's whole path."""
    tiny = lab.settings.tiny
    trees = [Tree((1, 4), (40, 8))] if tiny else [*TREES, *UNSHARED]
    kinds = [(4, 2)] if tiny else [*HEADS]
    found: list[dict[str, Any]] = []
    speedups: list[float] = []
    for tree in trees:
        for heads in kinds:
            entry = _compared(lab, tree, heads)
            found.append(entry)
            lab.save({"shapes": found})
            if tree not in UNSHARED:
                speedups.append(entry["speedup"])
    mean = geometric_mean(speedups)
    worst = max(entry["difference"] for entry in found)
    if worst > SAME:
        raise ValueError(f"tree decoding differs from decoding by {worst:.3g}")
    controls = [f"{entry['speedup']:.2f}" for entry in found if not entry["sharing"]]
    return Figure(
        value=Spread(mean, min(speedups), max(speedups)),
        ours=Amount(1e6 * geometric_mean([e["tree"] for e in found if e["sharing"]]), "us/layer"),
        peer=Amount(1e6 * geometric_mean([e["plain"] for e in found if e["sharing"]]), "us/layer"),
        notes=(
            f"{len(speedups)} shapes, smallest and largest in brackets; largest difference"
            f" {worst:.2g}; where nothing is shared {', '.join(controls) or 'not measured'}",
        ),
        detail={"shapes": found},
    )


def _compared(lab: GpuLab, tree: Tree, heads: tuple[int, int]) -> dict[str, Any]:
    tiny = lab.settings.tiny
    lab.report(f"{tree.name}, {heads[0]}/{heads[1]} heads")
    work = workload(
        tree,
        heads,
        lab.device,
        dim=32 if tiny else DIM,
        layers=1 if tiny else LAYERS,
        worth=1 if tiny else None,
    )
    layers = work.backend.spec.num_layers
    plain, shared = work.step(work.plain), work.step(work.shared)
    expected = plain().clone()
    difference = relative_error(shared(), expected.double())
    timer, repeats = lab.timer(), lab.settings.kernel_repeats
    seconds = {
        name: median_seconds(timer, call, repeats) / layers
        for name, call in (("plain", plain), ("tree", shared))
    }
    return {
        "tree": seconds["tree"],
        "plain": seconds["plain"],
        "speedup": seconds["plain"] / seconds["tree"],
        "shape": tree.name,
        "heads": f"{heads[0]}/{heads[1]}",
        "sharing": 0.0 if tree.sharing == 1 else tree.sharing,
        "pieces": work.pieces,
        "difference": difference,
        "unique_bytes": _kv(work.backend.spec) * tree.unique,
    }


def _kv(spec: ModelSpec) -> int:
    """Bytes of one token's key and value in one layer."""
    return 2 * spec.num_kv_heads * spec.head_dim * spec.dtype.itemsize
