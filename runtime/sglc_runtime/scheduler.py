"""
What goes through the model next: a pure function from the state of the queues to a plan.

Continuous batching (Orca, OSDI 2022) with chunked prefill mixed into decode (Sarathi-Serve, OSDI
2024): one row for every sequence that decodes, then prompts in order for as many rows as are left.

A prefix that several sequences share is computed once even when none has it yet. A sequence that
is planned hands its ids to the radix tree before the pass, and attention stores all keys and
values of a layer before it reads any, so a later sequence of the same pass starts behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Sequence as Queue
from dataclasses import dataclass, field
from typing import NamedTuple

from sglc_runtime.kv.node import Match, common_length
from sglc_runtime.queueing import Policy, admission_order
from sglc_runtime.sequence import Sequence


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Sequences in a batch, token rows of a pass, requests that may wait for a place, and who of those
    comes first.
    """

    max_running: int
    chunk_tokens: int
    max_waiting: int | None = None
    policy: Policy = "dfs"


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
    cursor: list[int] | None = None,
) -> Plan:
    """
    Plan a pass. `running` is in `Sequence.order`, `waiting` in `queueing.rank`; `available` counts
    free and evictable slots; `match` looks a prefix up in the radix tree; `cursor` are the ids that
    were admitted last. Nothing is changed.
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
    if budget and (prefills or waiting):
        room = _Room(budget, available, limits.max_running - len(running), len(running))
        candidates: Iterator[Sequence] = iter(())
        if room.places > 0:
            candidates = admission_order(waiting, cursor or [], limits.policy, match)
        chunks += _prefill(prefills, candidates, room, match)
        if running and not chunks:
            return Plan(preempt=running[-1])
    return Plan(tuple(chunks))


@dataclass(slots=True)
class _Room:
    """What is left of a pass: rows, slots, places; and how many sequences run already."""

    rows: int
    slots: int
    places: int
    running: int
    ahead: list[tuple[Sequence, int]] = field(default_factory=list)
    """Prompts of this pass, and how far it takes them."""

    def take(self, sequence: Sequence, start: int, end: int, held: int) -> Chunk | None:
        """Compute start .. end - 1 of `sequence`, which has slots for `held` ids."""
        if end <= start:
            return None
        self.rows -= end - start
        self.slots -= max(0, end - held)
        self.ahead.append((sequence, end))
        return Chunk(sequence, end - start)


def _prefill(
    prefills: list[Sequence],
    candidates: Iterator[Sequence],
    room: _Room,
    match: Callable[[list[int]], Match],
) -> Iterator[Chunk]:
    """
    Chunks of prompts: by priority, and among equals those that run before those that wait.

    The first that waits and does not fit ends the admission, so that small ones cannot starve it.
    """
    candidate = next(candidates, None)
    for sequence in [*prefills, None]:
        while candidate is not None and (
            sequence is None or candidate.order[0] < sequence.order[0]
        ):
            if not (room.rows and room.places):
                candidate = None
                break
            chunk = _admit(candidate, room, match)
            candidate = next(candidates, None) if chunk is not None else None
            if chunk is not None:
                yield chunk
        if sequence is None or not room.rows:
            break
        start, held = sequence.computed, sequence.kv_length
        end = min(len(sequence.ids), start + room.rows, held + room.slots)
        chunk = room.take(sequence, start, end, held)
        if chunk is not None:
            yield chunk


def _admit(sequence: Sequence, room: _Room, match: Callable[[list[int]], Match]) -> Chunk | None:
    """The first chunk of a sequence that waits; None where the whole of it has no room."""
    cached, evictable = match(sequence.ids)
    held = _shared_in_pass(sequence.ids, cached, room.ahead)
    need = len(sequence.ids) - held + evictable
    if need + HEADROOM * room.running > room.slots:
        return None
    start = min(held, len(sequence.ids) - 1, sequence.want_from)
    room.slots -= evictable
    room.running += 1
    room.places -= 1
    return room.take(sequence, start, min(len(sequence.ids), start + room.rows), held)


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
