"""Models of transformers in several processes, divided by the plans that it has for them."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from sglc_runtime.models.errors import LoadError
from sglc_runtime.parallel.group import Group, loopback

KEYS = ("k_proj", "qkv_proj", "query_key_value")
"""Names of projections whose outputs are or hold keys."""


@contextmanager
def dividing(folder: Path, trust: bool, group: Group | None) -> Iterator[dict[str, Any]]:
    """
    What `from_pretrained` is given so that it loads this process's part; nothing for one process.

    Raises `LoadError("unsupported_model")` where transformers has no plan for the model, or the
    plan does not fit the number of processes.
    """
    if group is None:
        yield {}
        return
    if importlib.util.find_spec("accelerate") is None:
        raise LoadError(
            "unsupported_model",
            "tp_size above 1 of a model without a native decoder needs accelerate;"
            " `pip install accelerate`",
        )
    from transformers import AutoConfig
    from transformers.distributed import DistributedConfig

    config = AutoConfig.from_pretrained(folder, trust_remote_code=trust, local_files_only=True)
    require_plan(config.get_text_config(), folder, group.size)
    _require_device(group)
    with _named(group), loopback():  # it makes groups of its own
        yield {"distributed_config": DistributedConfig(tp_size=group.size)}


def require_plan(config: Any, folder: Path, size: int) -> None:
    """Raise `LoadError` for a configuration that transformers cannot divide among `size`."""
    plan: Mapping[str, str] | None = getattr(config, "base_model_tp_plan", None)
    if not plan:
        raise LoadError(
            "unsupported_model",
            f"{folder}: transformers has no plan to divide models of type {config.model_type!r};"
            " use tp_size 1",
        )
    if not any(name.endswith(KEYS) and style == "colwise" for name, style in plan.items()):
        return  # attention is whole in every process
    heads = int(config.num_attention_heads)
    kv_heads = int(getattr(config, "num_key_value_heads", None) or heads)
    if heads % size or kv_heads % size:
        fits = [str(n) for n in range(2, kv_heads + 1) if heads % n == 0 and kv_heads % n == 0]
        would = f"tp_size {', '.join(fits)} would work" if fits else "use tp_size 1"
        raise LoadError(
            "unsupported_model",
            f"tp_size {size} does not divide the model's {heads} attention heads and"
            f" {kv_heads} KV heads; {would}",
        )


def _require_device(group: Group) -> None:
    """transformers divides a model among accelerators wherever it sees one."""
    if group.device.type == "cpu" and torch.accelerator.is_available():
        raise LoadError(
            "unsupported_model",
            "transformers divides models among the GPUs of this machine; with device cpu, hide"
            " them (CUDA_VISIBLE_DEVICES=)",
        )


@contextmanager
def _named(group: Group) -> Iterator[None]:
    """transformers asks the environment for the device of a process."""
    before = os.environ.get("LOCAL_RANK")
    os.environ["LOCAL_RANK"] = str(group.rank)
    try:
        yield
    finally:
        if before is None:
            del os.environ["LOCAL_RANK"]
        else:
            os.environ["LOCAL_RANK"] = before
