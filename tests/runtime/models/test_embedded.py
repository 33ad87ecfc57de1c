"""The checkpoint shipped with the package goes the same way as any folder."""

from __future__ import annotations

import pytest
import torch

from sglc_runtime.attention.make import make_attention
from sglc_runtime.models.load import EMBEDDED, load_model
from sglc_runtime.models.self_check import SLOTS, self_check
from sglc_runtime.text.chat_template import derive
from tests.runtime.models.driving import greedy

PROMPTS = [
    "The capital of France is",
    "Q: What is the capital of Japan?\nA:",
    "<|im_start|>user\nGive me a tip for staying healthy.<|im_end|>\n<|im_start|>assistant\n",
    "List two local attractions of Peru:\n1.",
    '{"name": "Harry Potter", "house": "',
    "a",
]
NEW = 48


def test_greedy_equals_transformers() -> None:
    from transformers import AutoModelForCausalLM

    model, tokenizer = load_model(None)
    assert model.implementation == "native"
    assert model.spec.dtype == torch.float32
    attention = make_attention("c", model.spec, 2048)
    assert self_check(model, attention)
    assert attention.slots >= SLOTS
    prompts = [tokenizer.encode_run(prompt, True) for prompt in PROMPTS]
    oracle = AutoModelForCausalLM.from_pretrained(EMBEDDED, dtype=torch.float32).eval()
    oracle.generation_config.eos_token_id = None
    want = [
        oracle.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.int64),
            max_new_tokens=NEW,
            do_sample=False,
        )[0, len(prompt) :].tolist()
        for prompt in prompts
    ]
    assert greedy(model, attention, prompts, NEW) == want
    assert "Paris" in tokenizer.decode(want[0])


@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_chat_template_is_derived(role: str) -> None:
    template = derive(EMBEDDED)
    assert not template.renders_whole, template.reason
    assert role in template.roles
    assert template.stop_str
