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
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
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


_ORDER = attrgetter("order")
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
    if budget and (prefills or waiting):
        room = _Room(budget, available, limits.max_running - len(running), len(running))
        chunks += _prefill(prefills, waiting, room, match)
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


def _prefill(
    prefills: list[Sequence],
    waiting: Queue[Sequence],
    room: _Room,
    match: Callable[[list[int]], Match],
) -> Iterator[Chunk]:
    """
    Chunks of prompts in order, whether they run already or wait.

    The first that waits and does not fit ends the admission, so that small ones cannot starve it.
    """
    ahead: list[tuple[Sequence, int]] = []
    admitting = room.places > 0
    started = set(map(id, prefills))
    left = len(prefills)
    for sequence in merge(prefills, waiting, key=_ORDER):
        if not room.rows:
            break
        if id(sequence) in started:
            left -= 1
            start, held = sequence.computed, sequence.kv_length
            end = min(len(sequence.ids), start + room.rows, held + room.slots)
        elif admitting:
            cached, evictable = match(sequence.ids)
            held = _shared_in_pass(sequence.ids, cached, ahead)
            need = len(sequence.ids) - held + evictable
            if need + HEADROOM * room.running > room.slots:
                admitting = False
                continue
            start = min(held, len(sequence.ids) - 1, sequence.want_from)
            end = min(len(sequence.ids), start + room.rows)
            room.slots -= evictable
            room.running += 1
            room.places -= 1
            admitting = room.places > 0
        elif left:
            continue
        else:
            break
        if end <= start:
            continue
        room.rows -= end - start
        room.slots -= max(0, end - held)
        ahead.append((sequence, end))
        yield Chunk(sequence, end - start)


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
