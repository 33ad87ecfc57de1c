"""What several processes cannot do is said before any is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sglc_runtime.config import EngineConfig
from sglc_runtime.errors import EngineError
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.generic import load_generic
from sglc_runtime.parallel import team
from sglc_runtime.parallel.start import require_possible
from sglc_runtime.start import start_engine
from tests.runtime.engine.driving import checkpoint
from tests.runtime.parallel.sharing import CPU


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(team, "Member", start)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tp_size": 0}, "tp_size must be at least 1, not 0"),
        ({"tp_size": 65}, "tp_size must be at most 64, not 65"),
        ({"tp_size": 3}, "tp_size 3 does not divide the model's 4 attention heads; tp_size 2, 4"),
        ({"tp_size": 2, "quantization": "int8"}, "int8 weights need tp_size 1"),
        ({"tp_size": 2, "model": "/no/such/folder"}, "there is no folder"),
    ],
)
def test_options_that_exclude_each_other(options: dict[str, Any], said: str) -> None:
    config = EngineConfig(**{"model": str(checkpoint()), **options})
    with pytest.raises(EngineError, match=said):
        start_engine(config)


@pytest.mark.parametrize(
    ("device", "said"),
    [("cuda:1", "tp_size 65 takes the first 65 GPUs: give device cuda"), ("cuda", "needs 65 GPUs")],
)
def test_one_gpu_for_each_process(device: str, said: str) -> None:
    config = EngineConfig(tp_size=65)
    with pytest.raises(EngineError, match=said):
        require_possible(config, checkpoint(), torch.device(device))


def test_a_process_that_uses_torch_distributed_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team.dist, "is_initialized", lambda: True)
    with pytest.raises(EngineError, match="this process uses it already"):
        start_engine(EngineConfig(model=str(checkpoint()), tp_size=2))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lora": Path("adapter")}, "a LoRA adapter of a model without a native decoder"),
        ({"quantization": "int8"}, "int8 weights of a model without a native decoder"),
    ],
)
def test_what_transformers_cannot_divide(options: dict[str, Any], said: str) -> None:
    group: Any = object()  # refused before it is used
    with pytest.raises(LoadError, match=said):
        load_generic(checkpoint(), device=CPU, dtype="auto", group=group, **options)
