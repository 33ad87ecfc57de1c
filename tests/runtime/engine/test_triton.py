"""The whole engine on the Triton kernels: tokens as with attention in torch operations."""

from __future__ import annotations

from typing import cast

import pytest
import torch

from sglc_runtime.attention.make import PooledAttention
from sglc_runtime.config import EngineConfig
from sglc_runtime.device.make import make_executor
from sglc_runtime.engine import EngineLoop
from sglc_runtime.models.load_native import load_native
from sglc_runtime.protocol import Generate, Generated, Sampling, Submit, Text
from sglc_runtime.start import start_engine
from tests.runtime.device.stepping import Watched
from tests.runtime.engine.driving import checkpoint, only, run

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
GREEDY = Sampling(max_new_tokens=3, temperature=0.0, ignore_eos=True)
PROMPTS = ("one two three", "one two three four")


def config_of(attention: str) -> EngineConfig:
    return EngineConfig(
        model=str(checkpoint("qwen3")), device=DEVICE, dtype="float32", attention=attention,
        kv_slots=100, max_running=2, chunk_tokens=8, threads=1,
    )  # fmt: skip


def tokens(attention: str) -> list[tuple[int, ...]]:
    """Greedy ids of prompts that share a beginning, batched."""
    engine, info = start_engine(config_of(attention))
    assert info.attention == attention
    return answers(engine)


def answers(engine: EngineLoop) -> list[tuple[int, ...]]:
    requests = [
        Submit(id, (Text(prompt),), (Generate(GREEDY),)) for id, prompt in enumerate(PROMPTS)
    ]
    events = only(run(engine, requests), Generated)
    return [event.samples[0].ids for event in sorted(events, key=lambda event: event.id)]


def test_tokens_equal_those_of_torch_attention() -> None:
    assert tokens("triton") == tokens("torch")


@pytest.mark.skipif(DEVICE != "cpu", reason="the engine has both by itself there")
def test_the_decoder_for_gpus_runs_ahead() -> None:
    """As on a GPU: steps of fixed sizes, kernels between products, sampling without the host."""
    config = config_of("triton")
    engine, _ = start_engine(config)
    device = torch.device(DEVICE)
    engine.model = load_native(
        checkpoint("qwen3"), device=device, dtype="float32", fused=True, in_c=False
    )
    attention = cast(PooledAttention, engine.attention)
    engine.executor = make_executor(config, engine.model, attention, 100, device)
    steps = Watched(engine).steps
    assert answers(engine) == tokens("torch")
    assert steps
