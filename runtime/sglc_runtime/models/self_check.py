"""Start-up check of the promise that a row's logits depend on its own path alone."""

from __future__ import annotations

import torch
from torch import Tensor

from sglc_runtime.models.base import AttentionBackend, Batch, Model, Run

LENGTH = 45
"""Ids of the sequence checked: more than one block of the C kernel, not a multiple of it."""
OTHERS = (1, 7, 20)
SLOTS = 3 * LENGTH + sum(OTHERS)
"""Pool slots that the check overwrites, from slot 0; run it on an empty pool."""


def _forward(
    model: Model,
    attention: AttentionBackend,
    parts: list[tuple[Tensor, int, list[tuple[int, int]]]],
) -> list[Tensor]:
    """Logits of every new row; a part is (ids, how many are cached, extents of all its slots)."""
    ids, positions, slots, runs, row = [], [], [], [], 0
    for sequence, done, extents in parts:
        count = len(sequence) - done
        where = torch.cat([torch.arange(start, start + size) for start, size in extents])
        ids.append(sequence[done:])
        positions.append(torch.arange(done, len(sequence)))
        slots.append(where[done:])
        at = 0
        for start, size in extents:
            runs.append(Run(row, row + count, start, size, at))
            at += size
        row += count
    device = parts[0][0].device
    batch = Batch(
        ids=torch.cat(ids),
        positions=torch.cat(positions).to(device),
        out_slots=torch.cat(slots).to(device),
        rows=torch.arange(row, device=device),
        runs=tuple(runs),
    )
    logits = model.forward(batch, attention.bind(batch))
    return list(torch.split(logits, [len(sequence) - done for sequence, done, _ in parts]))


def self_check(model: Model, attention: AttentionBackend) -> bool:
    """
    Whether logits are bitwise independent of batch, chunking, prefix cache and decoding.

    Runs one random sequence alone and whole, beside others, in chunks, token by token after a
    cached prefix, and forked from other slots. Overwrites the first `SLOTS` slots of the pool.
    """
    if not getattr(attention, "deterministic", False):
        return False
    device = getattr(getattr(attention, "device", None), "type", "cpu")
    generator = torch.Generator().manual_seed(1)

    def draw(count: int) -> Tensor:
        return torch.randint(model.spec.vocab_size, (count,), generator=generator).to(device)

    ids = draw(LENGTH)
    (whole,) = _forward(model, attention, [(ids, 0, [(0, LENGTH)])])
    if not bool(torch.isfinite(whole).all()):
        return False

    base = 2 * LENGTH
    parts: list[tuple[Tensor, int, list[tuple[int, int]]]] = []
    for count in OTHERS:
        parts.append((draw(count), 0, [(base, count)]))
        base += count
    parts.insert(1, (ids, 0, [(LENGTH, LENGTH)]))
    if not torch.equal(_forward(model, attention, parts)[1], whole):
        return False

    # Chunks, then single tokens, in two extents whose edge lies inside a block.
    edge, done = 13, 0
    extents = [(LENGTH, edge), (LENGTH + edge + 3, LENGTH - edge)]
    for end in (5, edge, 30, *range(31, LENGTH + 1)):
        used = [(LENGTH, min(end, edge))]
        if end > edge:
            used.append((extents[1][0], end - edge))
        (chunk,) = _forward(model, attention, [(ids[:end], done, used)])
        if not torch.equal(chunk, whole[done:end]):
            return False
        done = end

    # The last ids again after the prefix of the first run, as a cache hit gives it.
    for cut in (edge, 32, LENGTH - 1):
        forked = [(0, cut), (2 * LENGTH, LENGTH - cut)]
        if not torch.equal(_forward(model, attention, [(ids, cut, forked)])[0], whole[cut:]):
            return False
    return True
