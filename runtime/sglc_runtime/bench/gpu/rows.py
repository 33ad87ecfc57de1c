"""The figures of `sglc bench gpu`: what is measured, and what it has to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sglc_runtime.bench.figures import Figure, Target, Unit
from sglc_runtime.bench.gpu import attention_rows, engine_rows
from sglc_runtime.bench.gpu.lab import GpuLab


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuRow:
    """One figure and how it is measured."""

    name: str
    what: str
    peer: str
    unit: Unit
    target: Target | None
    measure: Callable[[GpuLab], Figure]


ROWS: tuple[GpuRow, ...] = (
    GpuRow(
        name="agreement",
        what="0.6B, greedy tokens that are transformers'",
        peer="tokens compared",
        unit="%",
        target=None,
        measure=engine_rows.agreement,
    ),
    GpuRow(
        name="decode-8b",
        what="8B, decode step, 1 sequence: share of the copy bandwidth",
        peer="copying memory",
        unit="%",
        target=Target(70, 85),
        measure=engine_rows.decode_large,
    ),
    GpuRow(
        name="decode-0.6b",
        what="0.6B, decode step, 1 sequence: share of the copy bandwidth",
        peer="copying memory",
        unit="%",
        target=Target(45, 70),
        measure=engine_rows.decode_small,
    ),
    GpuRow(
        name="decode-attention",
        what="decode attention alone, 64 sequences of 4096: share of the copy bandwidth",
        peer="copying memory",
        unit="%",
        target=Target(80, 92),
        measure=attention_rows.decode_attention,
    ),
    GpuRow(
        name="prefill-8b",
        what="8B, prefill of 8192 tokens: share of the matmul rate",
        peer="8192^3 bfloat16 product",
        unit="%",
        target=Target(55, 70),
        measure=engine_rows.prefill,
    ),
    GpuRow(
        name="tree-attention",
        what="tree decode attention, geometric mean of the tree shapes",
        peer="decode attention",
        unit="x",
        target=Target(2, 5),
        measure=attention_rows.tree_attention,
    ),
    GpuRow(
        name="requests-0.6b",
        what="0.6B, 256 requests, prompt and output lengths U(100, 1024)",
        peer="transformers generate_batch",
        unit="x",
        target=Target(2, 5),
        measure=engine_rows.requests,
    ),
    GpuRow(
        name="branches-8b",
        what="8B, 16 branches of 64 tokens over a prefix of 512, one program",
        peer="16 single requests",
        unit="x",
        target=Target(1.5, 3),
        measure=engine_rows.branches,
    ),
)
"""In the order they are measured in."""
