"""The queues of sequences, and who of them has slots: carries out what the scheduler plans."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from operator import attrgetter

from sglc_runtime.batching import Work
from sglc_runtime.counters import Counters
from sglc_runtime.errors import FailureKind
from sglc_runtime.kv import KVCache, PoolExhaustedError
from sglc_runtime.queueing import rank
from sglc_runtime.request import Request
from sglc_runtime.scheduler import HEADROOM, Chunk, Limits, plan
from sglc_runtime.sequence import Sequence
from sglc_runtime.steps import WarmRun

ORDER = attrgetter("order")
Fail = Callable[[Request, FailureKind, str], None]
"""Ends a request: (request, kind, message)."""


class Admission:
    """
    Sequences with slots (`running`, in `Sequence.order`) and without (`waiting`, in `rank`).

    `unstarted` are the ids of requests of which nothing has run yet.
    """

    def __init__(self, cache: KVCache, limits: Limits, counters: Counters) -> None:
        self.cache = cache
        self.limits = limits
        self.counters = counters
        self.running: list[Sequence] = []
        self.waiting: list[Sequence] = []
        self.unstarted: set[int] = set()
        self._cursor: list[int] = []

    @property
    def full(self) -> bool:
        """As many requests wait as may, beyond those that have a place."""
        most = self.limits.max_waiting
        if most is None:
            return False
        places = max(0, self.limits.max_running - len(self.running))
        return len(self.unstarted) >= most + places

    def overloaded(self) -> str:
        """Why one more request is refused."""
        return (
            f"{len(self.unstarted)} requests wait already; max_waiting is {self.limits.max_waiting}"
        )

    def wait(self, sequences: Iterable[Sequence]) -> None:
        """Put sequences in line."""
        for sequence in sequences:
            insort(self.waiting, sequence, key=rank)

    def admits(self) -> bool:
        """Whether a pass would take something in that waits, if all that runs decodes."""
        cache, limits, running = self.cache, self.limits, len(self.running)
        if not self.waiting or running >= limits.max_running:
            return False
        if cache.available < HEADROOM * running:
            return False
        planned = plan(
            self.running, self.waiting, limits, cache.available, cache.match, self._cursor
        )
        return len(planned.chunks) > min(len(self.running), limits.chunk_tokens)

    def schedule(self, fail: Fail) -> list[Work]:
        """Plan a pass and give its sequences slots; preempt and fail what stands in the way."""
        cache = self.cache
        while True:
            planned = plan(
                self.running,
                self.waiting,
                self.limits,
                cache.available,
                cache.match,
                self._cursor,
            )
            if planned.preempt is None:
                break
            if len(self.running) > 1:
                self.preempt(planned.preempt)
            else:
                fail(planned.preempt.step.request, "out_of_memory", self._too_small())
        work = [item for chunk in planned.chunks if (item := self._begin(chunk)) is not None]
        if not work and not self.running and self.waiting:
            fail(self.waiting[0].step.request, "out_of_memory", self._too_small())
        return work

    def fork(self, parent: Sequence, child: Sequence) -> None:
        """Let `child` go on behind all ids of `parent`, at once where there is a place."""
        if len(self.running) < self.limits.max_running:
            self.cache.share(parent, child)
            child.decoding = len(child.ids) == child.computed + 1
            insort(self.running, child, key=ORDER)
        else:
            child.started = True
            self.wait([child])

    def leave(self, sequence: Sequence) -> None:
        """Take a sequence out of its queue; what it computed stays in the cache."""
        if sequence in self.running:
            self.running.remove(sequence)
            self.cache.release(sequence)
        elif sequence in self.waiting:
            self.waiting.remove(sequence)

    def forget(self) -> list[Request]:
        """Empty the cache after a pass that failed half-way; returns whose sequences had slots."""
        affected = [sequence.step.request for sequence in self.running]
        self.waiting = sorted([*self.waiting, *self.running], key=rank)
        self.running = []
        for sequence in self.waiting:
            sequence.forget_slots()
        self.cache.reset()
        return affected

    def _begin(self, chunk: Chunk) -> Work | None:
        """Give a chunk its slots; None where they cannot be had in this pass."""
        sequence = chunk.sequence
        if sequence.decoding and sequence.node is not None:
            try:
                start, end = self.cache.extend(sequence, 1)
            except PoolExhaustedError:
                return None
            return Work(sequence, start, end, start)
        admitted = sequence.node is None
        counted = sequence.counted
        try:
            start, end = self.cache.extend(sequence, chunk.rows)
        except PoolExhaustedError:
            if admitted:
                self.cache.release(sequence)
            return None
        if admitted:
            if not sequence.started:
                self._cursor = sequence.ids
            self.waiting.remove(sequence)
            sequence.started = True
            self._count(sequence)
            insort(self.running, sequence, key=ORDER)
        if not sequence.decoding:
            if start > counted and sequence.order[2] == 0:
                sequence.step.cached_tokens += start - counted
                self.counters.cached_tokens += start - counted
            sequence.counted = max(counted, end)
            self.counters.computed_tokens += end - start
        return Work(sequence, start, end, max(start, sequence.want_from))

    def _count(self, sequence: Sequence) -> None:
        """The first sequence of a request is one of those that its prefix was kept for."""
        number = sequence.step.request.id
        if number in self.unstarted:
            self.unstarted.discard(number)
            if sequence.node is not None and not isinstance(sequence.step, WarmRun):
                self.cache.tree.arrive(sequence.node)

    def preempt(self, sequence: Sequence) -> None:
        """Give a sequence's slots up for eviction; its ids stay and it comes back later."""
        self.counters.preemptions += 1
        self.leave(sequence)
        self.wait([sequence])

    def _too_small(self) -> str:
        pinned = self.cache.pins.tokens
        which = f", {pinned} of which are pinned," if pinned else ""
        return (
            f"the KV pool of {self.cache.allocator.num_slots} slots{which} cannot hold this "
            "sequence alone; raise kv_slots or mem_fraction_static, or lower max_new_tokens"
        )
