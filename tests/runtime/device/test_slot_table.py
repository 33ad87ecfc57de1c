"""The slot table holds what sequences hold, whatever happens to them between steps."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from sglc_runtime.device.slot_table import SlotTable, common_slots, slots_between
from sglc_runtime.kv import KVCache
from sglc_runtime.kv.allocator import PoolExhaustedError
from sglc_runtime.sequence import Sequence

CPU = torch.device("cpu")
SLOTS, WIDTH, ROWS = 300, 64, 6


class Pool:
    """Sequences on a real cache, driven as the engine drives them."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.cache = KVCache(SLOTS)
        self.table = SlotTable(ROWS, WIDTH, SLOTS, CPU)
        self.running: list[Sequence] = []
        self.number = 0
        self.written = 0

    def admit(self) -> None:
        """A prompt that shares a beginning with others, computed at once."""
        random, self.number = self.random, self.number + 1
        ids = [1, 2, 3, 4, 5][: random.randint(1, 5)] + random.choices(
            (7, 8), k=random.randint(1, 9)
        )
        self.begin(Sequence(cast(Any, SimpleNamespace()), (0, self.number, 0), ids, len(ids) - 1))

    def begin(self, sequence: Sequence) -> None:
        """Slots for all ids, then one more id."""
        _, sequence.computed = self.cache.extend(sequence, len(sequence.ids))
        self.grown(sequence)
        self.running.append(sequence)

    def grown(self, sequence: Sequence) -> None:
        """The next id of a sequence whose others are computed."""
        sequence.ids.append(self.random.choice((7, 8)))
        sequence.decoding = True

    def disturb(self) -> None:
        """Something that moves slots: leaving, preemption, a fork, guesses, a pass elsewhere."""
        random = self.random
        if not self.running:
            return
        sequence = random.choice(self.running)
        kind = random.randrange(5)
        if kind < 2:
            self.running.remove(sequence)
            self.cache.release(sequence)
            if kind and len(sequence.ids) < WIDTH - 8:
                self.begin(sequence)
        elif kind == 2 and len(self.running) < 2 * ROWS:
            self.number += 1
            ids = sequence.ids.copy()
            child = Sequence(cast(Any, SimpleNamespace()), (0, self.number, 0), ids, len(ids) - 1)
            self.cache.share(sequence, child)
            child.decoding = True
            self.running.append(child)
        elif kind == 3:
            self.cache.lengthen(sequence, random.randint(1, 3))
            self.cache.trim(sequence)
        elif len(sequence.ids) < WIDTH - 1:
            _, sequence.computed = self.cache.extend(sequence, 1)
            self.grown(sequence)

    def step(self) -> None:
        """A decode step of some sequences: what the device does with the table is right."""
        able = [s for s in self.running if len(s.ids) < WIDTH]
        members = self.random.sample(able, min(len(able), self.random.randint(1, ROWS)))
        for sequence in members:
            self.cache.extend(sequence, 1)
        pairs = [(sequence, sequence.computed) for sequence in members]
        rows, slots, update = self.table.place(pairs)
        self.written += len(update.slots)
        flat = self.table.tensor.view(-1)
        flat[torch.from_numpy(update.places)] = torch.from_numpy(update.slots)
        assert len(set(rows)) == len(rows)
        assert self.table.pad_row not in rows
        for (sequence, position), row, slot in zip(pairs, rows, slots, strict=True):
            self.table.tensor[row, position] = slot
            held = self.table.tensor[row, : position + 1].tolist()
            assert held == sequence.slots(0, position + 1)
            sequence.computed += 1
            self.grown(sequence)
        assert self.table.tensor[self.table.pad_row].eq(SLOTS).all()


@pytest.mark.parametrize("seed", range(8))
def test_rows_hold_the_slots_of_their_sequences(seed: int) -> None:
    pool = Pool(seed)
    steps = 0
    for _ in range(150):
        try:
            if len(pool.running) < 3 or pool.random.random() < 0.1:
                pool.admit()
            if pool.random.random() < 0.4:
                pool.disturb()
            for sequence in [s for s in pool.running if len(s.ids) >= WIDTH]:
                pool.running.remove(sequence)
                pool.cache.release(sequence)
            if pool.running:
                pool.step()
                steps += 1
        except PoolExhaustedError:
            victim = pool.running.pop()
            pool.cache.release(victim)
            pool.running = [s for s in pool.running if s.node is not None]
    assert steps > 80
    assert pool.written


def test_a_batch_that_stays_writes_nothing() -> None:
    pool = Pool(1)
    pool.admit()
    pool.admit()
    pool.random = cast(Random, SimpleNamespace(
        choice=lambda items: items[0], sample=lambda items, _: items, randint=lambda _, high: high
    ))  # fmt: skip
    pool.step()
    before = pool.written
    for _ in range(9):
        pool.step()
    assert pool.written == before > 0


def test_common_slots() -> None:
    assert common_slots([], [[3, 2]]) == 0
    assert common_slots([(3, 2)], [[3, 5]]) == 2
    assert common_slots([(3, 2), (9, 4)], [[3, 2], [9, 1]]) == 3
    assert common_slots([(3, 2), (9, 4)], [[3, 1], [9, 4]]) == 1
    assert common_slots([(3, 2), (9, 4)], [[3, 2], [8, 4]]) == 2


def test_what_cannot_be_is_refused() -> None:
    pool = Pool(1)
    pool.admit()
    (sequence,) = pool.running
    with pytest.raises(ValueError, match="have 0 slots"):
        slots_between(sequence, 40, 41)
    with pytest.raises(ValueError, match="position 64 in a table of 64"):
        pool.table.place([(sequence, 64)])
    with pytest.raises(ValueError, match="7 sequences in a table of 6"):
        pool.table.place([(sequence, 1)] * 7)
    with pytest.raises(ValueError, match="lower max_running"):
        SlotTable(1 << 16, 1 << 15, 0, CPU)
