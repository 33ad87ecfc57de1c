"""Cosine and sine tables of rotary position embeddings."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.rope_config import RopeConfig


def inverse_frequencies(rope: RopeConfig, dim: int) -> Tensor:
    """
    Angle per position of each pair of dimensions, float32 [dim / 2].

    `linear` divides all by the factor; `llama3` only the low frequencies, with a smooth ramp (Llama
    3.1's published code); `yarn` those that turn seldom within the original context, with a ramp
    over dimensions (arXiv 2309.00071); `longrope` each by a number of its own (arXiv 2402.13753).
    """
    powers = rope.theta ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim)
    if rope.kind == "linear":
        return 1.0 / powers / rope.factor
    if rope.kind == "llama3":
        return _llama3(rope, 1.0 / powers)
    if rope.kind == "yarn":
        return _yarn(rope, dim, powers)
    if rope.kind == "longrope":
        if len(rope.divisors) != dim // 2:
            raise LoadError(
                "bad_checkpoint",
                f"config.json: RoPE has {len(rope.divisors)} factors, heads of {dim} need"
                f" {dim // 2}",
            )
        return 1.0 / (torch.tensor(rope.divisors) * powers)
    return 1.0 / powers


def _llama3(rope: RopeConfig, base: Tensor) -> Tensor:
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


def _yarn(rope: RopeConfig, dim: int, powers: Tensor) -> Tensor:
    def turning(rotations: float) -> float:
        """Dimension whose pair turns this often within the original context."""
        turns = math.log(rope.original_context / (rotations * 2 * math.pi))
        return dim * turns / (2 * math.log(rope.theta))

    low, high = turning(rope.beta_fast), turning(rope.beta_slow)
    if rope.truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dim - 1)
    if low == high:
        high += 0.001  # no division by zero
    ramp = ((torch.arange(dim // 2, dtype=torch.float32) - low) / (high - low)).clamp(0, 1)
    kept = 1 - ramp
    return 1.0 / (rope.factor * powers) * (1 - kept) + 1.0 / powers * kept


def rope_tables(
    rope: RopeConfig, dim: int, positions: int, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """
    Cosines and signed sines [positions, dim] for `x * cos + roll(x, dim / 2) * sin`.

    The two halves of x hold the pairs (Hugging Face layout); the first half of the sine table is
    negated, so that a roll replaces rotate_half.
    """
    angles = torch.arange(positions, dtype=torch.float32)[:, None] * inverse_frequencies(rope, dim)
    cos, sin = angles.cos() * rope.attention_factor, angles.sin() * rope.attention_factor
    return (
        torch.cat([cos, cos], -1).to(device, dtype),
        torch.cat([-sin, sin], -1).to(device, dtype),
    )
