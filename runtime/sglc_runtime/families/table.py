"""The families that are compared: what distinguishes each, in sizes that run in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

VOCAB = 384
WINDOW = 16
"""Sliding windows are shorter than most prompts."""

_BASE: dict[str, Any] = {
    "vocab_size": VOCAB,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "tie_word_embeddings": False,
}
_GPT2: dict[str, Any] = {
    "vocab_size": VOCAB,
    "n_embd": 64,
    "n_layer": 4,
    "n_head": 4,
    "n_positions": 256,
}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
_LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
_ALTERNATING = ["sliding_attention", "full_attention"] * 2


@dataclass(frozen=True, slots=True)
class Family:
    """One row of the table."""

    name: str
    model_type: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Keys of config.json on top of (or, for GPT-2's spelling, in place of) the usual sizes."""
    native: bool = False
    """The native decoder implements it."""
    named: bool = True
    """One of the families the project promises; the others happen to work."""

    experts: bool = False
    """
    A router chooses experts. In bfloat16 all are used: rounding turns near ties of a router into
    other experts, in any two implementations, and then margins of logits say nothing.
    """

    def config(self, dtype: str = "float32") -> dict[str, Any]:
        """All keys given to transformers' configuration class."""
        all_experts = {"num_experts_per_tok": 4} if self.experts and dtype != "float32" else {}
        base = _GPT2 if "n_embd" in self.settings else _BASE
        return {**base, **self.settings, **all_experts}


FAMILIES = (
    Family("Llama 2", "llama", {"num_key_value_heads": 4}, native=True),
    Family("Llama 3", "llama", {"rope_parameters": _LLAMA3_ROPE}, native=True),
    Family("Mistral", "mistral", {"sliding_window": WINDOW, "head_dim": 32}, native=True),
    Family("Mixtral", "mixtral", {"num_local_experts": 4, "sliding_window": None}, experts=True),
    Family(
        "Qwen 2, windows",
        "qwen2",
        {"use_sliding_window": True, "sliding_window": WINDOW, "layer_types": _ALTERNATING},
        native=True,
    ),
    Family("Qwen 2.5", "qwen2", {"tie_word_embeddings": True}, native=True),
    Family(
        "Qwen 2 MoE", "qwen2_moe", {**_EXPERTS, "shared_expert_intermediate_size": 48}, experts=True
    ),
    Family("Qwen 3", "qwen3", {"head_dim": 32}, native=True),
    Family("Qwen 3 MoE", "qwen3_moe", {**_EXPERTS, "head_dim": 32}, experts=True),
    Family("Phi-2", "phi", {"num_key_value_heads": 4, "partial_rotary_factor": 0.5}),
    Family(
        "Phi-3",
        "phi3",
        {"sliding_window": WINDOW, "original_max_position_embeddings": 256, "pad_token_id": 0},
    ),
    Family("Gemma", "gemma", {"head_dim": 256, "num_key_value_heads": 1}),
    Family(
        "Gemma 2",
        "gemma2",
        {
            "head_dim": 256,
            "sliding_window": WINDOW,
            "layer_types": _ALTERNATING,
            "query_pre_attn_scalar": 64,
            "attn_logit_softcapping": 5.0,
            "final_logit_softcapping": 3.0,
        },
    ),
    Family(
        "Gemma 3",
        "gemma3_text",
        {
            "head_dim": 256,
            "sliding_window": WINDOW,
            "layer_types": _ALTERNATING,
            "query_pre_attn_scalar": 64,
            "rope_parameters": {
                "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
                "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
            },
        },
    ),
    Family("SmolLM 2", "llama", {"num_attention_heads": 8, "rope_theta": 1e5}, native=True),
    Family("SmolLM 3", "smollm3", {"no_rope_layers": [1, 1, 1, 0]}),
    Family("GPT-2", "gpt2", _GPT2),
    Family("GPT-BigCode", "gpt_bigcode", _GPT2, named=False),
    Family("GPT-NeoX", "gpt_neox", {}, named=False),
    Family("OPT", "opt", {"ffn_dim": 96, "word_embed_proj_dim": 64}, named=False),
    Family(
        "gpt-oss",
        "gpt_oss",
        {
            "head_dim": 16,
            "sliding_window": WINDOW,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
        },
        named=False,
        experts=True,
    ),
    Family(
        "DeepSeek V3",
        "deepseek_v3",
        {
            "kv_lora_rank": 16,
            "q_lora_rank": None,
            "qk_rope_head_dim": 8,
            "qk_nope_head_dim": 8,
            "v_head_dim": 12,
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "n_group": 1,
            "topk_group": 1,
            "first_k_dense_replace": 1,
            "moe_intermediate_size": 32,
            "num_key_value_heads": 4,
        },
        named=False,
        experts=True,
    ),
    Family("OLMo 2", "olmo2", {}, named=False),
    Family("Cohere 2", "cohere2", {"sliding_window": WINDOW}, named=False),
    Family("Granite", "granite", {}, named=False),
    Family("StarCoder 2", "starcoder2", {"sliding_window": WINDOW}, named=False),
    Family("StableLM", "stablelm", {}, named=False),
    Family("GLM 4", "glm4", {"head_dim": 16, "pad_token_id": 0}, named=False),
    Family(
        "OLMoE", "olmoe", {"num_experts": 4, "num_experts_per_tok": 2}, named=False, experts=True
    ),
    Family("EXAONE 4", "exaone4", {"sliding_window": WINDOW}, named=False),
)
