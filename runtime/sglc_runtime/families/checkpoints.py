"""Random checkpoints of a family, written by transformers itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from sglc_runtime.families.table import Family

SPREAD = {torch.float32: 0.3, torch.bfloat16: 0.1}
"""
Standard deviation of weights: the usual 0.02 gives near ties, and greedy text says nothing.

At 0.3 four layers amplify a difference in the last bit, and logits reach 12, where neighbouring
bfloat16 numbers are 0.06 apart: margins in bfloat16 would say nothing about an implementation.
"""


def write_tokenizer(folder: Path) -> None:
    """Byte-level tokenizer without merges or BOS: ids 0 to 255 are bytes, 256 ends a text."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(
        models.BPE(vocab={piece: number for number, piece in enumerate(alphabet)}, merges=[])
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|end|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


@torch.no_grad()
def randomise(model: torch.nn.Module, seed: int, spread: float) -> None:
    """Draw every weight; vectors (norms, biases) move around what they are at first."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        noise = torch.randn(parameter.shape, generator=generator).to(parameter.dtype)
        if parameter.dim() < 2:
            parameter.add_(noise * 0.2)
        else:
            parameter.copy_(noise * spread)


def write_family(
    folder: Path, family: Family, *, dtype: torch.dtype = torch.float32, seed: int = 0
) -> Path:
    """Write config.json, random weights and a tokenizer of `family`; returns the folder."""
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    torch.manual_seed(seed)  # transformers draws buffers and router weights of its own
    config: Any = CONFIG_MAPPING[family.model_type](
        **family.config(str(dtype).removeprefix("torch."))
    )
    config.eos_token_id = 256
    config.bos_token_id = None
    config.pad_token_id = 0
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float()
    randomise(model, seed, SPREAD[dtype])
    model.to(dtype).save_pretrained(folder)
    write_tokenizer(folder)
    return folder
