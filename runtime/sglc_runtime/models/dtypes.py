"""Which data type a model computes in."""

from __future__ import annotations

import torch

NAMES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def fast_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 matrices in hardware through oneDNN."""
    try:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (RuntimeError, AttributeError):
        return False


def choose_dtype(asked: str, stored: torch.dtype, device: torch.device) -> torch.dtype:
    """
    `asked` by name, or for "auto" the stored type where the device is fast at it.

    CPUs without bfloat16 instructions, and all CPUs for float16, compute in float32. Raises
    ValueError for an unknown name.
    """
    if asked != "auto":
        if asked not in NAMES:
            raise ValueError(f"unknown dtype {asked!r}; known are auto, {', '.join(NAMES)}")
        return NAMES[asked]
    if stored not in NAMES.values():
        return torch.float32
    if device.type == "cpu" and (
        stored == torch.float16 or (stored == torch.bfloat16 and not fast_bf16())
    ):
        return torch.float32
    return stored
