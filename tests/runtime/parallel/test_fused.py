"""The decoder for GPUs divided in two, in Triton's interpreter."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sglc_runtime.attention.make import make_attention
from sglc_runtime.models.base import Batch, Model, Run
from sglc_runtime.models.load_native import load_native
from sglc_runtime.parallel.split import Split
from tests.runtime.tiny_checkpoints import Family, write_checkpoint

pytest.importorskip("triton", reason="Triton is not installed")
pytestmark = pytest.mark.skipif(
    os.environ.get("TRITON_INTERPRET") != "1", reason="Triton was imported for a GPU"
)
CPU = torch.device("cpu")
SIZE = 2


class Meeting:
    """Where the threads meet; one of them runs at a time, until it has to wait for the others."""

    def __init__(self) -> None:
        self.turn = threading.Condition()
        self.brought: list[list[Tensor]] = []

    def bring(self, place: int, x: Tensor) -> list[Tensor]:
        if len(self.brought) == place:
            self.brought.append([])
        self.brought[place].append(x.clone())
        self.turn.notify_all()
        assert self.turn.wait_for(lambda: len(self.brought[place]) == SIZE, 60)
        return self.brought[place]


class ThreadGroup:
    """What a `Group` does, for one of several threads of this process."""

    def __init__(self, rank: int, meeting: Meeting) -> None:
        self.split = Split(rank, SIZE)
        self.rank, self.size = rank, SIZE
        self._meeting = meeting
        self._calls = 0

    def _all(self, x: Tensor) -> list[Tensor]:
        self._calls += 1
        return self._meeting.bring(self._calls - 1, x)

    def all_reduce(self, x: Tensor) -> Tensor:
        return x.copy_(torch.stack(self._all(x)).sum(0))

    def gather(self, x: Tensor) -> Tensor | None:
        # Logits are brought by rank; the order of arrival is that of the threads' turns.
        parts = self._all(torch.cat([x, x.new_full((1, x.shape[1]), self.rank)]))
        parts = sorted(parts, key=lambda part: float(part[-1, 0]))
        return None if self.rank else torch.cat([part[:-1] for part in parts], -1)


def logits(model: Model, batch: Batch) -> Tensor:
    with torch.inference_mode():
        attention = make_attention("triton", model.spec, 64, CPU)
        return model.forward(batch, attention.bind(batch))


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
def test_logits_are_those_of_one_process(family: Family, tmp_path: Path) -> None:
    """Norms of heads, biases of queries, the sum behind each half of a block."""
    folder = write_checkpoint(tmp_path, family, num_hidden_layers=1, tie_word_embeddings=True)
    span = torch.arange(9)
    batch = Batch(span * 7 + 3, span, span, torch.tensor([4, 8]), (Run(0, 9, 0, 9, 0),))
    meeting, found = Meeting(), dict[int, Tensor]()

    def run(rank: int) -> None:
        with meeting.turn:
            group: Any = ThreadGroup(rank, meeting)
            model = load_native(folder, device=CPU, dtype="float32", fused=True, group=group)
            assert type(model).__name__ == "FusedModel"
            found[rank] = logits(model, batch)

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(SIZE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one = load_native(folder, device=CPU, dtype="float32", fused=True, in_c=False)
    torch.testing.assert_close(found[0], logits(one, batch), rtol=1e-4, atol=1e-4)
    assert found[1].shape == (2, 0)
