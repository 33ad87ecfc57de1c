"""LoRA adapters of models that run through transformers, merged by PEFT."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, cast

from torch import nn

from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.lora import read_adapter_config, tied_ends


def merge_adapter(model: nn.Module, folder: Path) -> nn.Module:
    """
    The model with the adapter in `folder` merged into its weights.

    Raises `LoadError` where PEFT is not installed, cannot merge the adapter, or leaves a part of
    it out.
    """
    read_adapter_config(folder)
    try:
        from peft import PeftModel
    except ImportError as error:
        raise LoadError(
            "unsupported_model",
            f"a LoRA adapter for a model without a native decoder needs peft ({error});"
            " `pip install sglc[peft]`, or give a model that is merged already",
        ) from error
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            adapted: Any = PeftModel.from_pretrained(cast(Any, model), folder)
            _require_untied(model, folder)
            merged = adapted.merge_and_unload(safe_merge=True)
    except LoadError:
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise LoadError("bad_checkpoint", f"PEFT cannot merge {folder}: {first}") from error
    if lost := [str(w.message) for w in caught if "missing adapter keys" in str(w.message)]:
        raise LoadError("bad_checkpoint", f"{folder}: {lost[0].splitlines()[0]}")
    return cast(nn.Module, merged)


def _require_untied(model: Any, folder: Path) -> None:
    embedding, head = model.get_input_embeddings(), model.get_output_embeddings()
    adapted = [
        name
        for name, end in (("the embedding", embedding), ("the output", head))
        if hasattr(end, "base_layer")
    ]
    if adapted and head is not None and embedding.weight.data_ptr() == head.weight.data_ptr():
        raise LoadError("unsupported_model", tied_ends(folder, adapted[0]))
