"""Random checkpoints in the shapes of real models, made once and kept in the cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from string import ascii_letters
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from sglc_runtime.kernels.build import cache_folder

END = "<|endoftext|>"
PUNCTUATION = ('{"', '":', '",', '"}', "}}", "]}", "],", "},", ": ", ", ", "\n\n", "()", "//", "--")
"""Tokens that vocabularies have beside words, and grammars meet first."""
VERSION = 1
"""Of what is written; part of the folder's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of a decoder of the Llama or Qwen3 family; weights are bfloat16."""

    name: str
    family: str
    vocabulary: int
    hidden: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    context: int
    rope_theta: float
    tied: bool = True
    """The output's weights are the embedding's."""

    @property
    def weights(self) -> int:
        """Matrix weights that a token reads: the output's included, no embedding beside it."""
        attention = self.hidden * self.head_dim * (2 * self.heads + 2 * self.kv_heads)
        layer = attention + 3 * self.hidden * self.inner
        return self.layers * layer + self.vocabulary * self.hidden


QWEN3_06B = Shape(
    name="Qwen3-0.6B",
    family="qwen3",
    vocabulary=151936,
    hidden=1024,
    inner=3072,
    layers=28,
    heads=16,
    kv_heads=8,
    head_dim=128,
    context=4096,
    rope_theta=1e6,
)
LLAMA_31_8B = Shape(
    name="Llama-3.1-8B",
    family="llama",
    vocabulary=128256,
    hidden=4096,
    inner=14336,
    layers=32,
    heads=32,
    kv_heads=8,
    head_dim=128,
    context=131072,
    rope_theta=5e5,
    tied=False,
)
SMOLLM2_135M = Shape(
    name="SmolLM2-135M",
    family="llama",
    vocabulary=49152,
    hidden=576,
    inner=1536,
    layers=30,
    heads=9,
    kv_heads=3,
    head_dim=64,
    context=2048,
    rope_theta=1e4,
)


def checkpoint(shape: Shape) -> Path:
    """The folder of a shape's random checkpoint, written if it is not there yet."""
    return _made_once(shape, shape.name, write_checkpoint)


def description(shape: Shape) -> Path:
    """The folder of a shape's config and tokenizer, without weights: for `load_format="dummy"`."""
    return _made_once(shape, f"{shape.name}-dummy", write_description)


def _made_once(shape: Shape, name: str, write: Callable[[Path, Shape], None]) -> Path:
    fields = asdict(shape)
    if shape.tied:  # as it was before there were others
        del fields["tied"]
    digest = hashlib.sha256(json.dumps([VERSION, fields]).encode()).hexdigest()[:12]
    target = cache_folder() / "bench" / f"{name}-{digest}"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix="build-", dir=target.parent))
    try:
        write(building, shape)
        os.replace(building, target)
    except OSError:
        if not target.exists():  # else another process was faster
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target


def write_checkpoint(folder: Path, shape: Shape) -> None:
    """Write config, tokenizer and weights: standard deviation 0.02, from a fixed seed."""
    write_description(folder, shape)
    generator = torch.Generator().manual_seed(0)
    weights = {
        name: (
            torch.ones(size)
            if len(size) == 1
            else torch.empty(size).normal_(0, 0.02, generator=generator)
        ).to(torch.bfloat16)
        for name, size in sizes(shape)
    }
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})


def write_description(folder: Path, shape: Shape) -> None:
    """Write config and tokenizer."""
    (folder / "config.json").write_text(json.dumps(config_of(shape), indent=1), encoding="utf-8")
    (folder / "tokenizer.json").write_text(tokenizer_of(shape.vocabulary), encoding="utf-8")
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


def config_of(shape: Shape) -> dict[str, Any]:
    """The shape's config.json."""
    architectures = {"qwen3": "Qwen3ForCausalLM", "llama": "LlamaForCausalLM"}
    return {
        "architectures": [architectures[shape.family]],
        "model_type": shape.family,
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "max_position_embeddings": shape.context,
        "rope_theta": shape.rope_theta,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "attention_bias": False,
        "tie_word_embeddings": shape.tied,
        "bos_token_id": None,
        "eos_token_id": 256,
        "torch_dtype": "bfloat16",
    }


def sizes(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and sizes of all weights."""
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    yield "model.embed_tokens.weight", (shape.vocabulary, shape.hidden)
    for layer in range(shape.layers):
        at = f"model.layers.{layer}."
        yield f"{at}input_layernorm.weight", (shape.hidden,)
        yield f"{at}self_attn.q_proj.weight", (queries, shape.hidden)
        yield f"{at}self_attn.k_proj.weight", (keys, shape.hidden)
        yield f"{at}self_attn.v_proj.weight", (keys, shape.hidden)
        yield f"{at}self_attn.o_proj.weight", (shape.hidden, queries)
        if shape.family == "qwen3":
            yield f"{at}self_attn.q_norm.weight", (shape.head_dim,)
            yield f"{at}self_attn.k_norm.weight", (shape.head_dim,)
        yield f"{at}post_attention_layernorm.weight", (shape.hidden,)
        yield f"{at}mlp.gate_proj.weight", (shape.inner, shape.hidden)
        yield f"{at}mlp.up_proj.weight", (shape.inner, shape.hidden)
        yield f"{at}mlp.down_proj.weight", (shape.hidden, shape.inner)
    yield "model.norm.weight", (shape.hidden,)
    if not shape.tied:
        yield "lm_head.weight", (shape.vocabulary, shape.hidden)


def tokenizer_of(size: int) -> str:
    """
    A byte-level tokenizer.json of `size` ids: bytes, punctuation and made-up words.

    Words are all letter pairs and a seeded choice of longer ones, with and without a space in
    front, so that a grammar finds as many candidates as in a real vocabulary. Digits stand alone.
    """
    spelled = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {piece: number for number, piece in enumerate([*alphabet, END])}
    merges: list[tuple[str, str]] = []

    def add(left: str, right: str) -> None:
        if left + right not in vocabulary and len(vocabulary) < size:
            vocabulary[left + right] = len(vocabulary)
            merges.append((left, right))

    for text in PUNCTUATION:
        left, right = (spelled.pre_tokenize_str(part)[0][0] for part in text)
        add(left, right)
    space = spelled.pre_tokenize_str(" ")[0][0]
    words = [*product((*ascii_letters, space), ascii_letters)]
    for left, right in words:
        add(left, right)
    numbers = random.Random(0)
    while len(vocabulary) < size:
        longer = [(left + right, letter) for (left, right) in words for letter in ascii_letters]
        numbers.shuffle(longer)
        known = len(merges)
        for left, right in longer:
            add(left, right)
        words = merges[known:][:4000]  # enough for the next round, and few enough to shuffle
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), spelled]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([END])
    return str(tokenizer.to_str())
