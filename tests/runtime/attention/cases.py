"""Shared by the attention tests."""

from __future__ import annotations

import torch

from sglc_runtime.models.base import ModelSpec


def make_spec(
    heads: int, kv_heads: int, dim: int, *, layers: int = 1, dtype: torch.dtype = torch.float32
) -> ModelSpec:
    """A spec with only its attention shape filled in meaningfully."""
    return ModelSpec(
        architecture="test",
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=kv_heads,
        head_dim=dim,
        vocab_size=16,
        context_length=4096,
        dtype=dtype,
        windows=(None,) * layers,
        eos_ids=(),
        bos_id=None,
    )
