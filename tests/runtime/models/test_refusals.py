"""Models that would be silently wrong are refused, with the reason and what helps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import CONFIG_MAPPING, AutoModel, AutoModelForCausalLM

from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.generic import load_generic
from sglc_runtime.models.probe_passes import replaced, settings_of

CPU = torch.device("cpu")
BASE: dict[str, Any] = {
    "vocab_size": 384,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
GPT2: dict[str, Any] = {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 256} | {
    "vocab_size": 384
}
BART: dict[str, Any] = {
    "vocab_size": 384,
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "max_position_embeddings": 128,
}
IGNORES = "does not let its attention be replaced"
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "bloom": ({"vocab_size": 384, "hidden_size": 64, "n_layer": 2, "n_head": 4}, IGNORES),
    "falcon": (BASE | {"alibi": True, "new_decoder_architecture": False}, IGNORES),
    "gptj": (GPT2 | {"rotary_dim": 8}, IGNORES),
    "mpt": (
        {"d_model": 64, "n_heads": 4, "n_layers": 2, "vocab_size": 384, "max_seq_len": 256},
        IGNORES,
    ),
    "mamba": (
        {"vocab_size": 384, "hidden_size": 64, "num_hidden_layers": 2, "state_size": 8},
        "calls the attention it is given never",
    ),
    "recurrent_gemma": (
        BASE | {"num_hidden_layers": 3, "lru_width": 64, "attention_window_size": 16},
        r"3 layers and calls the attention it is given for layers \[2\]",
    ),
    "minimax": (
        BASE | {"num_local_experts": 2, "layer_types": ["linear_attention", "full_attention"]},
        "calls the attention it is given for layers",
    ),
    "diffllama": (BASE, r"calls the attention it is given for layers \[0, 0, 1, 1\]"),
    "falcon_h1": (
        BASE | {"mamba_d_ssm": 64, "mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 8},
        "packed together and alone",
    ),
    "doge": (BASE, "masks its attention in a way of its own"),
    "bert": (BASE, "is an encoder: a token sees those after it"),
    "electra": (BASE, "is an encoder: a token sees those after it"),
    "bart": (BART, r"attends to an encoder's output \(model\.decoder\.layers\.0\.encoder_attn\)"),
}
NOT_CAUSAL: dict[str, dict[str, Any]] = {
    "t5": {
        "vocab_size": 384,
        "d_model": 32,
        "d_kv": 8,
        "d_ff": 32,
        "num_layers": 1,
        "num_heads": 2,
    },
    "llava": {"text_config": {"model_type": "llama"} | BASE, "vision_config": BASE},
}


def save(folder: Path, kind: str, settings: dict[str, Any], factory: Any) -> None:
    torch.manual_seed(0)
    config = CONFIG_MAPPING[kind](**settings)
    config.eos_token_id = config.bos_token_id = None
    config.pad_token_id = 0
    if hasattr(config, "initializer_range"):
        config.initializer_range = 0.3
    factory.from_config(config).float().save_pretrained(folder)


@pytest.mark.parametrize("kind", list(REFUSED))
def test_models_that_would_be_wrong(kind: str, tmp_path: Path) -> None:
    settings, reason = REFUSED[kind]
    save(tmp_path, kind, settings, AutoModelForCausalLM)
    with pytest.raises(LoadError, match=f"cannot be run: .*{reason}") as caught:
        load_generic(tmp_path, device=CPU, dtype="auto")
    assert caught.value.kind == "unsupported_model"
    assert "docs/models.md" in caught.value.message


@pytest.mark.parametrize("kind", ["t5", "llava"])
def test_models_that_are_no_causal_ones(kind: str, tmp_path: Path) -> None:
    if kind == "t5":
        save(tmp_path, kind, NOT_CAUSAL[kind], AutoModel)
    else:
        CONFIG_MAPPING[kind]().save_pretrained(tmp_path)
        (tmp_path / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    with pytest.raises(LoadError, match=r"no causal language model .*give a text decoder") as error:
        load_generic(tmp_path, device=CPU, dtype="auto")
    assert error.value.kind == "unsupported_model"


def test_remote_code_needs_permission(tmp_path: Path) -> None:
    classes = '{"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"}'
    (tmp_path / "config.json").write_text(f'{{"model_type": "own", "auto_map": {classes}}}')
    (tmp_path / "own.py").write_text("raise SystemExit('this code must not run')")
    (tmp_path / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    with pytest.raises(LoadError, match="where you trust it, set trust_remote_code"):
        load_generic(tmp_path, device=CPU, dtype="auto")


def test_chunked_attention_limits_the_context(tmp_path: Path) -> None:
    """Llama 4 masks chunks itself; within one chunk attention is plain."""
    more = {"attention_chunk_size": 16, "num_local_experts": 2, "intermediate_size_mlp": 96}
    save(tmp_path, "llama4_text", BASE | more | {"head_dim": 16}, AutoModelForCausalLM)
    assert load_generic(tmp_path, device=CPU, dtype="auto").spec.context_length == 16


def test_windows_passed_on_do_not_limit_it(tmp_path: Path) -> None:
    save(tmp_path, "mistral", BASE | {"sliding_window": 128}, AutoModelForCausalLM)
    model = load_generic(tmp_path, device=CPU, dtype="auto")
    assert model.spec.context_length == 256
    assert model.spec.windows == (128, 128)
    settings = settings_of(model.model, "sliding_window")
    assert settings
    with replaced(settings, "sliding_window", 4):
        assert {value for _, value in settings_of(model.model, "sliding_window")} == {4}
    assert {value for _, value in settings_of(model.model, "sliding_window")} == {128}
