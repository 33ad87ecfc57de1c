"""
Write a checkpoint of `train.py` as a Hugging Face folder in bfloat16.

python export.py --state build/run/state.pt --tokenizer build/tokenizer.json --out FOLDER
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizer import SPECIALS
from torch import Tensor

TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
NAMES = {
    "input_norm": "input_layernorm",
    "post_norm": "post_attention_layernorm",
    "q": "self_attn.q_proj",
    "k": "self_attn.k_proj",
    "v": "self_attn.v_proj",
    "o": "self_attn.o_proj",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}
END_OF_TEXT, IM_END, PAD = 0, 2, 3


def weights(model: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the trainer's parameters to those of `LlamaForCausalLM`, rounded to bfloat16."""
    renamed = {"model.embed_tokens.weight": model["embed"], "model.norm.weight": model["norm"]}
    for name, tensor in model.items():
        if name.startswith("layers."):
            _, number, part = name.split(".")
            renamed[f"model.layers.{number}.{NAMES[part]}.weight"] = tensor
    return {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in renamed.items()}


def config(shape: dict[str, int | float]) -> dict[str, object]:
    """Return `config.json`; the rope base stands in both the new and the old place."""
    theta = shape["rope_theta"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **shape,
        "rope_parameters": {"rope_type": "default", "rope_theta": theta},
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": END_OF_TEXT,
        "pad_token_id": PAD,
        "use_cache": True,
        "torch_dtype": "bfloat16",
    }


def tokenizer_config(positions: int) -> dict[str, object]:
    """Return `tokenizer_config.json` with the ChatML template inside."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": None,
        "eos_token": SPECIALS[END_OF_TEXT],
        "pad_token": SPECIALS[PAD],
        "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
        "model_max_length": positions,
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "attention_mask"],
        "chat_template": TEMPLATE,
    }


def write(folder: Path, name: str, content: dict[str, object]) -> None:
    """Write one JSON file."""
    (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def export(state: Path, tokenizer: Path | None, out: Path) -> None:
    """Write the whole folder, or one without tokenizer for a draft model."""
    checkpoint = torch.load(state, weights_only=True)
    shape = checkpoint["shape"]
    out.mkdir(parents=True, exist_ok=True)
    file = out / "model.safetensors"
    save_file(weights(checkpoint["model"]), file, metadata={"format": "pt"})
    file.chmod(0o644)
    write(out, "config.json", config(shape))
    write(
        out,
        "generation_config.json",
        {
            "do_sample": False,
            "eos_token_id": [END_OF_TEXT, IM_END],
            "pad_token_id": PAD,
        },
    )
    if tokenizer is None:
        return
    write(out, "tokenizer_config.json", tokenizer_config(shape["max_position_embeddings"]))
    (out / "tokenizer.json").write_text(tokenizer.read_text(encoding="utf-8"), encoding="utf-8")


def main() -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, help="none for a draft model")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    export(arguments.state, arguments.tokenizer, arguments.out)


if __name__ == "__main__":
    main()
