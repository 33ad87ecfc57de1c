"""Load a model and its tokenizer from a folder, by the implementation that fits."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

import torch

from sglc_runtime.config import EngineConfig
from sglc_runtime.models.base import Model
from sglc_runtime.models.config import read_config
from sglc_runtime.models.errors import LoadError, NotNative
from sglc_runtime.models.load_native import load_native
from sglc_runtime.models.packing import QUANTIZED, Quantization
from sglc_runtime.parallel.group import Group
from sglc_runtime.text.tokenizer import Tokenizer, TokenizerError

log = logging.getLogger(__name__)

EMBEDDED = Path(__file__).parent.parent / "embedded" / "checkpoint"
"""The checkpoint shipped with the package."""


class LoadedModel(Model, Protocol):
    """A model that says how it was implemented: `native` or `transformers`."""

    implementation: str


def load_tokenizer(folder: Path) -> Tokenizer:
    """The folder's tokenizer; raises `LoadError`."""
    read_config(folder)
    try:
        return Tokenizer(folder)
    except TokenizerError as error:
        raise LoadError("bad_checkpoint", str(error)) from error


def load_model(
    folder: str | Path | None,
    *,
    device: str = "cpu",
    dtype: str = "auto",
    implementation: str = "auto",
    trust_remote_code: bool = False,
    quantization: Quantization = "none",
    lora: str | Path | None = None,
    load_format: str = "auto",
    group: Group | None = None,
    compiled: bool = False,
) -> tuple[LoadedModel, Tokenizer]:
    """
    Load the checkpoint in `folder`; None is the embedded model, in float32 unless asked otherwise.

    `implementation` is "auto" (native where it can be), "native" or "transformers"; `quantization`
    "int8" or "int4" rounds weights on CPUs; `lora` is the folder of a PEFT adapter that is merged
    into the weights; `load_format` "dummy" makes weights up. With `group`, this process's part of
    the model is loaded. `compiled` puts torch.compile around the forward pass, of native decoders
    that in torch operations. Raises `LoadError` for everything that is wrong with the folders, and
    ValueError for an unknown option.
    """
    if implementation not in ("auto", "native", "transformers"):
        raise ValueError(f"unknown implementation {implementation!r}")
    if quantization != "none" and quantization not in QUANTIZED:
        raise ValueError(f"unknown quantization {quantization!r}")
    path = EMBEDDED if folder is None else Path(folder).expanduser()
    if dtype == "auto" and path.resolve() == EMBEDDED:
        dtype = "float32"
    target = torch.device(device)
    if compiled and (quantization != "none" or group is not None):
        log.warning("no torch.compile with quantization or in several processes")
        compiled = False
    if target.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {device!r} asked for, but torch finds no GPU here")
    tokenizer = load_tokenizer(path)
    adapter = None if lora is None else Path(lora).expanduser()
    if load_format == "dummy" and (implementation == "transformers" or adapter is not None):
        raise ValueError("load_format dummy is for the native decoder without an adapter")
    model = _load(
        path,
        target,
        dtype,
        implementation,
        trust_remote_code,
        quantization,
        adapter,
        load_format,
        group,
        compiled,
    )
    if tokenizer.max_id >= model.spec.vocab_size:
        raise LoadError(
            "bad_checkpoint",
            f"{path}: the tokenizer has ids up to {tokenizer.max_id},"
            f" the model only {model.spec.vocab_size} embeddings",
        )
    return model, tokenizer


def load_configured(
    config: EngineConfig, device: str, group: Group | None, *, compiled: bool = False
) -> tuple[LoadedModel, Tokenizer]:
    """`load_model` as a configuration says, on `device`: the same for every process of a team."""
    return load_model(
        config.model,
        device=device,
        dtype=config.dtype,
        implementation=config.implementation,
        trust_remote_code=config.trust_remote_code,
        quantization=config.quantization,
        lora=config.lora_path,
        load_format=config.load_format,
        group=group,
        compiled=compiled,
    )


def _load(
    path: Path,
    device: torch.device,
    dtype: str,
    implementation: str,
    trust: bool,
    quantization: Quantization,
    lora: Path | None,
    load_format: str,
    group: Group | None,
    compiled: bool,
) -> LoadedModel:
    if implementation != "transformers":
        try:
            native = load_native(
                path,
                device=device,
                dtype=dtype,
                in_c=False if compiled else None,
                packed=not compiled,
                quantization=quantization,
                lora=lora,
                dummy=load_format == "dummy",
                group=group,
            )
            return _compiled(native, device) if compiled else native
        except NotNative as reason:
            if implementation == "native" or load_format == "dummy":
                raise LoadError(
                    "unsupported_model", f"the native decoder does not implement {reason}"
                ) from reason
            log.info("not native (%s): loading %s through transformers", reason, path)
    from sglc_runtime.models.generic import load_generic

    generic = load_generic(
        path,
        device=device,
        dtype=dtype,
        trust_remote_code=trust,
        lora=lora,
        quantization=quantization,
        group=group,
    )
    return _compiled(generic, device) if compiled else generic


def _compiled(model: Model, device: torch.device) -> LoadedModel:
    # Needed by few, and it takes long to import.
    from sglc_runtime.models.compiled import compile_model

    return compile_model(model, device)
