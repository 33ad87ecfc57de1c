"""
What goes through the model next: a pure function from the state of the queues to a plan.

Continuous batching (Orca, OSDI 2022) with chunked prefill mixed into decode (Sarathi-Serve, OSDI
2024): one row for every sequence that decodes, then prompts in order for as many rows as are left.

A prefix that several sequences share is computed once even when none has it yet. A sequence that
is planned hands its ids to the radix tree before the pass, and attention stores all keys and
values of a layer before it reads any, so a later sequence of the same pass starts behind them.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Queue
from dataclasses import dataclass
from typing import NamedTuple

from sglc_runtime.kv.radix import Match, common_length
from sglc_runtime.sequence import Sequence


@dataclass(frozen=True, slots=True)
class Limits:
    """Sequences in a batch, and token rows of a pass."""

    max_running: int
    chunk_tokens: int


class Chunk(NamedTuple):
    """At most `rows` more ids of a sequence."""

    sequence: Sequence
    rows: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Chunks of one pass; or a sequence that must give its slots back before one can be planned."""

    chunks: tuple[Chunk, ...] = ()
    preempt: Sequence | None = None


HEADROOM = 8
"""Free slots per running sequence that a new one must leave, lest it be preempted at once."""


def plan(
    running: Queue[Sequence],
    waiting: Queue[Sequence],
    limits: Limits,
    available: int,
    match: Callable[[list[int]], Match],
) -> Plan:
    """
    Plan a pass. Both queues are in `Sequence.order`; `available` counts free and evictable slots;
    `match` looks a prefix up in the radix tree. Nothing is changed.
    """
    budget = limits.chunk_tokens
    chunks: list[Chunk] = []
    prefills: list[Sequence] = []
    for sequence in running:
        if len(sequence.ids) - sequence.computed != 1:
            prefills.append(sequence)
        elif budget:
            available -= len(sequence.ids) - sequence.kv_length
            if available < 0:
                return Plan(preempt=running[-1])
            budget -= 1
            chunks.append(Chunk(sequence, 1))
    for sequence in prefills:
        rows = min(len(sequence.ids) - sequence.computed, budget)
        held = sequence.kv_length - sequence.computed
        rows = min(rows, held + available)
        if rows:
            available -= max(0, rows - held)
            budget -= rows
            chunks.append(Chunk(sequence, rows))
    if running and budget and not chunks:
        return Plan(preempt=running[-1])
    if budget and waiting and len(running) < limits.max_running:
        admitted = _admit(running, waiting, limits, budget, available, chunks, match)
        chunks += admitted
    return Plan(tuple(chunks))


def _admit(
    running: Queue[Sequence],
    waiting: Queue[Sequence],
    limits: Limits,
    budget: int,
    available: int,
    chunks: list[Chunk],
    match: Callable[[list[int]], Match],
) -> list[Chunk]:
    """Sequences from the head of `waiting` that fit; the first that does not ends the admission."""
    ahead = [(chunk.sequence, chunk.sequence.computed + chunk.rows) for chunk in chunks]
    ahead = [(sequence, end) for sequence, end in ahead if end > sequence.kv_length]
    admitted: list[Chunk] = []
    count = len(running)
    for sequence in waiting:
        if not budget or count >= limits.max_running:
            break
        ids = sequence.ids
        cached, evictable = match(ids)
        shared = _shared_in_pass(ids, cached, ahead)
        need = len(ids) - shared
        if need + evictable + (HEADROOM * count if count else 0) > available:
            break
        start = min(shared, len(ids) - 1, sequence.want_from)
        rows = min(len(ids) - start, budget)
        available -= need + evictable
        budget -= rows
        count += 1
        admitted.append(Chunk(sequence, rows))
        ahead.append((sequence, start + rows))
    return admitted


def _shared_in_pass(ids: list[int], cached: int, ahead: list[tuple[Sequence, int]]) -> int:
    """Length of the prefix that the tree has or that this pass computes for others."""
    shared = cached
    for other, end in ahead:
        if shared == len(ids):
            break
        if end <= shared or other.ids[shared] != ids[shared]:
            continue
        shared = max(shared, min(common_length(ids, 0, other.ids, 0), end))
    return shared
