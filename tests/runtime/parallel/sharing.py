"""Models shared by the processes of one team, and the same models in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from sglc_runtime.attention.make import PooledAttention, attention_for, make_attention
from sglc_runtime.config import EngineConfig
from sglc_runtime.models.base import Model
from sglc_runtime.models.load import load_model
from sglc_runtime.parallel.model import ParallelAttention, ParallelModel
from sglc_runtime.parallel.start import followers_loading, make_pools
from sglc_runtime.parallel.team import Team

CPU = torch.device("cpu")
SLOTS = 512


def shared(team: Team, folder: Path, **options: Any) -> tuple[Model, PooledAttention]:
    """The model in `folder` and a pool for it, divided among the team's processes."""
    config = EngineConfig(model=str(folder), device="cpu", **options)
    with followers_loading(team, config, 1):
        part, _ = load_model(
            folder,
            dtype=config.dtype,
            implementation=config.implementation,
            lora=config.lora_path,
            group=team.group,
        )
    make_pools(team, SLOTS)
    attention = attention_for(config, part.spec, SLOTS, CPU)
    return ParallelModel(part, team), ParallelAttention(attention, team, CPU)


def alone(folder: Path, **options: Any) -> tuple[Model, PooledAttention]:
    """The model in `folder` and a pool for it, in this process."""
    model, _ = load_model(folder, **options)
    return model, make_attention("auto", model.spec, SLOTS, CPU)
