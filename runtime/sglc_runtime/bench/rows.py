"""The rows of `sglc bench engine`: what is measured, and what it has to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from sglc_runtime.bench import (
    bandwidth,
    embedded_rows,
    extra_rows,
    first_token,
    large_rows,
    select_row,
)
from sglc_runtime.bench.figures import Figure, Target, Unit
from sglc_runtime.bench.lab import Lab

Model = Literal["embedded", "135M", "0.6B"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure, how it is measured and what it is measured against."""

    name: str
    what: str
    peer: str
    model: Model
    """Rows of one model are measured together, so that only one is loaded."""
    unit: Unit
    target: Target | None
    measure: Callable[[Lab], Figure]


ROWS: tuple[Row, ...] = (
    Row(
        name="decode-llama",
        what="0.6B, decode, 1 sequence",
        peer="llama.cpp bf16",
        model="0.6B",
        unit="x",
        target=Target(0.85, 1.0),
        measure=partial(large_rows.over_llama, kind="bf16", quantization=None),
    ),
    Row(
        name="decode-generate",
        what="0.6B, decode, 1 sequence",
        peer="transformers.generate",
        model="0.6B",
        unit="x",
        target=Target(1.9, 2.3),
        measure=partial(large_rows.over_generate, batch=1),
    ),
    Row(
        name="decode-generate-8",
        what="0.6B, decode, 8 sequences",
        peer="transformers.generate, batch of 8",
        model="0.6B",
        unit="x",
        target=Target(1.9, 2.3),
        measure=partial(large_rows.over_generate, batch=large_rows.BATCH),
    ),
    Row(
        name="decode-int8",
        what="0.6B, int8 weights, decode, 1 sequence",
        peer="llama.cpp q8_0",
        model="0.6B",
        unit="x",
        target=Target(0.7, 1.0),
        measure=partial(large_rows.over_llama, kind="q8_0", quantization="int8"),
    ),
    Row(
        name="decode-int4",
        what="0.6B, int4 weights, decode, 1 sequence",
        peer="llama.cpp q4_0",
        model="0.6B",
        unit="x",
        target=Target(0.7, 1.0),
        measure=partial(large_rows.over_llama, kind="q4_0", quantization="int4"),
    ),
    Row(
        name="bandwidth",
        what="0.6B, decode, 1 sequence: share of the read bandwidth",
        peer="reading memory",
        model="0.6B",
        unit="%",
        target=Target(65, 80),
        measure=bandwidth.share,
    ),
    Row(
        name="forks-llama",
        what="0.6B, 8 forks of 512 tokens, 64 each, whole job",
        peer="llama.cpp, one after another",
        model="0.6B",
        unit="x",
        target=Target(2.5, 4),
        measure=large_rows.forks_over_llama,
    ),
    Row(
        name="forks-generate-batch",
        what="0.6B, 8 forks of 512 tokens, 64 each, whole job",
        peer="transformers generate_batch",
        model="0.6B",
        unit="x",
        target=Target(2, 4),
        measure=large_rows.forks_over_generate_batch,
    ),
    Row(
        name="embedded-1",
        what="embedded model, 1 sequence",
        peer="transformers.generate",
        model="embedded",
        unit="x",
        target=Target(2.5, 4),
        measure=embedded_rows.one,
    ),
    Row(
        name="embedded-16",
        what="embedded model, 16 sequences",
        peer="transformers.generate, batch of 16",
        model="embedded",
        unit="x",
        target=Target(1.8, 3),
        measure=embedded_rows.batch,
    ),
    Row(
        name="embedded-branches",
        what="embedded model, 16 branches of 512 tokens",
        peer="transformers.generate, 16 copies",
        model="embedded",
        unit="x",
        target=Target(6, 12),
        measure=embedded_rows.branches,
    ),
    Row(
        name="first-token",
        what="`sglc run`, start to first token",
        peer="python -c 'import torch'",
        model="embedded",
        unit="x",
        target=Target(1.8, 1.3, at_most=True),
        measure=first_token.first_token,
    ),
    Row(
        name="select",
        what="0.6B, select of 4 x 8 tokens after 512 cached",
        peer="one 8-token extend",
        model="0.6B",
        unit="x",
        target=Target(1.8, 1.3, at_most=True),
        measure=select_row.select,
    ),
    Row(
        name="step-overhead",
        what="embedded model, batch of 16: step time outside forward",
        peer="the whole step",
        model="embedded",
        unit="%",
        target=Target(25, 10, at_most=True),
        measure=extra_rows.step_overhead,
    ),
    Row(
        name="radix-growth",
        what="radix tree per token, 1,000,000 tokens cached",
        peer="10,000 tokens cached",
        model="embedded",
        unit="x",
        target=Target(1.5, 1.1, at_most=True),
        measure=extra_rows.radix_growth,
    ),
    Row(
        name="radix-share",
        what="radix tree, 100 requests without reuse: share of time",
        peer="the whole run",
        model="embedded",
        unit="%",
        target=Target(1, 0.3, at_most=True),
        measure=extra_rows.radix_share,
    ),
    Row(
        name="masks",
        what="135M, JSON schema masks, batch of 16: added step time",
        peer="the same without a schema",
        model="135M",
        unit="%",
        target=Target(15, 3, at_most=True),
        measure=extra_rows.masks,
    ),
    Row(
        name="speculation",
        what="speculative decoding, tokens a second",
        peer="the same without",
        model="embedded",
        unit="x",
        target=None,
        measure=extra_rows.speculation,
    ),
)
MODELS: tuple[Model, ...] = ("embedded", "135M", "0.6B")
"""The order they are measured in: short ones first."""


def chosen(names: Iterable[str]) -> list[Row]:
    """Rows by name, all where none is named, in the table's order. Raises ValueError."""
    wanted = set(names)
    if unknown := sorted(wanted - {row.name for row in ROWS}):
        known = ", ".join(row.name for row in ROWS)
        raise ValueError(f"no row {unknown[0]!r}; there are: {known}")
    return [row for row in ROWS if not wanted or row.name in wanted]
