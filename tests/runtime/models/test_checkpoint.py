"""Forms of checkpoints: what each means is what transformers makes of it, or an error names it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from sglc_runtime.attention.make import make_attention
from sglc_runtime.config import EngineConfig
from sglc_runtime.errors import EngineError
from sglc_runtime.models.checkpoint import Checkpoint
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.finite import describe_nonfinite
from sglc_runtime.models.generic import load_generic
from sglc_runtime.models.load import load_model
from sglc_runtime.models.load_native import load_native
from sglc_runtime.start import start_engine
from tests.runtime.models.driving import greedy
from tests.runtime.tiny_checkpoints import write_checkpoint

Weights = dict[str, torch.Tensor]
BOTH = pytest.mark.parametrize("implementation", ["native", "transformers"])
PROMPT = [5, 6, 7, 100, 200, 9]
NORM = "model.layers.2.input_layernorm.weight"


def edit(folder: Path, change: Callable[[Weights], object]) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})


def tokens(folder: Path, implementation: str, dtype: str = "auto") -> list[int]:
    model, _ = load_model(folder, implementation=implementation, dtype=dtype)
    return greedy(model, make_attention("auto", model.spec, 64), [PROMPT], 16)[0]


def oracle(folder: Path) -> list[int]:
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.generation_config.eos_token_id = None
    ids = torch.tensor([PROMPT])
    out = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=16,
        do_sample=False,
        pad_token_id=3,
    )
    found: list[int] = out[0, len(PROMPT) :].tolist()
    return found


@BOTH
@pytest.mark.parametrize("stored", ["nothing", "the embedding", "another head"])
def test_tied_weights(stored: str, implementation: str, tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "llama", tie_word_embeddings=True)
    untied = write_checkpoint(tmp_path / "untied", "llama")
    head = load_file(untied / "model.safetensors")["lm_head.weight"]
    if stored == "the embedding":
        edit(
            tmp_path, lambda w: w.update({"lm_head.weight": w["model.embed_tokens.weight"].clone()})
        )
    elif stored == "another head":
        edit(tmp_path, lambda w: w.update({"lm_head.weight": head}))
    assert tokens(tmp_path, implementation) == oracle(tmp_path)


@BOTH
def test_a_head_that_is_not_tied_has_to_be_there(implementation: str, tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "llama")
    edit(tmp_path, lambda w: w.pop("lm_head.weight"))
    with pytest.raises(LoadError, match=r"lacks tensor lm_head\.weight"):
        load_model(tmp_path, implementation=implementation)


@BOTH
@pytest.mark.parametrize("stored", [torch.float32, torch.bfloat16, torch.float16])
def test_auto_is_what_most_weights_are_stored_in(
    stored: torch.dtype, implementation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever config.json says, and norms in float32 beside; float16 computes in float32."""
    monkeypatch.setattr("sglc_runtime.models.dtypes.fast_bf16", lambda: True)
    write_checkpoint(tmp_path, "llama", dtype=stored, num_hidden_layers=1)
    edit(tmp_path, lambda w: w.update({n: t.float() for n, t in w.items() if "norm" in n}))
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"torch_dtype": "float64"}))
    with Checkpoint(tmp_path) as files:
        assert files.main_dtype() == stored
    # The C decoder computes in float32 in any case.
    load = load_generic if implementation == "transformers" else partial(load_native, in_c=False)
    model = load(tmp_path, device=torch.device("cpu"), dtype="auto")
    assert model.spec.dtype == (torch.float32 if stored == torch.float16 else stored)


@BOTH
def test_shards(implementation: str, tmp_path: Path) -> None:
    one = write_checkpoint(tmp_path / "one", "llama")
    many = write_checkpoint(tmp_path / "many", "llama", shards=3)
    assert tokens(one, implementation) == tokens(many, implementation)
    (many / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(LoadError, match=r"model-00002-of-00003\.safetensors is missing") as caught:
        load_model(many, implementation=implementation)
    assert caught.value.kind == "bad_checkpoint"


INDEX = "model.safetensors.index.json"
BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "shard without a tensor": (
        lambda p: edit_index(p, {NORM: "model-00001-of-00003.safetensors"}),
        r"model-00001-of-00003\.safetensors .*input_layernorm",
    ),
    "file outside the folder": (
        lambda p: edit_index(p, {NORM: "../other.safetensors"}),
        r"'\.\./other\.safetensors' is no file name",
    ),
    "index without a map": (lambda p: (p / INDEX).write_text("{}"), "has no weight_map"),
    "truncated shard": (
        lambda p: shorten(p / "model-00003-of-00003.safetensors"),
        r"model-00003-of-00003\.safetensors is truncated",
    ),
}


def edit_index(folder: Path, change: dict[str, str]) -> None:
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"] |= change
    (folder / INDEX).write_text(json.dumps(index))


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


@BOTH
@pytest.mark.parametrize("name", list(BROKEN))
def test_broken_shards(name: str, implementation: str, tmp_path: Path) -> None:
    spoil, message = BROKEN[name]
    write_checkpoint(tmp_path, "llama", shards=3)
    spoil(tmp_path)
    with pytest.raises(LoadError, match=message) as caught:
        load_model(tmp_path, implementation=implementation)
    assert caught.value.kind == "bad_checkpoint"


@BOTH
def test_wrong_shapes_name_the_tensor(implementation: str, tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "llama")
    edit(tmp_path, lambda w: w.update({NORM: torch.ones(65)}))
    with pytest.raises(LoadError, match=r"layers\.2\.input_layernorm\.weight has shape \(65,\)"):
        load_model(tmp_path, implementation=implementation)


@BOTH
@pytest.mark.parametrize(
    ("file", "advice"),
    [("pytorch_model.bin", "pickle.*save_pretrained"), ("model.gguf", "safetensors")],
)
def test_other_formats_are_refused(
    file: str, advice: str, implementation: str, tmp_path: Path
) -> None:
    write_checkpoint(tmp_path, "llama")
    torch.save(load_file(tmp_path / "model.safetensors"), tmp_path / file)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(LoadError, match=f"{file}.*{advice}") as caught:
        load_model(tmp_path, implementation=implementation)
    assert caught.value.kind == "bad_checkpoint"


@BOTH
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_broken_weights_are_named(value: float, implementation: str, tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "llama")
    assert describe_nonfinite(tmp_path) is None
    edit(tmp_path, lambda w: w[NORM].fill_(value))
    config = EngineConfig(model=str(tmp_path), implementation=implementation, kv_slots=64)  # type: ignore[arg-type]
    with pytest.raises(EngineError, match=r"model\.safetensors: model\.layers\.2\.input_lay") as e:
        start_engine(config)
    assert e.value.kind == "bad_checkpoint"


def test_eos_ids_of_both_files_count(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "llama")
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [7, 2, 9]}')
    for implementation in ("native", "transformers"):
        model, _ = load_model(tmp_path, implementation=implementation)
        assert model.spec.eos_ids == (0, 2, 7, 9)
