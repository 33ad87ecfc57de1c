"""The whole engine on the Triton kernels: tokens as with attention in torch operations."""

from __future__ import annotations

import torch

from sglc_runtime.protocol import EngineConfig, Generate, Generated, Sampling, Submit, Text
from sglc_runtime.start import start_engine
from tests.runtime.engine.driving import checkpoint, only, run

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
GREEDY = Sampling(max_new_tokens=3, temperature=0.0, ignore_eos=True)
PROMPTS = ("one two three", "one two three four")


def tokens(attention: str) -> list[tuple[int, ...]]:
    """Greedy ids of prompts that share a beginning, batched."""
    config = EngineConfig(
        model=str(checkpoint()), device=DEVICE, dtype="float32", attention=attention,
        kv_slots=256, chunk_tokens=8, threads=1,
    )  # fmt: skip
    engine, info = start_engine(config)
    assert info.attention == attention
    requests = [
        Submit(id, (Text(prompt),), (Generate(GREEDY),)) for id, prompt in enumerate(PROMPTS)
    ]
    events = only(run(engine, requests), Generated)
    return [event.samples[0].ids for event in sorted(events, key=lambda event: event.id)]


def test_tokens_equal_those_of_torch_attention() -> None:
    assert tokens("triton") == tokens("torch")
