"""Drive a model without the engine: greedy continuations with paged KV."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sglc_runtime.attention.make import PooledAttention
from sglc_runtime.models.base import Batch, Model, Run


@dataclass
class Path:
    """One sequence: its ids, how many are computed, and the pool slot of each of those."""

    ids: list[int]
    done: int = 0
    slots: list[int] = field(default_factory=list)


def runs_of(slots: Sequence[int], row_start: int, row_end: int) -> list[Run]:
    """Maximal contiguous extents of `slots`."""
    runs: list[Run] = []
    start = 0
    for end in range(1, len(slots) + 1):
        if end == len(slots) or slots[end] != slots[end - 1] + 1:
            runs.append(Run(row_start, row_end, slots[start], end - start, start))
            start = end
    return runs


def step(
    model: Model, attention: PooledAttention, paths: list[Path], counts: list[int], free: list[int]
) -> list[tuple[Path, Tensor]]:
    """Compute `counts[i]` more ids of each path; logits of the paths that are now complete."""
    ids: list[int] = []
    positions: list[int] = []
    slots: list[int] = []
    rows: list[int] = []
    runs: list[Run] = []
    complete: list[Path] = []
    for path, count in zip(paths, counts, strict=True):
        start = len(ids)
        new = [free.pop() for _ in range(count)]
        path.slots += new
        ids += path.ids[path.done : path.done + count]
        positions += range(path.done, path.done + count)
        slots += new
        path.done += count
        runs += runs_of(path.slots, start, len(ids))
        if path.done == len(path.ids):
            rows.append(len(ids) - 1)
            complete.append(path)
    batch = Batch(
        ids=torch.tensor(ids),
        positions=torch.tensor(positions),
        out_slots=torch.tensor(slots),
        rows=torch.tensor(rows, dtype=torch.int64),
        runs=tuple(runs),
    )
    logits = model.forward(batch, attention.bind(batch))
    assert logits.dtype == torch.float32
    assert logits.shape == (len(rows), model.spec.vocab_size)
    return list(zip(complete, logits, strict=True))


def greedy(
    model: Model,
    attention: PooledAttention,
    prompts: Sequence[Sequence[int]],
    new: int,
    *,
    chunk: int = 7,
    scatter: bool = True,
) -> list[list[int]]:
    """Greedy continuations of `new` ids, all prompts in one batch, prefill in chunks."""
    free = list(range(attention.slots))
    if scatter:
        random.Random(0).shuffle(free)
    else:
        free.reverse()
    paths = [Path(list(prompt)) for prompt in prompts]
    goals = [len(prompt) + new for prompt in prompts]
    while True:
        active = [p for p, goal in zip(paths, goals, strict=True) if len(p.ids) < goal]
        if not active:
            return [p.ids[-new:] for p in paths]
        counts = [min(chunk, len(p.ids) - p.done) for p in active]
        for path, logits in step(model, attention, active, counts, free):
            path.ids.append(int(logits.argmax()))
