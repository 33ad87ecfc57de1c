"""
Random tiny Hugging Face folders for tests: a trained BPE tokenizer and random weights.

`write_checkpoint(folder, "llama")` gives a folder that loads like any downloaded one. Weights are
drawn with a large standard deviation so that logits differ clearly from token to token; greedy
continuations of the usual 0.02 are near ties and test nothing.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

Family = Literal["llama", "mistral", "qwen2", "qwen3"]
TokenizerKind = Literal["bytes", "metaspace"]

ENDOFTEXT, IM_START, IM_END, PAD = "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"
SPECIALS = (ENDOFTEXT, IM_START, IM_END, PAD)

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content']"
    " + '<|im_end|>' + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

ARCHITECTURES: dict[Family, str] = {
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
}

TEXT = (
    "The quick brown fox jumps over the lazy dog. It is a sunny day, and it's 23 degrees outside.",
    "What is the capital of France? The capital of France is Paris.\nQ: 7 * 8 = ?\nA: 56\n\n",
    "def add(left, right):\n    return left + right\n\n\tprint(add(1, 2))  # 3\n",
    '{"name": "Ada", "age": 36, "tags": ["a", "b"], "ok": true}',
    "Système de numération: 10 €, naïve café, 日本語のテキスト, смысл, 😀 family 👨‍👩‍👧.",
    "List two tips for staying healthy: 1. Eat well. 2. Sleep well. In summary, stay healthy.",
)


@cache
def _bytes_tokenizer(vocab_size: int) -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT * 2, trainer)
    return str(tokenizer.to_str())


@cache
def _metaspace_tokenizer(vocab_size: int) -> str:
    """Like Llama 2: a dummy prefix space, byte fallback, BOS added by the post-processor."""
    byte_tokens = [f"<0x{value:02X}>" for value in range(256)]
    trained = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    trained.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=max(vocab_size, 340),
        special_tokens=["<unk>", "<s>", "</s>", *SPECIALS[1:3], *byte_tokens],
        limit_alphabet=60,
        show_progress=False,
    )
    trained.train_from_iterator([line for text in TEXT for line in text.split(" ")] * 2, trainer)
    layout = json.loads(trained.to_str())
    # The trainer marks every listed token special; byte tokens are ordinary ones.
    layout["added_tokens"] = [
        token for token in layout["added_tokens"] if token["content"] not in byte_tokens
    ]
    tokenizer = Tokenizer.from_str(json.dumps(layout))
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )
    return str(tokenizer.to_str())


def write_tokenizer(
    folder: Path,
    kind: TokenizerKind = "bytes",
    *,
    vocab_size: int = 384,
    chat_template: str | None = CHATML,
    **config: Any,
) -> Tokenizer:
    """Write tokenizer.json and tokenizer_config.json; `config` adds or replaces keys."""
    folder.mkdir(parents=True, exist_ok=True)
    make = _bytes_tokenizer if kind == "bytes" else _metaspace_tokenizer
    layout = make(vocab_size)
    (folder / "tokenizer.json").write_text(layout, encoding="utf-8")
    settings: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": 512,
        "clean_up_tokenization_spaces": False,
    }
    if kind == "bytes":
        settings |= {"eos_token": ENDOFTEXT, "pad_token": PAD}
    else:
        settings |= {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    if chat_template is not None:
        settings["chat_template"] = chat_template
    settings |= config
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")
    return Tokenizer.from_str(layout)


def config_of(family: Family, **overrides: Any) -> dict[str, Any]:
    """A config.json of a four-layer model: hidden 64, 4 heads, 2 KV heads, context 512."""
    config: dict[str, Any] = {
        "architectures": [ARCHITECTURES[family]],
        "model_type": family,
        "vocab_size": 384,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "eos_token_id": [0, 2],
        "pad_token_id": 3,
        "initializer_range": 0.3,
        "torch_dtype": "float32",
    }
    if family == "mistral":
        config["sliding_window"] = 16
    if family == "qwen2":
        config["use_sliding_window"] = False
    if family == "qwen3":
        config["head_dim"] = 32
        config["attention_bias"] = False
    return config | overrides


def random_weights(config: dict[str, Any], seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights of `config` under their Hugging Face names, float32, standard deviation 0.3."""
    generator = torch.Generator().manual_seed(seed)
    std = float(config["initializer_range"])

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * std

    def scale(size: int) -> torch.Tensor:
        return 1 + 0.2 * torch.randn(size, generator=generator)

    hidden, inner = config["hidden_size"], config["intermediate_size"]
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    head_dim = config.get("head_dim") or hidden // heads
    family = config["model_type"]
    qkv_bias = family == "qwen2" or config.get("attention_bias", False)
    weights = {"model.embed_tokens.weight": normal(config["vocab_size"], hidden)}
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        for name, rows in (("q", heads), ("k", kv_heads), ("v", kv_heads)):
            weights[f"{at}self_attn.{name}_proj.weight"] = normal(rows * head_dim, hidden)
            if qkv_bias:
                weights[f"{at}self_attn.{name}_proj.bias"] = normal(rows * head_dim)
        weights[f"{at}self_attn.o_proj.weight"] = normal(hidden, heads * head_dim)
        if config.get("attention_bias", False):
            weights[f"{at}self_attn.o_proj.bias"] = normal(hidden)
        if family == "qwen3":
            weights[f"{at}self_attn.q_norm.weight"] = scale(head_dim)
            weights[f"{at}self_attn.k_norm.weight"] = scale(head_dim)
        for name, shape in (
            ("gate", (inner, hidden)),
            ("up", (inner, hidden)),
            ("down", (hidden, inner)),
        ):
            weights[f"{at}mlp.{name}_proj.weight"] = normal(*shape)
            if config.get("mlp_bias", False):
                weights[f"{at}mlp.{name}_proj.bias"] = normal(shape[0])
        weights[f"{at}input_layernorm.weight"] = scale(hidden)
        weights[f"{at}post_attention_layernorm.weight"] = scale(hidden)
    weights["model.norm.weight"] = scale(hidden)
    if not config["tie_word_embeddings"]:
        weights["lm_head.weight"] = normal(config["vocab_size"], hidden)
    return weights


def write_weights(folder: Path, weights: dict[str, torch.Tensor], *, shards: int = 1) -> None:
    """Write one model.safetensors, or `shards` files and their index."""
    contiguous = {name: tensor.contiguous() for name, tensor in weights.items()}
    if shards == 1:
        save_file(contiguous, str(folder / "model.safetensors"), metadata={"format": "pt"})
        return
    where: dict[str, str] = {}
    names = sorted(contiguous)
    for shard in range(shards):
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        part = {name: contiguous[name] for name in names[shard::shards]}
        save_file(part, str(folder / file), metadata={"format": "pt"})
        where |= dict.fromkeys(part, file)
    index = {"metadata": {}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def write_checkpoint(
    folder: Path,
    family: Family = "llama",
    *,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    shards: int = 1,
    tokenizer: TokenizerKind = "bytes",
    **overrides: Any,
) -> Path:
    """Write a whole folder: config.json, weights, tokenizer. Returns the folder."""
    made = write_tokenizer(folder, tokenizer, vocab_size=overrides.get("vocab_size", 384))
    overrides.setdefault("vocab_size", -(-made.get_vocab_size() // 32) * 32)
    if tokenizer == "metaspace":
        specials = {
            "bos_token_id": made.token_to_id("<s>"),
            "eos_token_id": made.token_to_id("</s>"),
            "pad_token_id": made.token_to_id("</s>"),
        }
        overrides = specials | overrides
    config = config_of(family, **overrides)
    config["torch_dtype"] = str(dtype).removeprefix("torch.")
    (folder / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    weights = random_weights(config, seed)
    write_weights(folder, {k: v.to(dtype) for k, v in weights.items()}, shards=shards)
    return folder
