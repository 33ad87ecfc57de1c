"""
LoRA adapters in PEFT's format, merged into weights while they are read.

W' = W + scale * B @ A (arXiv 2106.09685), scale = alpha / rank, or alpha / sqrt(rank) for rsLoRA
(arXiv 2312.03732). What PEFT can do beyond that is left to
PEFT itself (merge_generic.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sglc_runtime.models.checkpoint import Checkpoint
from sglc_runtime.models.config import read_json
from sglc_runtime.models.errors import LoadError, NotNative
from sglc_runtime.models.json_fields import field
from sglc_runtime.models.safe_file import SafeFile

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_TENSOR = re.compile(
    r"base_model\.model\.(.+)\."
    r"(?:lora_(A|B)\.weight|lora_(embedding_A|embedding_B)|(base_layer)\.weight)"
)
"""PEFT stores an embedding that it changes beside its change, as `base_layer`."""
PLAIN = frozenset(
    (
        "alpha_pattern",
        "auto_mapping",
        "base_model_name_or_path",
        "bias",
        "eva_config",
        "exclude_modules",
        "fan_in_fan_out",
        "inference_mode",
        "init_lora_weights",
        "layers_pattern",
        "layers_to_transform",
        "lora_alpha",
        "lora_dropout",
        "megatron_core",
        "peft_type",
        "peft_version",
        "qalora_group_size",
        "r",
        "rank_pattern",
        "revision",
        "runtime_config",
        "target_modules",
        "task_type",
        "use_rslora",
    )
)
"""Settings that are followed, or say only how the adapter was trained."""
STARTS = (True, False, None, "gaussian", "eva", "orthogonal")
"""Values of `init_lora_weights` that leave the base weights as they are."""


class LoraAdapter:
    """
    Weights of one adapter folder, by the tensor of the base model that they change.

    Raises `LoadError`: `model_not_found` where there is no adapter, `bad_checkpoint` for broken
    files, `unsupported_model` for other kinds of adapters; and `NotNative` for what PEFT adds to
    LoRA, by name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = read_adapter_config(folder)
        _require_plain(self.config)
        self._pairs: dict[str, dict[str, Tensor]] = {}
        with SafeFile(folder / WEIGHTS) as file:
            for name in file.names():
                module, part = _split(name)
                self._pairs.setdefault(module, {})[part] = file.read(name)
        for module, pair in self._pairs.items():
            if set(pair) - {"base_layer"} not in ({"A", "B"}, {"embedding_A", "embedding_B"}):
                raise LoadError("bad_checkpoint", f"{folder / WEIGHTS} has half a pair of {module}")

    def tensors(self) -> frozenset[str]:
        """Names of the base model's tensors that are changed."""
        return frozenset(f"{module}.weight" for module in self._pairs)

    def merge(self, name: str, weight: Tensor) -> Tensor:
        """`weight` with its change added, in float32; the tensor itself where there is none."""
        module = name.removesuffix(".weight")
        pair = self._pairs.get(module)
        if pair is None:
            return weight
        embedding = "embedding_A" in pair
        a, b = (pair[f"embedding_{x}" if embedding else x].float() for x in "AB")
        base = pair.get("base_layer", weight)
        rank = len(a)
        if b.shape[-1] != rank or rank != self._of(module, "rank_pattern", "r", int):
            raise LoadError(
                "bad_checkpoint",
                f"{self.folder / WEIGHTS}: {module} has ranks {rank} and {b.shape[-1]}, not"
                f" {CONFIG}'s",
            )
        change = (b @ a).T if embedding else b @ a
        if not change.shape == base.shape == weight.shape:
            raise LoadError(
                "bad_checkpoint",
                f"{self.folder / WEIGHTS} changes {name} of shape {tuple(change.shape)}, the"
                f" model's is {tuple(weight.shape)}",
            )
        root = math.sqrt(rank) if self.config.get("use_rslora") else rank
        alpha: float = self._of(module, "alpha_pattern", "lora_alpha", float)
        return base.float() + change * (alpha / root)

    def _of(self, module: str, patterns: str, name: str, kind: type[Any]) -> Any:
        """A setting with exceptions by module name; the first that matches counts, as in PEFT."""
        exceptions = self.config.get(patterns) or {}
        if not isinstance(exceptions, Mapping):
            raise LoadError("bad_checkpoint", f"{self.folder / CONFIG}: {patterns} is no object")
        for key in exceptions:
            if re.match(rf"(.*\.)?({key})$", module):
                return field(exceptions, key, kind)
        return field(self.config, name, kind, 8)


def read_adapter_config(folder: Path) -> dict[str, Any]:
    """adapter_config.json of a LoRA adapter with safetensors weights; raises `LoadError`."""
    if not (folder / CONFIG).is_file():
        raise LoadError(
            "model_not_found", f"{folder} has no {CONFIG}; give a folder that PEFT has saved"
        )
    config = read_json(folder / CONFIG)
    if (kind := config.get("peft_type")) != "LORA":
        raise LoadError("unsupported_model", f"{folder} is an adapter of type {kind}, not LORA")
    if not (folder / WEIGHTS).is_file():
        pickle = (folder / "adapter_model.bin").is_file()
        more = "; adapter_model.bin is a pickle, save it again as safetensors" if pickle else ""
        raise LoadError("bad_checkpoint", f"{folder} has no {WEIGHTS}{more}")
    return config


def _require_plain(config: Mapping[str, Any]) -> None:
    if (bias := config.get("bias", "none")) != "none":
        raise NotNative(f"an adapter with bias={bias!r}")
    if (start := config.get("init_lora_weights", True)) not in STARTS:
        raise NotNative(f"an adapter with init_lora_weights={start!r}")
    used = sorted(name for name, value in config.items() if value and name not in PLAIN)
    if used:
        raise NotNative(f"an adapter with {used[0]}={config[used[0]]!r}")


def _split(name: str) -> tuple[str, str]:
    """Module and part of an adapter's tensor name."""
    match = _TENSOR.fullmatch(name)
    if match is None:
        raise NotNative(f"an adapter with {name}")
    return match[1], match[2] or match[3] or match[4]


class AdaptedCheckpoint(Checkpoint):
    """
    A base model's checkpoint that reads as if the adapter had been merged into it.

    Merged weights are rounded to the data type that the base's are stored in, unless `exact`: an
    adapter then costs neither memory nor speed.
    """

    def __init__(self, folder: Path, adapter: LoraAdapter, *, tied: bool, exact: bool) -> None:
        super().__init__(folder)
        self._adapter = adapter
        self._exact = exact
        if unknown := sorted(adapter.tensors() - self.names()):
            raise LoadError(
                "bad_checkpoint", f"{adapter.folder} changes {unknown[0]}, which {folder} lacks"
            )
        ends = adapter.tensors() & {"model.embed_tokens.weight", "lm_head.weight"}
        if tied and ends:
            raise LoadError("unsupported_model", tied_ends(adapter.folder, min(ends)))

    def read(self, name: str, shape: Sequence[int] | None = None) -> Tensor:
        """A copy of tensor `name`, merged."""
        weight = super().read(name, shape)
        with torch.no_grad():
            merged = self._adapter.merge(name, weight)
        return merged if self._exact else merged.to(weight.dtype)

    def read_part(self, name: str, shape: Sequence[int], dim: int, start: int, stop: int) -> Tensor:
        """A part of tensor `name`; a changed one is merged whole before it is cut."""
        if name not in self._adapter.tensors():
            return super().read_part(name, shape, dim, start, stop)
        return self.read(name, shape).narrow(dim, start, stop - start).clone()


def tied_ends(adapter: Path, name: str) -> str:
    """Why an adapter of a tied embedding cannot be merged."""
    return (
        f"{adapter} changes {name}, but the model's embedding and output share their weights, so"
        " it cannot be merged"
    )


def open_adapted(folder: Path, lora: Path | None, *, tied: bool, exact: bool) -> Checkpoint:
    """A folder's checkpoint, with the adapter in `lora` merged where there is one."""
    if lora is None:
        return Checkpoint(folder)
    return AdaptedCheckpoint(folder, LoraAdapter(lora), tied=tied, exact=exact)
