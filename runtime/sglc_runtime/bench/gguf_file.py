"""A Qwen3 checkpoint as GGUF, which llama.cpp reads, and quantised by llama.cpp itself."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import safe_open

from sglc_runtime.bench.figures import MissingPeerError

Kind = Literal["bf16", "q8_0", "q4_0"]
HOW = "pip install llama-cpp-python==0.3.36 gguf"
FILE_TYPES = {"q8_0": 7, "q4_0": 2}
"""llama.cpp's numbers (`LLAMA_FTYPE_MOSTLY_*`)."""
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def gguf_file(folder: Path, kind: Kind) -> Path:
    """The file beside the checkpoint, made at first use. Raises MissingPeerError."""
    target = folder / f"{kind}.gguf"
    if target.exists():
        return target
    part = folder / f"{kind}.gguf.{os.getpid()}"
    try:
        if kind == "bf16":
            write(folder, part)
        else:
            quantize(gguf_file(folder, "bf16"), part, kind)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def write(folder: Path, target: Path) -> None:
    """The weights bit by bit, without a vocabulary. Raises MissingPeerError."""
    try:
        import gguf
    except ImportError:
        raise MissingPeerError(f"the package gguf is not installed: {HOW}") from None
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config["model_type"] != "qwen3":
        raise ValueError(f"only Qwen3 is written as GGUF, not {config['model_type']}")
    writer = gguf.GGUFWriter(target, "qwen3")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("no_vocab")
    with safe_open(folder / "model.safetensors", "pt") as file:
        for name in file.keys():  # noqa: SIM118  (no mapping)
            _add(writer, gguf, tensor_name(name), file.get_tensor(name))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensor_name(name: str) -> str:
    """GGUF's name of a Hugging Face weight."""
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    _, _, layer, *rest, _ = name.split(".")
    return f"blk.{layer}.{NAMES['.'.join(rest)]}.weight"


def _add(writer: Any, gguf: Any, name: str, weight: torch.Tensor) -> None:
    if weight.ndim == 1:
        writer.add_tensor(name, weight.float().numpy())
    else:
        raw = weight.contiguous().view(torch.uint8).numpy()
        writer.add_tensor(name, raw, raw_dtype=gguf.GGMLQuantizationType.BF16)


def quantize(source: Path, target: Path, kind: Kind) -> None:
    """What `llama-quantize` does by default. Raises MissingPeerError."""
    try:
        import llama_cpp
    except ImportError:
        raise MissingPeerError(f"llama-cpp-python is not installed: {HOW}") from None
    logging.getLogger("llama-cpp-python").setLevel(logging.ERROR)  # else a line for every tensor
    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype = FILE_TYPES[kind]
    code = llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), options)
    if code != 0:
        raise RuntimeError(f"llama.cpp cannot quantise {source} to {kind} (code {code})")
