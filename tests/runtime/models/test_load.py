"""Loading folders: choice of implementation, and errors that say what is wrong."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sglc_runtime.attention.make import AttentionUnavailable, make_attention
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.load import load_model
from tests.runtime.models.driving import greedy
from tests.runtime.tiny_checkpoints import Family, write_checkpoint, write_tokenizer


@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "qwen3"])
def test_native_and_transformers_agree(family: Family, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, family, shards=2)
    made = []
    for implementation in ("native", "transformers"):
        model, tokenizer = load_model(folder, implementation=implementation)
        assert model.implementation == implementation
        prompt = tokenizer.encode_run("The quick brown fox", True)
        made.append(greedy(model, make_attention("c", model.spec, 128), [prompt], 24))
    native, _ = load_model(folder)
    generic, _ = load_model(folder, implementation="transformers")
    assert made[0] == made[1]
    assert native.spec == generic.spec
    assert native.implementation == "native"
    assert native.spec.eos_ids == (0, 2)


def test_other_families_go_through_transformers(tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=64, vocab_size=384)
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    write_tokenizer(tmp_path)
    model, _ = load_model(tmp_path)
    assert model.implementation == "transformers"
    assert model.spec.architecture == "GPT2LMHeadModel"
    assert model.spec.context_length == 64
    with pytest.raises(LoadError, match="native decoder does not implement model type 'gpt2'"):
        load_model(tmp_path, implementation="native")


def edit_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def edit_tokenizer(folder: Path, **changes: object) -> None:
    layout = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(layout | changes))


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def truncate(path: Path, keep: float) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])


def shrink_vocabulary(folder: Path, size: int) -> None:
    names = ("lm_head.weight", "model.embed_tokens.weight")
    edit_config(folder, vocab_size=size)
    edit_weights(folder, lambda w: w.update({name: w[name][:size] for name in names}))


NORM = "model.layers.2.input_layernorm.weight"
BREAKS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "no config": (lambda p: (p / "config.json").unlink(), "model_not_found", "no config.json"),
    "bad config": (
        lambda p: (p / "config.json").write_text("{"),
        "bad_checkpoint",
        r"config\.json is not valid JSON",
    ),
    "config is a list": (
        lambda p: (p / "config.json").write_text("[]"),
        "bad_checkpoint",
        "JSON object",
    ),
    "no weights": (
        lambda p: (p / "model.safetensors").unlink(),
        "bad_checkpoint",
        r"no model\.safetensors",
    ),
    "truncated header": (
        lambda p: truncate(p / "model.safetensors", 0.001),
        "bad_checkpoint",
        r"model\.safetensors is truncated",
    ),
    "truncated data": (
        lambda p: truncate(p / "model.safetensors", 0.7),
        "bad_checkpoint",
        r"model\.safetensors is truncated",
    ),
    "garbage": (
        lambda p: (p / "model.safetensors").write_bytes(struct.pack("<Q", 8) + b"nonsense"),
        "bad_checkpoint",
        "truncated or no safetensors",
    ),
    "missing tensor": (
        lambda p: edit_weights(p, lambda w: w.pop(NORM)),
        "bad_checkpoint",
        NORM.replace(".", r"\."),
    ),
    "wrong shape": (
        lambda p: edit_weights(p, lambda w: w.update({NORM: torch.ones(65)})),
        "bad_checkpoint",
        r"input_layernorm\.weight has shape \(65,\), config\.json asks for \(64,\)",
    ),
    "no field": (
        lambda p: edit_config(p, hidden_size=None),
        "bad_checkpoint",
        "hidden_size is missing",
    ),
    "field of another type": (
        lambda p: edit_config(p, num_hidden_layers="four"),
        "bad_checkpoint",
        "num_hidden_layers is 'four'",
    ),
    "negative field": (
        lambda p: edit_config(p, vocab_size=-1),
        "bad_checkpoint",
        "has to be positive",
    ),
    "heads": (
        lambda p: edit_config(p, num_key_value_heads=3),
        "bad_checkpoint",
        "4 heads cannot share 3",
    ),
    "small vocabulary": (lambda p: shrink_vocabulary(p, 100), "bad_checkpoint", "ids up to 383"),
    "unknown architecture": (
        lambda p: edit_config(p, model_type="nonesuch", architectures=["NonesuchForCausalLM"]),
        "unsupported_model",
        "nonesuch",
    ),
    "model type of another type": (
        lambda p: edit_config(p, model_type=["llama"]),
        "bad_checkpoint",
        "model_type is",
    ),
    "architectures of another type": (
        lambda p: edit_config(p, architectures=5),
        "bad_checkpoint",
        "architectures is 5",
    ),
    "field too large": (
        lambda p: edit_config(p, max_position_embeddings=10**30),
        "bad_checkpoint",
        "too large",
    ),
    "rope of another type": (
        lambda p: edit_config(p, rope_theta=[1.0]),
        "bad_checkpoint",
        "rope_theta is",
    ),
    "window of another type": (
        lambda p: edit_config(p, model_type="mistral", architectures=None, sliding_window="x"),
        "bad_checkpoint",
        "sliding_window is 'x'",
    ),
    "layer types of another type": (
        lambda p: edit_config(
            p, model_type="qwen3", architectures=None, use_sliding_window=True, layer_types=5
        ),
        "bad_checkpoint",
        "layer_types",
    ),
    "tokenizer with a broken part": (
        lambda p: edit_tokenizer(p, decoder={}),
        "bad_checkpoint",
        r"tokenizer\.json is broken",
    ),
    "no tokenizer": (
        lambda p: (p / "tokenizer.json").unlink(),
        "bad_checkpoint",
        "save_pretrained",
    ),
}


@pytest.mark.parametrize("name", list(BREAKS))
def test_broken_folders(name: str, tmp_path: Path) -> None:
    spoil, kind, message = BREAKS[name]
    write_checkpoint(tmp_path, "llama")
    load_model(tmp_path)
    spoil(tmp_path)
    with pytest.raises(LoadError, match=message) as caught:
        load_model(tmp_path)
    assert caught.value.kind == kind
    assert "\n" not in caught.value.message


def test_missing_folder_and_file_instead_of_folder(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"no folder .*nowhere") as caught:
        load_model(tmp_path / "nowhere")
    assert caught.value.kind == "model_not_found"
    (tmp_path / "file").write_text("")
    with pytest.raises(LoadError, match="is a file"):
        load_model(tmp_path / "file")


def test_missing_shard_is_named(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, "llama", shards=3)
    (folder / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(LoadError, match="model-00002-of-00003"):
        load_model(folder)


def test_quantized_weights_are_not_native(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, "llama")
    edit_config(folder, quantization_config={"quant_method": "fp8"})
    with pytest.raises(LoadError, match="quantized"):
        load_model(folder, implementation="native")


def test_unknown_options(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, "llama")
    with pytest.raises(ValueError, match="unknown implementation"):
        load_model(folder, implementation="onnx")
    with pytest.raises(ValueError, match="unknown dtype"):
        load_model(folder, dtype="int3")


def test_quantization_that_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sglc_runtime.kernels.library import load_library

    folder = write_checkpoint(tmp_path, "llama")
    with pytest.raises(ValueError, match="unknown quantization"):
        load_model(folder, quantization="int3")  # type: ignore[arg-type]
    edit_config(folder, hidden_act="gelu")
    with pytest.raises(LoadError, match=r"int4 weights"):  # torchao is missing, or has no kernel
        load_model(folder, quantization="int4")
    edit_config(folder, hidden_act="silu")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    load_library.cache_clear()
    try:
        with pytest.raises(LoadError, match="int8 weights need the C kernels: no C compiler"):
            load_model(folder, quantization="int8")
    finally:
        load_library.cache_clear()


def test_without_a_compiler_everything_runs_in_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sglc_runtime.kernels.library import load_library
    from sglc_runtime.models.native import NativeModel

    folder = write_checkpoint(tmp_path, "llama")
    usual, _ = load_model(folder)
    want = greedy(usual, make_attention("auto", usual.spec, 128), [[5, 6, 7]], 20)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    load_library.cache_clear()
    try:
        model, _ = load_model(folder)
        attention = make_attention("auto", model.spec, 128)
        assert isinstance(model, NativeModel)
        assert (attention.name, attention.deterministic) == ("torch", False)
        assert greedy(model, attention, [[5, 6, 7]], 20) == want
        with pytest.raises(AttentionUnavailable, match="no C compiler"):
            make_attention("c", model.spec, 128)
    finally:
        load_library.cache_clear()


def test_native_loading_never_imports_transformers(tmp_path: Path) -> None:
    import subprocess
    import sys

    folder = write_checkpoint(tmp_path, "llama")
    code = (
        "import sys; from sglc_runtime.models.load import load_model\n"
        f"load_model({str(folder)!r}); assert 'transformers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd="runtime")
