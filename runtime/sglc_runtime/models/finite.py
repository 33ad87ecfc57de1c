"""Finding the tensor that makes a model's logits NaN or infinite."""

from __future__ import annotations

from pathlib import Path

import torch

from sglc_runtime.models.checkpoint import Checkpoint


def describe_nonfinite(folder: Path) -> str | None:
    """
    Name the first stored tensor with a NaN or infinity, and its file; None where all are finite.

    Reads every weight, so it is for checkpoints whose logits have already turned out wrong.
    """
    with Checkpoint(folder) as files:
        for name in sorted(files.names()):
            tensor = files.read_any(name)
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                return f"{files.file_of(name)}: {name} holds NaN or infinity"
    return None
