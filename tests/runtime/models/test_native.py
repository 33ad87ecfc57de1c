"""The native decoder against transformers, token for token, and its own invariances."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from sglc_runtime.attention.make import make_attention
from sglc_runtime.models.c_native import CModel
from sglc_runtime.models.load_native import load_native
from sglc_runtime.models.native import NativeModel
from tests.runtime.models.driving import greedy
from tests.runtime.tiny_checkpoints import Family, TokenizerKind, write_checkpoint

CPU = torch.device("cpu")
NEW = 24

CASES: dict[str, tuple[Family, dict[str, Any]]] = {
    "llama": ("llama", {}),
    "llama-tied-bias": (
        "llama",
        {"tie_word_embeddings": True, "attention_bias": True, "mlp_bias": True},
    ),
    "llama-head-dim": ("llama", {"head_dim": 24, "num_key_value_heads": 4}),
    "llama-linear-rope": ("llama", {"rope_scaling": {"type": "linear", "factor": 2.0}}),
    "llama-llama3-rope": (
        "llama",
        {
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 5e5,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            }
        },
    ),
    "mistral-window": ("mistral", {"sliding_window": 16}),
    "mistral-no-window": ("mistral", {"sliding_window": None}),
    "qwen2": ("qwen2", {}),
    "qwen2-window": (
        "qwen2",
        {"use_sliding_window": True, "sliding_window": 16, "max_window_layers": 2},
    ),
    "qwen3": ("qwen3", {"tie_word_embeddings": True}),
    "qwen3-bias": ("qwen3", {"attention_bias": True}),
}


def prompts(vocab: int) -> list[list[int]]:
    draw = random.Random(3)
    return [[draw.randrange(4, vocab) for _ in range(count)] for count in (3, 20, 41, 9)]


def load(folder: Path, dtype: str = "auto", in_c: bool = False) -> NativeModel | CModel:
    model = load_native(folder, device=CPU, dtype=dtype, in_c=in_c)
    assert isinstance(model, CModel if in_c else NativeModel)
    return model


@pytest.mark.parametrize("name", list(CASES))
def test_greedy_equals_transformers(name: str, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    family, overrides = CASES[name]
    folder = write_checkpoint(tmp_path, family, **overrides)
    oracle = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    asked = prompts(384)
    want = [
        oracle.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.int64),
            max_new_tokens=NEW,
            min_new_tokens=NEW,
            eos_token_id=None,
            do_sample=False,
        )[0, len(prompt) :].tolist()
        for prompt in asked
    ]
    assert len({token for one in want for token in one}) > 20, "the oracle says nothing"
    for in_c in (False, True):
        model = load(folder, in_c=in_c)
        for backend in ("c", "torch"):
            attention = make_attention(backend, model.spec, 512)
            assert greedy(model, attention, asked, NEW) == want


@pytest.mark.parametrize("in_c", [False, True])
@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "qwen3"])
def test_logits_equal_transformers(family: Family, in_c: bool, tmp_path: Path) -> None:
    """All positions of one prompt at once, as numbers rather than winners."""
    from transformers import AutoModelForCausalLM

    from sglc_runtime.models.base import Batch, Run

    folder = write_checkpoint(tmp_path, family, tokenizer="metaspace", shards=3)
    oracle = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    model = load(folder, in_c=in_c)
    ids = torch.tensor(prompts(model.spec.vocab_size)[2])
    every = torch.arange(len(ids))
    batch = Batch(ids, every, every, every, (Run(0, len(ids), 0, len(ids), 0),))
    attention = make_attention("c", model.spec, 64)
    got = model.forward(batch, attention.bind(batch))
    with torch.no_grad():
        want = oracle(ids[None]).logits[0]
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("tokenizer", ["bytes", "metaspace"])
def test_bf16_checkpoint_computes_in_what_was_asked(
    tokenizer: TokenizerKind, tmp_path: Path
) -> None:
    folder = write_checkpoint(tmp_path, "llama", dtype=torch.bfloat16, tokenizer=tokenizer)
    narrow, wide = load(folder, "bfloat16"), load(folder, "float32")
    assert (narrow.spec.dtype, wide.spec.dtype) == (torch.bfloat16, torch.float32)
    asked = prompts(wide.spec.vocab_size)
    greedy(narrow, make_attention("c", narrow.spec, 512), asked, 4)
    exact = write_checkpoint(tmp_path / "exact", "llama", tokenizer=tokenizer)
    attention = make_attention("c", wide.spec, 512)
    rounded = greedy(wide, attention, asked, NEW)
    assert rounded != greedy(load(exact), attention, asked, NEW), "weights were not rounded"
