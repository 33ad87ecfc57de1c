"""
Guesses of a small model that reads the same ids with a KV pool of its own.

Speculative decoding after Leviathan et al. (arXiv 2211.17192), except that the draft samples by the
target's own uniform numbers and limits, so that the two agree as far as their distributions do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence as Many
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor

from sglc_runtime.batching import Packer, Work
from sglc_runtime.kv import KVCache, PoolExhaustedError
from sglc_runtime.kv.node import common_length
from sglc_runtime.models.base import AttentionBackend, Model
from sglc_runtime.sequence import Sequence
from sglc_runtime.speculation.proposer import NOTHING, Guess
from sglc_runtime.speculation.sampling import pick

CHUNK = 256
"""Rows of a pass that reads a prompt."""
MEASURED = 9
"""Latest passes that the cost of one is taken from."""
ASSUMED = 1e-4
"""Seconds of a pass until one was measured."""


@dataclass(slots=True)
class Shadow:
    """A sequence of the draft's own: the target's ids, then guesses."""

    sequence: Sequence
    agreed: int
    """Ids that are certainly the target's."""


class DraftModelProposer:
    """A draft model, its pool, and a shadow of every sequence that it guesses for."""

    source = "draft"

    def __init__(
        self, model: Model, attention: AttentionBackend, slots: int, device: torch.device
    ) -> None:
        self.model = model
        self.attention = attention
        self.cache = KVCache(slots)
        self.packer = Packer(device)
        self.shadows: dict[Sequence, Shadow] = {}
        self._seconds: dict[int, deque[float]] = {}
        self._row_seconds: deque[float] = deque(maxlen=MEASURED)

    def seconds(self, sequences: int) -> float:
        """What one more guess for each of so many sequences takes."""
        passes = self._seconds.get(sequences)
        return min(passes) if passes else ASSUMED

    def forget(self) -> None:
        """Measure anew: the machine may have changed."""
        self._seconds.clear()
        self._row_seconds.clear()

    def entry_seconds(self, sequence: Sequence) -> float:
        """What reading the ids of a sequence takes that the draft has not read yet."""
        if sequence in self.shadows:
            return 0.0
        missing = len(sequence.ids) - self.cache.tree.match(sequence.ids).length
        return missing * (min(self._row_seconds) if self._row_seconds else ASSUMED / 4)

    def propose(self, sequences: Many[Sequence], counts: Many[int]) -> list[Guess]:
        """See `Proposer`. A sequence for which the pool has no room gets no guess."""
        self._leave_behind()
        guesses: list[list[int]] = [[] for _ in sequences]
        places = [
            place
            for place, sequence in enumerate(sequences)
            if self._catch_up(sequence, counts[place])
        ]
        for depth in range(max(counts)):
            places = [place for place in places if depth < counts[place]]
            if not places:
                break
            shadows = [self.shadows[sequences[place]].sequence for place in places]
            began = perf_counter()
            logits = self._pass(shadows)
            tokens = pick(logits, [sequences[place].samples[0] for place in places], depth)
            taken = perf_counter() - began
            self._seconds.setdefault(len(places), deque(maxlen=MEASURED)).append(taken)
            for place, shadow, token in zip(places, shadows, tokens, strict=True):
                guesses[place].append(token)
                shadow.ids.append(token)
        return [Guess(tokens, self.source) if tokens else NOTHING for tokens in guesses]

    def _catch_up(self, sequence: Sequence, count: int) -> bool:
        """Let the shadow have the target's ids, all but few of them read; False without room."""
        ids = sequence.ids
        if len(ids) + count > self.model.spec.context_length:
            return False
        shadow = self.shadows.get(sequence)
        if shadow is None:
            shadow = self.shadows[sequence] = Shadow(
                Sequence(sequence.step, sequence.order, ids[:-1], max(0, len(ids) - 2)), 0
            )
            if not self._read(shadow.sequence):
                self._drop(sequence)
                return False
        own = shadow.sequence
        agreed = shadow.agreed + common_length(own.ids, shadow.agreed, ids, shadow.agreed)
        own.computed = min(own.computed, agreed)
        self.cache.trim(own)
        own.ids[agreed:] = ids[agreed:]
        shadow.agreed = len(ids)
        if self.cache.available < len(ids) - own.computed + count:
            self._drop(sequence)
            return False
        return True

    def _read(self, shadow: Sequence) -> bool:
        """Compute all ids of a new shadow."""
        while not shadow.decoding:
            began = perf_counter()
            try:
                start, end = self.cache.extend(shadow, CHUNK)
            except PoolExhaustedError:
                return False
            if end > start:
                self._forward([Work(shadow, start, end, end)])
                self._row_seconds.append((perf_counter() - began) / (end - start))
            shadow.computed = end
            shadow.decoding = end == len(shadow.ids)
        return True

    def _pass(self, shadows: list[Sequence]) -> Tensor:
        """Logits [R, vocab] behind the last id of each of `shadows`."""
        work: list[Work] = []
        for shadow in shadows:
            end = len(shadow.ids)
            self.cache.lengthen(shadow, end - shadow.kv_length)
            work.append(Work(shadow, shadow.computed, end, end - 1))
        order, logits = self._forward(work)
        for shadow in shadows:
            shadow.computed = len(shadow.ids)
        if len(order) > 1 and any(a.sequence is not b for a, b in zip(order, shadows, strict=True)):
            at = {id(item.sequence): row for row, item in enumerate(order)}
            logits = logits[torch.tensor([at[id(shadow)] for shadow in shadows])]
        return logits

    def _forward(self, work: list[Work]) -> tuple[list[Work], Tensor]:
        packed = self.packer.pack(work, self.cache.tree.version)
        logits = self.model.forward(packed.batch, self.attention.bind(packed.batch))
        return packed.work, logits

    def _leave_behind(self) -> None:
        """Drop the shadows of sequences that ended or lost their slots."""
        for sequence in [sequence for sequence in self.shadows if sequence.node is None]:
            self._drop(sequence)

    def _drop(self, sequence: Sequence) -> None:
        self.cache.release(self.shadows.pop(sequence).sequence)
