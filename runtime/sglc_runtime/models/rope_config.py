"""RoPE settings of config.json: kind, scaling, and what follows from the context length."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sglc_runtime.models.errors import LoadError, NotNative
from sglc_runtime.models.json_fields import field


@dataclass(frozen=True, slots=True)
class RopeConfig:
    """Rotary position embedding (arXiv 2104.09864) and its scaling to longer contexts."""

    theta: float
    kind: str
    """`default`, `linear`, `llama3`, `yarn` or `longrope`."""
    factor: float = 1.0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_context: int = 0
    attention_factor: float = 1.0
    """Multiplies cosines and sines."""
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    truncate: bool = True
    """YaRN rounds the bounds of its ramp to whole dimensions."""
    divisors: tuple[float, ...] = ()
    """LongRoPE divides each frequency by one of these."""


def parse_rope(config: Mapping[str, Any], context_length: int) -> RopeConfig:
    """
    `rope_parameters` (transformers 5) or `rope_theta` and `rope_scaling` (before).

    What changes with the length of a sequence is frozen at `context_length`: keys in the cache
    could not follow. Raises `NotNative` for kinds that are not implemented, and `LoadError`.
    """
    scaling = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if not isinstance(scaling, Mapping):
        raise LoadError("bad_checkpoint", "config.json: the RoPE settings have to be an object")
    kind = scaling.get("rope_type") or scaling.get("type") or "default"
    theta = field(scaling, "rope_theta", float, field(config, "rope_theta", float, 10000.0))
    partial = scaling.get("partial_rotary_factor", config.get("partial_rotary_factor", 1.0))
    if partial not in (None, 1, 1.0):
        raise NotNative("a partial rotary embedding")
    if kind in ("default", "dynamic"):
        # Dynamic scaling begins where the context ends.
        return RopeConfig(theta, "default")
    if kind == "linear":
        return RopeConfig(theta, "linear", field(scaling, "factor", float))
    original = field(scaling, "original_max_position_embeddings", int, context_length)
    original = field(config, "original_max_position_embeddings", int, original)
    if kind == "llama3":
        return RopeConfig(
            theta,
            "llama3",
            field(scaling, "factor", float),
            field(scaling, "low_freq_factor", float),
            field(scaling, "high_freq_factor", float),
            original,
        )
    if kind == "yarn":
        return _yarn(scaling, theta, original, context_length)
    if kind == "longrope":
        return _longrope(scaling, theta, original, context_length)
    raise NotNative(f"RoPE of type {kind!r}")


def _yarn(scaling: Mapping[str, Any], theta: float, original: int, context: int) -> RopeConfig:
    """YaRN (arXiv 2309.00071), with the scales of attention that DeepSeek added."""
    factor = field(scaling, "factor", float, context / original)
    if scaling.get("attention_factor") is not None:
        attention = field(scaling, "attention_factor", float)
    elif scaling.get("mscale") and scaling.get("mscale_all_dim"):
        one, all_dims = (field(scaling, name, float) for name in ("mscale", "mscale_all_dim"))
        attention = _mscale(factor, one) / _mscale(factor, all_dims)
    else:
        attention = _mscale(factor, 1.0)
    return RopeConfig(
        theta,
        "yarn",
        factor,
        original_context=original,
        attention_factor=attention,
        beta_fast=field(scaling, "beta_fast", float, 32.0),
        beta_slow=field(scaling, "beta_slow", float, 1.0),
        truncate=field(scaling, "truncate", bool, True),
    )


def _mscale(scale: float, mscale: float) -> float:
    return 1.0 if scale <= 1 else 0.1 * mscale * math.log(scale) + 1.0


def _longrope(scaling: Mapping[str, Any], theta: float, original: int, context: int) -> RopeConfig:
    """LongRoPE (arXiv 2402.13753): the long factors where the context exceeds the original one."""
    factor = field(scaling, "factor", float, context / original)
    usual = 1.0 if factor <= 1 else math.sqrt(1 + math.log(factor) / math.log(original))
    name = "long_factor" if context > original else "short_factor"
    divisors = scaling.get(name)
    if not isinstance(divisors, list) or not all(
        isinstance(value, int | float) and value > 0 for value in divisors
    ):
        raise LoadError("bad_checkpoint", f"config.json: {name} has to list positive numbers")
    return RopeConfig(
        theta,
        "longrope",
        factor,
        original_context=original,
        attention_factor=field(scaling, "attention_factor", float, usual),
        divisors=tuple(map(float, divisors)),
    )
