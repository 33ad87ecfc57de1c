"""Cosine and sine tables of rotary position embeddings."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sglc_runtime.models.config import RopeConfig


def inverse_frequencies(rope: RopeConfig, dim: int) -> Tensor:
    """
    Angle per position of each pair of dimensions, float32 [dim / 2].

    `linear` divides all by the factor; `llama3` only the low frequencies, with a smooth ramp (Llama
    3.1's published code).
    """
    base = 1.0 / (rope.theta ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim))
    if rope.kind == "linear":
        return base / rope.factor
    if rope.kind != "llama3":
        return base
    wavelength = 2 * math.pi / base
    longest = rope.original_context / rope.low_freq_factor
    shortest = rope.original_context / rope.high_freq_factor
    scaled = torch.where(wavelength > longest, base / rope.factor, base)
    ramp = (rope.original_context / wavelength - rope.low_freq_factor) / (
        rope.high_freq_factor - rope.low_freq_factor
    )
    smooth = (1 - ramp) * scaled / rope.factor + ramp * scaled
    medium = ~(wavelength < shortest) & ~(wavelength > longest)
    return torch.where(medium, smooth, scaled)


def rope_tables(
    rope: RopeConfig, dim: int, positions: int, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """
    Cosines and signed sines [positions, dim] for `x * cos + roll(x, dim / 2) * sin`.

    The two halves of x hold the pairs (Hugging Face layout); the first half of the sine table is
    negated, so that a roll replaces rotate_half.
    """
    angles = torch.arange(positions, dtype=torch.float32)[:, None] * inverse_frequencies(rope, dim)
    cos, sin = angles.cos(), angles.sin()
    return (
        torch.cat([cos, cos], -1).to(device, dtype),
        torch.cat([-sin, sin], -1).to(device, dtype),
    )
