"""Reading a folder through transformers, with errors that say what is wrong and what helps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.quiet import quiet_transformers
from sglc_runtime.parallel.group import Group
from sglc_runtime.parallel.plan import dividing


def read_model(
    folder: Path,
    device: torch.device,
    dtype: torch.dtype,
    trust: bool,
    group: Group | None = None,
) -> nn.Module:
    """
    Make the model that config.json names, with the folder's weights in `dtype`.

    With `group`, transformers divides it among the group's processes by its own plan.

    Raises `LoadError`: `unsupported_model` for what transformers does not know as a causal language
    model, `bad_checkpoint` for tensors that are missing or have another shape.
    """
    quiet_transformers()
    from transformers import AutoModelForCausalLM

    try:
        with dividing(folder, trust, group) as division:
            model, info = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=dtype,
                trust_remote_code=trust,
                local_files_only=True,
                output_loading_info=True,
                use_safetensors=True,
                ignore_mismatched_sizes=True,  # we name them ourselves, below
                **division,
            )
    except LoadError:
        raise
    except (ValueError, KeyError, ImportError) as error:
        raise LoadError("unsupported_model", _explain(folder, error)) from error
    except Exception as error:
        # Errors of the safetensors reader have no common base class.
        raise LoadError(
            "bad_checkpoint", f"transformers cannot read {folder}: {_first_line(error)}"
        ) from error
    _require_all(folder, info)
    return cast(nn.Module, model.eval().to(device))


def _require_all(folder: Path, info: dict[str, Any]) -> None:
    if missing := sorted(info["missing_keys"]):
        raise LoadError("bad_checkpoint", f"{folder} lacks tensor {', '.join(missing[:3])}")
    if info["mismatched_keys"]:
        name, got, want = sorted(info["mismatched_keys"])[0]
        raise LoadError(
            "bad_checkpoint",
            f"{folder}: {name} has shape {tuple(got)}, config.json asks for {tuple(want)}",
        )


def _explain(folder: Path, error: Exception) -> str:
    """What transformers' refusal means for whoever gave the folder."""
    text = str(error)
    if "Unrecognized configuration class" in text:
        return (
            f"{folder} holds no causal language model that transformers knows: it may be an"
            " encoder, an encoder with a decoder, or take images or sound; give a text decoder"
        )
    if "trust_remote_code" in text:
        return (
            f"{folder} brings code of its own; where you trust it, set trust_remote_code"
            " (which runs that code)"
        )
    if "does not recognize this architecture" in text:
        import transformers

        kind = text.split("model type `")[-1].split("`")[0]
        return (
            f"transformers {transformers.__version__} does not know models of type {kind!r};"
            " a newer one may"
        )
    return f"transformers cannot load {folder}: {_first_line(error)}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
