"""Rank 0's model and attention, which take the followers along."""

from __future__ import annotations

import torch
from torch import Tensor

from sglc_runtime.attention.make import PooledAttention
from sglc_runtime.models.base import Attention, Batch
from sglc_runtime.models.load import LoadedModel
from sglc_runtime.parallel.messages import CopySlots, encode_batch, to_bytes
from sglc_runtime.parallel.team import Team


class ParallelModel:
    """
    A `Model` of which this process holds a part and the team's followers the others.

    `spec` has this part's heads, which is what a pool and attention are made for. A pass costs one
    message to each follower; on GPUs it waits for the device before and behind.
    """

    def __init__(self, part: LoadedModel, team: Team) -> None:
        self.part = part
        self.spec = part.spec
        self.implementation = part.implementation
        self._team = team

    def forward(self, batch: Batch, attention: Attention) -> Tensor:
        """
        Logits [R, vocab] (float32) of `batch.rows`.

        Raises ValueError for ids and positions that the model does not have, and EngineError when
        a follower has failed.
        """
        message, host = encode_batch(batch)
        self._require_known(host)
        with self._team.together():
            self._team.send(message)
            logits = self.part.forward(batch, attention)
            self._team.settle()
        return logits

    def _require_known(self, batch: Batch) -> None:
        """An error in the middle of a pass would end the team; one before it fails a request."""
        ends = (
            (batch.ids, self.spec.vocab_size, "ids lie outside the vocabulary"),
            (batch.positions, self.spec.context_length, "positions lie outside the context"),
            (batch.rows, len(batch.ids), "rows lie outside the batch"),
        )
        for numbers, end, problem in ends:
            low, high = (int(edge) for edge in numbers.aminmax()) if len(numbers) else (0, 0)
            if low < 0 or high >= end:
                raise ValueError(problem)


class ParallelAttention:
    """Attention over this process's part of the pool; what changes the pool goes to all parts."""

    def __init__(self, part: PooledAttention, team: Team, device: torch.device) -> None:
        self.part = part
        self.name = part.name
        self.deterministic = part.deterministic
        self.slots = part.slots
        self.keys = part.keys
        self.values = part.values
        self.device = device
        self._team = team

    def bind(self, batch: Batch) -> Attention:
        """Prepare this part of one batch; the followers do it when they get the batch."""
        return self.part.bind(batch)

    def copy_slots(self, source: Tensor, target: Tensor) -> None:
        """Copy KV of all layers and heads from slots `source` [N] to `target` [N]."""
        with self._team.together():
            self._team.send(CopySlots(to_bytes(source.cpu()), to_bytes(target.cpu())))
            self.part.copy_slots(source, target)
