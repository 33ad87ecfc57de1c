"""KV cache under random use: every slot has one owner, every sequence finds its own ids."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sglc_runtime.kv import KVCache, PoolExhaustedError
from sglc_runtime.sequence import Sequence

SLOTS = 40
STEP = cast(Any, SimpleNamespace())


class CacheMachine(RuleBasedStateMachine):
    """
    Sequences come, are computed in chunks, decode, fork and leave in any order.

    `written` is what a real pool would hold: the ids that were last written to each slot, with
    the position. A sequence whose slots do not say its own ids would have read foreign values.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cache = KVCache(SLOTS)
        self.live: list[Sequence] = []
        self.written: dict[int, tuple[int, ...]] = {}
        self.count = 0

    @rule(ids=st.lists(st.integers(0, 1), min_size=1, max_size=12), back=st.integers(0, 12))
    def arrive(self, ids: list[int], back: int) -> None:
        self.count += 1
        want = max(0, len(ids) - 1 - back)
        self.live.append(Sequence(STEP, (0, self.count, 0), ids, want))

    @precondition(lambda self: self.live)
    @rule(pick=st.integers(0, 99), rows=st.integers(1, 5))
    def compute(self, pick: int, rows: int) -> None:
        sequence = self.live[pick % len(self.live)]
        if sequence.computed == len(sequence.ids):
            return
        try:
            start, end = self.cache.extend(sequence, rows)
        except PoolExhaustedError:
            assert self.cache.allocator.free < rows
            if not sequence.own_length and not sequence.computed:
                self.cache.release(sequence)
            return
        assert start < end <= start + rows
        for position, slot in zip(range(start, end), sequence.slots(start, end), strict=True):
            self.written[slot] = tuple(sequence.ids[: position + 1])
        sequence.computed = end

    @precondition(lambda self: self.live)
    @rule(pick=st.integers(0, 99), token=st.integers(0, 1))
    def decode(self, pick: int, token: int) -> None:
        sequence = self.live[pick % len(self.live)]
        if sequence.computed == len(sequence.ids):
            sequence.ids.append(token)
            sequence.decoding = True

    @precondition(lambda self: self.live)
    @rule(pick=st.integers(0, 99), token=st.integers(0, 1))
    def fork(self, pick: int, token: int) -> None:
        parent = self.live[pick % len(self.live)]
        if parent.computed == len(parent.ids) and not parent.own:
            self.count += 1
            child = Sequence(STEP, (0, self.count, 0), [*parent.ids, token], len(parent.ids))
            self.cache.share(parent, child)
            child.decoding = True
            self.live.append(child)

    @precondition(lambda self: self.live)
    @rule(pick=st.integers(0, 99))
    def leave(self, pick: int) -> None:
        self.cache.release(self.live.pop(pick % len(self.live)))

    @precondition(lambda self: self.live)
    @rule(pick=st.integers(0, 99))
    def preempt(self, pick: int) -> None:
        self.cache.release(self.live[pick % len(self.live)])

    @rule()
    def flush(self) -> None:
        self.cache.flush()

    @invariant()
    def sound(self) -> None:
        self.cache.check_integrity(self.live)
        for sequence in self.live:
            slots = sequence.slots(0, sequence.computed)
            assert len(slots) == sequence.computed
            for position, slot in enumerate(slots):
                assert self.written[slot] == tuple(sequence.ids[: position + 1])


CacheMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestCache = CacheMachine.TestCase
