"""LoRA adapters give PEFT's own tokens, merged by us and by PEFT."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from sglc_runtime.attention.make import make_attention
from sglc_runtime.config import EngineConfig
from sglc_runtime.errors import EngineError
from sglc_runtime.families.compare import make_prompts
from sglc_runtime.families.table import FAMILIES
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.load import load_model
from sglc_runtime.models.load_native import load_native
from sglc_runtime.models.lora import CONFIG, WEIGHTS, open_adapted
from sglc_runtime.start import start_engine
from tests.runtime.models.driving import greedy
from tests.runtime.tiny_checkpoints import write_checkpoint

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),  # PEFT's advice
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
PROMPTS = make_prompts((3, 20, 41))
NEW = 10
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ADAPTERS: dict[str, dict[str, Any]] = {
    "attention": {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"]},
    "all linear, rsLoRA": {"r": 8, "lora_alpha": 4, "use_rslora": True, "target_modules": ALL},
    "patterns": {
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ALL,
        "rank_pattern": {"down_proj": 2, r"layers\.1\.self_attn\.q_proj": 6},
        "alpha_pattern": {r"^model\.layers\.0\..*": 3, "v_proj": 16},
        "layers_to_transform": [0, 1, 3],
    },
    "embedding and output": {
        "r": 4,
        "lora_alpha": 6,
        "target_modules": ["embed_tokens", "lm_head", "up_proj"],
    },
}


def write_adapter(base: Path, folder: Path, **settings: Any) -> Path:
    """A random adapter of `base` saved by PEFT, strong enough to change what is said."""
    peft = pytest.importorskip("peft", reason="peft is not installed")
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    adapted = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **settings))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    adapted.save_pretrained(folder)
    return folder


def oracle(base: Path, adapter: Path | None) -> list[list[int]]:
    """PEFT's greedy tokens, the adapter not merged."""
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    if adapter is not None:
        model = pytest.importorskip("peft").PeftModel.from_pretrained(model, adapter)
    model.generation_config.eos_token_id = None
    found = []
    for prompt in PROMPTS:
        ids = torch.tensor([prompt])
        out = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=NEW,
            do_sample=False,
            pad_token_id=0,
        )
        found.append(out[0, len(prompt) :].tolist())
    return found


def tokens(model: Any) -> list[list[int]]:
    return greedy(model, make_attention("auto", model.spec, 160), PROMPTS, NEW)


@pytest.mark.parametrize("name", list(ADAPTERS))
def test_greedy_equals_peft(name: str, tmp_path: Path) -> None:
    base = write_checkpoint(tmp_path / "base", "llama")
    adapter = write_adapter(base, tmp_path / "adapter", **ADAPTERS[name])
    want = oracle(base, adapter)
    assert want != oracle(base, None)
    cpu = torch.device("cpu")
    for in_c in (True, False):
        assert tokens(load_native(base, device=cpu, dtype="auto", in_c=in_c, lora=adapter)) == want
    model, _ = load_model(base, implementation="transformers", lora=adapter)
    assert model.implementation == "transformers"
    assert tokens(model) == want


def test_merged_weights_are_stored_as_the_base_unless_float32_is_asked_for(tmp_path: Path) -> None:
    base = write_checkpoint(tmp_path / "base", "llama", dtype=torch.bfloat16)
    adapter = write_adapter(base, tmp_path / "adapter", **ADAPTERS["attention"])
    name = "model.layers.1.self_attn.q_proj.weight"
    with open_adapted(base, adapter, tied=False, exact=True) as files:
        exact = files.read(name)
    with open_adapted(base, adapter, tied=False, exact=False) as files:
        rounded = files.read(name)
    assert exact.dtype == torch.float32
    assert torch.equal(rounded, exact.bfloat16())
    want = oracle(base, adapter)
    cpu = torch.device("cpu")
    assert tokens(load_native(base, device=cpu, dtype="float32", lora=adapter)) == want
    model, _ = load_model(base, dtype="float32", implementation="transformers", lora=adapter)
    assert tokens(model) == want


def test_a_family_without_a_native_decoder(tmp_path: Path) -> None:
    from sglc_runtime.families.checkpoints import write_family

    (gpt2,) = (family for family in FAMILIES if family.name == "GPT-2")
    base = write_family(tmp_path / "base", gpt2)
    settings = {"r": 4, "target_modules": ["c_attn", "c_proj"], "fan_in_fan_out": True}
    adapter = write_adapter(base, tmp_path / "adapter", **settings)
    model, _ = load_model(base, lora=adapter)
    assert tokens(model) == oracle(base, adapter) != oracle(base, None)


def test_what_peft_adds_to_lora_goes_through_peft(tmp_path: Path) -> None:
    base = write_checkpoint(tmp_path / "base", "llama")
    adapter = write_adapter(
        base, tmp_path / "adapter", r=4, target_modules=["q_proj"], use_dora=True
    )
    with pytest.raises(LoadError, match="does not implement an adapter with use_dora=True"):
        load_model(base, implementation="native", lora=adapter)
    model, _ = load_model(base, lora=adapter)
    assert model.implementation == "transformers"
    assert tokens(model) == oracle(base, adapter)


def test_the_engine_takes_an_adapter(tmp_path: Path) -> None:
    base = write_checkpoint(tmp_path / "base", "llama")
    adapter = write_adapter(base, tmp_path / "adapter", **ADAPTERS["attention"])
    engine, info = start_engine(
        EngineConfig(model=str(base), lora_path=str(adapter), kv_slots=256, threads=1)
    )
    assert info.deterministic
    assert tokens(engine.model) == oracle(base, adapter)
    with pytest.raises(EngineError, match=r"nowhere has no adapter_config\.json") as caught:
        start_engine(EngineConfig(model=str(base), lora_path=str(tmp_path / "nowhere")))
    assert caught.value.kind == "model_not_found"


def test_an_adapter_of_a_tied_embedding_is_refused(tmp_path: Path) -> None:
    base = write_checkpoint(tmp_path / "base", "llama", tie_word_embeddings=True)
    adapter = write_adapter(base, tmp_path / "adapter", r=4, target_modules=["embed_tokens"])
    for implementation in ("native", "transformers"):
        with pytest.raises(LoadError, match="share their weights"):
            load_model(base, implementation=implementation, lora=adapter)


def edit_config(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config | changes))


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    weights = load_file(folder / WEIGHTS)
    change(weights)
    save_file(weights, folder / WEIGHTS)


Q = "base_model.model.model.layers.1.self_attn.q_proj.lora_"
BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "another kind": (lambda p: edit_config(p, peft_type="IA3"), "of type IA3, not LORA"),
    "modules_to_save": (
        lambda p: edit_config(p, modules_to_save=["lm_head"]),
        r"an adapter with modules_to_save=\['lm_head'\]",
    ),
    "bias": (lambda p: edit_config(p, bias="all"), "an adapter with bias='all'"),
    "other base weights": (
        lambda p: edit_config(p, init_lora_weights="pissa"),
        "an adapter with init_lora_weights='pissa'",
    ),
    "a setting from the future": (
        lambda p: edit_config(p, use_zora={"x": 1}),
        "an adapter with use_zora",
    ),
    "other parts": (
        lambda p: edit_weights(p, lambda w: w.update({f"{Q}magnitude_vector": torch.ones(3)})),
        "an adapter with .*lora_magnitude_vector",
    ),
    "half a pair": (
        lambda p: edit_weights(p, lambda w: w.pop(f"{Q}B.weight")),
        r"half a pair of model\.layers\.1\.self_attn\.q_proj",
    ),
    "rank": (lambda p: edit_config(p, r=5), "has ranks 4 and 4, not adapter_config"),
    "shape": (
        lambda p: edit_weights(p, lambda w: w.update({f"{Q}B.weight": torch.ones(60, 4)})),
        r"changes model\.layers\.1\.self_attn\.q_proj\.weight of shape \(60, 64\)",
    ),
    "unknown module": (
        lambda p: edit_weights(
            p,
            lambda w: w.update(
                {f"{Q}{x}.weight".replace("layers.1", "layers.9"): torch.ones(4, 4) for x in "AB"}
            ),
        ),
        r"changes model\.layers\.9\.self_attn\.q_proj\.weight, which .*base lacks",
    ),
    "no weights": (lambda p: (p / WEIGHTS).unlink(), r"has no adapter_model\.safetensors"),
    "pickle": (
        lambda p: (p / WEIGHTS).rename(p / "adapter_model.bin"),
        r"adapter_model\.bin is a pickle",
    ),
    "truncated": (
        lambda p: (p / WEIGHTS).write_bytes((p / WEIGHTS).read_bytes()[:-100]),
        r"adapter_model\.safetensors is truncated",
    ),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A base model and an adapter that can be loaded."""
    folder = tmp_path_factory.mktemp("lora")
    base = write_checkpoint(folder / "base", "llama")
    adapter = write_adapter(base, folder / "adapter", r=4, target_modules=["q_proj"])
    load_model(base, implementation="native", lora=adapter)
    return base, adapter


@pytest.mark.parametrize("name", list(BROKEN))
def test_broken_and_unusual_adapters_are_named(
    name: str, plain: tuple[Path, Path], tmp_path: Path
) -> None:
    spoil, message = BROKEN[name]
    base, adapter = plain
    spoiled = shutil.copytree(adapter, tmp_path / "adapter")
    spoil(spoiled)
    with pytest.raises(LoadError, match=message):
        load_model(base, implementation="native", lora=spoiled)
