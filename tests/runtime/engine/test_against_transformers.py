"""Greedy text is transformers' own, token for token, in float32."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForCausalLM

from sglc_runtime.protocol import Generate, Generated, Sampling, Submit, Text
from tests.runtime.engine.driving import checkpoint, make_engine, only, run
from tests.runtime.tiny_checkpoints import Family

PROMPTS = [
    ("What is the capital of France? It is a sunny day. " * 3)[: 3 + 9 * i] for i in range(16)
]
NEW = 24


@pytest.mark.parametrize("family", ["llama", "qwen3"])
@pytest.mark.parametrize("setting", [{}, {"chunk_tokens": 5}, {"kv_slots": 220}], ids=str)
def test_greedy_equals_generate(family: Family, setting: dict[str, int]) -> None:
    engine = make_engine(family, **setting)  # type: ignore[arg-type]
    sampling = Sampling(max_new_tokens=NEW, temperature=0.0, ignore_eos=True)
    events = run(
        engine, [Submit(i, (Text(p),), (Generate(sampling),)) for i, p in enumerate(PROMPTS)]
    )
    got = {event.id: event.samples[0].ids for event in only(events, Generated)}
    assert len(got) == len(PROMPTS)
    reference = AutoModelForCausalLM.from_pretrained(checkpoint(family), dtype=torch.float32)
    reference.generation_config.eos_token_id = None
    for number, prompt in enumerate(PROMPTS):
        ids = torch.tensor([engine.context.encode(prompt, True)])
        want = reference.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=NEW,
            do_sample=False,
            pad_token_id=3,
        )
        assert got[number] == tuple(want[0, ids.shape[1] :].tolist())


@pytest.mark.parametrize("penalty", [0.7, 1.4])
def test_repetition_penalty_is_transformers_own(penalty: float) -> None:
    engine = make_engine()
    sampling = Sampling(
        max_new_tokens=NEW, temperature=0.0, ignore_eos=True, repetition_penalty=penalty
    )
    plain = Sampling(max_new_tokens=NEW, temperature=0.0, ignore_eos=True)
    steps = [Submit(i, (Text(p),), (Generate(sampling),)) for i, p in enumerate(PROMPTS)]
    # Rows without a penalty in the same batch stay what they are.
    steps += [Submit(100 + i, (Text(p),), (Generate(plain),)) for i, p in enumerate(PROMPTS)]
    got = {event.id: event.samples[0].ids for event in only(run(engine, steps), Generated)}
    reference = AutoModelForCausalLM.from_pretrained(checkpoint(), dtype=torch.float32)
    reference.generation_config.eos_token_id = None
    for number, prompt in enumerate(PROMPTS):
        ids = torch.tensor([engine.context.encode(prompt, True)])
        for at, value in ((number, penalty), (100 + number, 1.0)):
            want = reference.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=NEW,
                do_sample=False,
                pad_token_id=3,
                repetition_penalty=value,
            )
            assert got[at] == tuple(want[0, ids.shape[1] :].tolist())
    assert any(got[number] != got[100 + number] for number in range(len(PROMPTS)))
