"""What sampling on a device reads of a step: tensors at fixed addresses, one row a sequence."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class SamplingInputs:
    """Parameters of B rows; of padding rows any that are valid."""

    inverse_temperatures: Tensor
    """float32 [B]; 0 takes the likeliest token, the lower id among equals."""
    top_ks: Tensor
    """int32 [B]; <= 0 keeps all."""
    top_ps: Tensor
    """float32 [B]: keep a token if the mass before it is at most this."""
    min_ps: Tensor
    """float32 [B]: keep a token if it has at least this share of the largest's probability."""
    keys: Tensor
    """int64 [B]: Philox keys, the bits of unsigned ones."""
    samples: Tensor
    """int64 [B]: sample i of its step."""
    tokens: Tensor
    """int64 [B]: token j of its sample; noise is that of (key, i, j), see `philox.py`."""
    masked: Tensor
    """int32 [B]: 1 where the row's line of `masks` holds."""
    masks: Tensor
    """int32 [B, vocab / 32]: bit t % 32 of word t / 32 allows token t."""
