"""The model and the tokenizer of an engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from sglc_runtime.config import EngineConfig
from sglc_runtime.device.memory import advice
from sglc_runtime.errors import EngineError
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.generation_defaults import generation_defaults
from sglc_runtime.models.load import LoadedModel, load_configured
from sglc_runtime.parallel.start import with_followers
from sglc_runtime.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from sglc_runtime.parallel.team import Team


def load(
    config: EngineConfig, folder: Path, team: Team | None
) -> tuple[LoadedModel, Tokenizer, dict[str, float]]:
    """Model, tokenizer, and the sampling parameters that the checkpoint recommends."""
    try:
        recommended = generation_defaults(folder)
        group = None if team is None else team.group
        model, tokenizer = load_configured(
            config, config.device, group, compiled=config.enable_torch_compile
        )
    except LoadError as error:
        raise EngineError(error.kind, error.message) from error
    except ValueError as error:
        raise EngineError("internal", str(error)) from error
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise EngineError("internal", advice("weights", error)) from error
    return with_followers(team, model), tokenizer, recommended


def count_weights(folder: Path) -> int:
    """Number of weights, roughly: most checkpoints store two bytes for each."""
    files = [*folder.glob("*.safetensors"), *folder.glob("*.bin")]
    return sum(file.stat().st_size for file in files) // 2
