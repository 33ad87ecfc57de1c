"""Integer weights of models that run through transformers, by torchao."""

from __future__ import annotations

from typing import Any

from torch import nn

from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.packing import Quantization
from sglc_runtime.models.quiet import quiet_transformers

LEAST = 0.5
"""Share of a model's weights, embeddings left out, that must become integers."""


def quantize(model: nn.Module, quantization: Quantization) -> None:
    """
    Round the weights of all linear layers to `quantization`, in place; activations stay.

    int8 has one scale for each output; int4 one for 32 weights, where torchao has a kernel for the
    device. Raises `LoadError` where torchao is missing or cannot, and where few of the weights are
    in linear layers (experts and GPT-2's layers are not), so that little would change.
    """
    quiet_transformers()
    try:
        import torchao
        from torchao.quantization import Int4WeightOnlyConfig, Int8WeightOnlyConfig, quantize_
    except ImportError as error:
        raise LoadError(
            "unsupported_model",
            f"{quantization} weights of a model without a native decoder need torchao ({error});"
            " `pip install sglc[torchao]`",
        ) from error
    share = _linear_share(model)
    if share < LEAST:
        raise LoadError(
            "unsupported_model",
            f"{type(model).__name__} cannot have {quantization} weights: torchao rounds linear"
            f" layers, which hold {share:.0%} of its weights",
        )
    config: Any = (
        Int8WeightOnlyConfig() if quantization == "int8" else Int4WeightOnlyConfig(group_size=32)
    )
    device = next(model.parameters()).device.type
    try:
        quantize_(model, config)
    except Exception as error:
        # torchao reports what a device lacks by assertions, import errors and others.
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise LoadError(
            "unsupported_model",
            f"torchao {torchao.__version__} cannot give {type(model).__name__} {quantization}"
            f" weights on {device} ({first}); use {'none' if quantization == 'int8' else 'int8'}",
        ) from error


def _linear_share(model: nn.Module) -> float:
    """Share of weights in linear layers, embeddings not counted."""
    embedded = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    linear = {id(module.weight) for module in model.modules() if isinstance(module, nn.Linear)}
    sizes = {id(p): p.numel() for p in model.parameters() if id(p) not in embedded}
    inside = sum(size for key, size in sizes.items() if key in linear)
    return inside / max(1, sum(sizes.values()))
