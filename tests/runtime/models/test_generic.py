"""Models through transformers' attention interface, against transformers itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from sglc_runtime.attention.make import make_attention
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.generic import load_generic
from tests.runtime.models.driving import greedy
from tests.runtime.tiny_checkpoints import write_checkpoint

CPU = torch.device("cpu")
NEW = 20
BASE: dict[str, Any] = {
    "vocab_size": 384,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
EXACT: dict[str, dict[str, Any]] = {
    "gemma2": BASE
    | {
        "head_dim": 16,
        "sliding_window": 16,
        "attn_logit_softcapping": 5.0,
        "final_logit_softcapping": 3.0,
        "query_pre_attn_scalar": 16,
        "tie_word_embeddings": False,
    },
    "gpt_oss": BASE
    | {"head_dim": 16, "sliding_window": 16, "num_local_experts": 4, "num_experts_per_tok": 2},
    # With a part for images, which text alone never uses.
    "gemma3": {
        "text_config": BASE
        | {"head_dim": 16, "sliding_window": 16, "query_pre_attn_scalar": 16}
        | {"initializer_range": 0.3, "tie_word_embeddings": False},
        "vision_config": {
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "image_size": 32,
            "patch_size": 16,
        },
        "mm_tokens_per_image": 4,
        "tie_word_embeddings": False,
    },
}
"""Soft caps, windows and sinks, in both attention backends; test_families.py has the rest."""


def save(folder: Path, kind: str, settings: dict[str, Any]) -> Any:
    """A random model with clearly different logits, saved; returns it as the oracle."""
    torch.manual_seed(0)
    config = CONFIG_MAPPING[kind](**settings)
    config.eos_token_id = config.bos_token_id = None
    config.pad_token_id = 0
    if hasattr(config, "initializer_range"):
        config.initializer_range = 0.3
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval().float()
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize("kind", list(EXACT))
def test_greedy_equals_transformers(kind: str, tmp_path: Path) -> None:
    oracle = save(tmp_path, kind, EXACT[kind])
    generator = torch.Generator().manual_seed(3)
    prompts = [torch.randint(4, 384, (n,), generator=generator).tolist() for n in (3, 20, 41, 9)]
    want = [
        oracle.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.int64),
            max_new_tokens=NEW,
            do_sample=False,
            pad_token_id=0,
        )[0, len(prompt) :].tolist()
        for prompt in prompts
    ]
    assert len({token for one in want for token in one}) > 8, "the oracle says nothing"
    model = load_generic(tmp_path, device=CPU, dtype="auto")
    for backend in ("c", "torch"):
        attention = make_attention(backend, model.spec, 512)
        assert greedy(model, attention, prompts, NEW) == want


@pytest.mark.parametrize("scaling", ["dynamic", "longrope"])
def test_rope_that_changes_with_length_is_frozen(scaling: str, tmp_path: Path) -> None:
    """A long sequence in the batch does not change a short one's logits."""
    rope: dict[str, Any] = {"rope_type": scaling, "rope_theta": 1e4}
    if scaling == "dynamic":
        kind, settings = "llama", BASE | {"max_position_embeddings": 32}
        rope["factor"] = 4.0
    else:
        kind, settings = "phi3", BASE | {"original_max_position_embeddings": 32}
        rope |= {"short_factor": [1.0] * 8, "long_factor": [2.0] * 8}
        rope["original_max_position_embeddings"] = 32
    save(tmp_path, kind, settings | {"rope_parameters": rope})
    model = load_generic(tmp_path, device=CPU, dtype="auto")
    attention = make_attention("c", model.spec, 512)
    short, long = [5, 6, 7], list(range(10, 90))
    alone = greedy(model, attention, [short], 8)
    assert greedy(model, attention, [short, long], 8)[0] == alone[0]
    assert greedy(model, attention, [short], 8) == alone


def test_rope_that_changes_with_length_in_some_layers_is_refused(tmp_path: Path) -> None:
    rope = {
        "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
        "full_attention": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 4.0},
    }
    kinds = ["sliding_attention", "full_attention"] * 2
    more = {"head_dim": 16, "layer_types": kinds, "rope_parameters": rope}
    save(tmp_path, "gemma3_text", BASE | more)
    with pytest.raises(LoadError, match="each kind of layer has its own"):
        load_generic(tmp_path, device=CPU, dtype="auto")


def test_optional_libraries_are_asked_for_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_checkpoint(tmp_path / "base", "llama")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    (adapter / "adapter_model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(LoadError, match=r"needs peft .*pip install sglc\[peft\]"):
        load_generic(folder, device=CPU, dtype="auto", lora=adapter)
    monkeypatch.setitem(sys.modules, "torchao", None)
    with pytest.raises(LoadError, match=r"need torchao .*pip install sglc\[torchao\]"):
        load_generic(folder, device=CPU, dtype="auto", quantization="int8")


def test_missing_tensors_are_named(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    write_checkpoint(tmp_path, "llama")
    weights = load_file(tmp_path / "model.safetensors")
    del weights["model.layers.1.mlp.down_proj.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(LoadError, match=r"model\.layers\.1\.mlp\.down_proj\.weight") as caught:
        load_generic(tmp_path, device=CPU, dtype="auto")
    assert caught.value.kind == "bad_checkpoint"


def test_unknown_architecture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "nonesuch"}')
    (tmp_path / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    with pytest.raises(LoadError, match="nonesuch") as caught:
        load_generic(tmp_path, device=CPU, dtype="auto")
    assert caught.value.kind == "unsupported_model"
