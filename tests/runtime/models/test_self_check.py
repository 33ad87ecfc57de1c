"""The start-up check passes where the promise holds and finds each way of breaking it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sglc_runtime.attention.make import make_attention
from sglc_runtime.models.base import Attention, Batch
from sglc_runtime.models.load_native import load_native
from sglc_runtime.models.self_check import SLOTS, self_check
from tests.runtime.tiny_checkpoints import Family, write_checkpoint

CPU = torch.device("cpu")


@pytest.mark.parametrize("in_c", [False, True])
@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "qwen3"])
def test_native_models_keep_the_promise(family: Family, in_c: bool, tmp_path: Path) -> None:
    model = load_native(write_checkpoint(tmp_path, family), device=CPU, dtype="auto", in_c=in_c)
    assert self_check(model, make_attention("c", model.spec, SLOTS))
    assert not self_check(model, make_attention("torch", model.spec, SLOTS))


class Spoiled:
    """A model whose logits depend on something that must not matter."""

    def __init__(self, model: Any, how: str) -> None:
        self.model = model
        self.spec = model.spec
        self.how = how

    def forward(self, batch: Batch, attention: Attention) -> Tensor:
        logits: Tensor = self.model.forward(batch, attention)
        amount = {
            "batch": len({run.row_start for run in batch.runs}) - 1,
            "chunk": int(len(batch.ids) == 1),
            "cache": int(batch.positions[0] == 13 and len(batch.ids) > 20),
            "nan": float("nan"),
        }[self.how]
        return logits * (1 + amount * 1e-6)


@pytest.mark.parametrize("how", ["batch", "chunk", "cache", "nan"])
def test_broken_promises_are_found(how: str, tmp_path: Path) -> None:
    model = load_native(write_checkpoint(tmp_path, "llama"), device=CPU, dtype="auto")
    attention = make_attention("c", model.spec, SLOTS)
    assert self_check(model, attention)
    assert not self_check(Spoiled(model, how), attention)
