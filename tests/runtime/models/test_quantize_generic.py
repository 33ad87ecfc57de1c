"""Integer weights on the path through transformers, by torchao."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sglc_runtime.attention.make import make_attention
from sglc_runtime.families.checkpoints import write_family
from sglc_runtime.families.compare import make_prompts
from sglc_runtime.families.table import FAMILIES
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.generic import load_generic
from sglc_runtime.models.load import load_model
from tests.runtime.models.driving import greedy
from tests.runtime.tiny_checkpoints import write_checkpoint

torchao = pytest.importorskip("torchao", reason="torchao is not installed")
CPU = torch.device("cpu")
BY_NAME = {family.name: family for family in FAMILIES}


@pytest.mark.parametrize("name", ["Phi-3", "Gemma 2", "Llama 3"])
def test_int8_is_what_torchao_gives_transformers(name: str, tmp_path: Path) -> None:
    from torchao.quantization import Int8WeightOnlyConfig, quantize_
    from transformers import AutoModelForCausalLM

    write_family(tmp_path, BY_NAME[name])
    oracle: Any = AutoModelForCausalLM.from_pretrained(tmp_path, attn_implementation="eager")
    oracle.requires_grad_(False)
    plain = oracle(torch.arange(20)[None]).logits
    quantize_(oracle, Int8WeightOnlyConfig())
    rounded = oracle(torch.arange(20)[None]).logits
    assert 0 < float((rounded - plain).abs().max()) < 0.25 * float(plain.abs().max())
    oracle.generation_config.eos_token_id = None
    prompts = make_prompts((3, 20, 41))
    want = [
        oracle.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.int64),
            max_new_tokens=10,
            do_sample=False,
            pad_token_id=0,
        )[0, len(prompt) :].tolist()
        for prompt in prompts
    ]
    model, _ = load_model(tmp_path, implementation="transformers", quantization="int8")
    assert model.implementation == "transformers"
    assert greedy(model, make_attention("auto", model.spec, 128), prompts, 10) == want
    weight = model.model.get_output_embeddings().weight  # type: ignore[attr-defined]
    assert type(weight).__name__ == "Int8Tensor"


def test_int4_says_why_it_cannot(tmp_path: Path) -> None:
    write_family(tmp_path, BY_NAME["Phi-3"])
    with pytest.raises(LoadError, match=r"torchao .* Phi3ForCausalLM int4 .*use int8") as caught:
        load_model(tmp_path, quantization="int4")
    assert caught.value.kind == "unsupported_model"


@pytest.mark.parametrize("name", ["GPT-2", "Mixtral"])
def test_models_without_linear_layers_are_refused(name: str, tmp_path: Path) -> None:
    write_family(tmp_path, BY_NAME[name])
    with pytest.raises(LoadError, match=r"linear layers, which hold \d+% of its weights"):
        load_generic(tmp_path, device=CPU, dtype="auto", quantization="int8")


def test_native_models_keep_their_own_kernels(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "llama")
    model, _ = load_model(tmp_path, quantization="int8")
    assert model.implementation == "native"
