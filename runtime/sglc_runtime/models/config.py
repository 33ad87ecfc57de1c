"""config.json of a Hugging Face folder, read without transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sglc_runtime.models.errors import LoadError, NotNative
from sglc_runtime.models.json_fields import field
from sglc_runtime.models.rope_config import RopeConfig, parse_rope

ARCHITECTURES = {
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
}
"""Model types of the native decoder and the one architecture of each that it implements."""


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """Everything the native decoder needs to know, defaults filled in."""

    model_type: str
    architecture: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    context_length: int
    norm_eps: float
    rope: RopeConfig
    windows: tuple[int | None, ...]
    tied: bool
    qkv_bias: bool
    o_bias: bool
    mlp_bias: bool
    qk_norm: bool
    eos_ids: tuple[int, ...]
    bos_id: int | None

    @property
    def parameters(self) -> int:
        """Weights of the model, norms and biases left out."""
        heads = 2 * self.num_heads + 2 * self.num_kv_heads
        layer = self.hidden_size * (heads * self.head_dim + 3 * self.intermediate_size)
        embeddings = self.vocab_size * self.hidden_size * (1 if self.tied else 2)
        return self.num_layers * layer + embeddings


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; raises `LoadError` for anything else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise LoadError("bad_checkpoint", f"cannot read {path}: {error}") from error
    except json.JSONDecodeError as error:
        raise LoadError("bad_checkpoint", f"{path} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise LoadError("bad_checkpoint", f"{path} has to hold a JSON object")
    return value


def read_config(folder: Path) -> dict[str, Any]:
    """config.json; raises `LoadError` where there is none."""
    if not folder.exists():
        raise LoadError(
            "model_not_found",
            f"there is no folder {folder}; give a local Hugging Face checkpoint folder"
            " (`hf download NAME --local-dir FOLDER` fetches one)",
        )
    if not folder.is_dir():
        raise LoadError("model_not_found", f"{folder} is a file, not a checkpoint folder")
    if not (folder / "config.json").is_file():
        raise LoadError("model_not_found", f"{folder} has no config.json, so it is no checkpoint")
    return read_json(folder / "config.json")


def token_ids(value: object) -> tuple[int, ...]:
    """An `eos_token_id` entry (nothing, a number, a list) as a tuple."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    if isinstance(value, list):
        return tuple(item for item in value if isinstance(item, int))
    return ()


def eos_ids(folder: Path, config: Mapping[str, Any]) -> tuple[int, ...]:
    """Ids that end a generation: config.json's and generation_config.json's, sorted."""
    ids = set(token_ids(config.get("eos_token_id")))
    if (folder / "generation_config.json").is_file():
        ids |= set(token_ids(read_json(folder / "generation_config.json").get("eos_token_id")))
    return tuple(sorted(ids))


def _windows(config: Mapping[str, Any], model_type: str, layers: int) -> tuple[int | None, ...]:
    if model_type == "llama":
        return (None,) * layers
    if model_type == "mistral":
        # transformers' default where the key is absent; null means no window.
        return (_window(config),) * layers
    if not config.get("use_sliding_window", False):
        return (None,) * layers
    window = _window(config)
    if window is None:
        return (None,) * layers
    kinds = config.get("layer_types")
    if kinds is None:
        full = config.get("max_window_layers", 28)
        if not isinstance(full, int):
            message = f"config.json: max_window_layers is {full!r}, not int"
            raise LoadError("bad_checkpoint", message)
        return tuple(window if layer >= full else None for layer in range(layers))
    if not isinstance(kinds, list) or len(kinds) != layers:
        message = f"config.json: layer_types has to list {layers} layers"
        raise LoadError("bad_checkpoint", message)
    if unknown := {str(kind) for kind in kinds} - {"full_attention", "sliding_attention"}:
        raise NotNative(f"layer types {sorted(unknown)}")
    return tuple(window if kind == "sliding_attention" else None for kind in kinds)


def _window(config: Mapping[str, Any]) -> int | None:
    """Width of the sliding window; null says that there is none."""
    if config.get("sliding_window", 4096) is None:
        return None
    return field(config, "sliding_window", int, 4096)


def parse_decoder(folder: Path, config: Mapping[str, Any]) -> DecoderConfig:
    """
    The native decoder's view of config.json; defaults are transformers'.

    Raises `NotNative` for a model it does not implement, `LoadError` for a broken file.
    """
    model_type = config.get("model_type")
    if not isinstance(model_type, str | None):
        raise LoadError("bad_checkpoint", f"config.json: model_type is {model_type!r}, not str")
    if model_type not in ARCHITECTURES:
        raise NotNative(f"model type {model_type!r}")
    architecture = ARCHITECTURES[model_type]
    named = config.get("architectures") or [architecture]
    if not isinstance(named, list):
        raise LoadError("bad_checkpoint", f"config.json: architectures is {named!r}, not a list")
    if named != [architecture]:
        raise NotNative(f"architecture {', '.join(map(str, named))}")
    if config.get("quantization_config"):
        raise NotNative("quantized weights")
    if (act := config.get("hidden_act", "silu")) not in ("silu", "swish"):
        raise NotNative(f"activation {act!r}")
    hidden, heads = field(config, "hidden_size", int), field(config, "num_attention_heads", int)
    default_kv = 8 if model_type == "mistral" and "num_key_value_heads" not in config else heads
    default_dim = 128 if model_type == "qwen3" else max(1, hidden // heads)
    kv_heads = field(config, "num_key_value_heads", int, default_kv)
    head_dim = field(config, "head_dim", int, default_dim)
    if heads % kv_heads:
        raise LoadError(
            "bad_checkpoint", f"config.json: {heads} heads cannot share {kv_heads} KV heads"
        )
    if head_dim % 2:
        raise LoadError("bad_checkpoint", f"config.json: head_dim {head_dim} is odd")
    layers = field(config, "num_hidden_layers", int)
    default_context = {"llama": 2048, "mistral": 131072}.get(model_type, 32768)
    context = field(config, "max_position_embeddings", int, default_context)
    bias = bool(config.get("attention_bias", False)) and model_type in ("llama", "qwen3")
    bos = token_ids(config.get("bos_token_id"))
    return DecoderConfig(
        model_type=model_type,
        architecture=architecture,
        vocab_size=field(config, "vocab_size", int),
        hidden_size=hidden,
        intermediate_size=field(config, "intermediate_size", int),
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=kv_heads,
        head_dim=head_dim,
        context_length=context,
        norm_eps=field(config, "rms_norm_eps", float, 1e-6),
        rope=parse_rope(config, context),
        windows=_windows(config, model_type, layers),
        tied=bool(config.get("tie_word_embeddings", False)),
        qkv_bias=bias or model_type == "qwen2",
        o_bias=bias,
        mlp_bias=bool(config.get("mlp_bias", False)) and model_type == "llama",
        qk_norm=model_type == "qwen3",
        eos_ids=eos_ids(folder, config),
        bos_id=bos[0] if bos else None,
    )
