"""Which data type a model computes in."""

from __future__ import annotations

from functools import cache

import torch

NAMES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Words of /proc/cpuinfo for instructions that multiply bfloat16: x86 twice, then ARM."""


def has_bf16(cpuinfo: str) -> bool:
    """Whether a CPU that Linux describes so multiplies bfloat16 numbers in hardware."""
    for line in cpuinfo.splitlines():
        name, _, words = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return not BF16_FLAGS.isdisjoint(words.split())
    return False


@cache
def fast_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 numbers in hardware, and torch can use it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            return has_bf16(file.read()) and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (OSError, RuntimeError, AttributeError):
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
