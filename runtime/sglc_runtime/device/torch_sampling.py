"""
Sampling without the host in torch operations: as `drawing.draw`, with parameters on the device.

Every row is sorted whole, whatever it asks for; that is slow, and what the kernels are compared
with.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sglc_runtime.sampling.inputs import SamplingInputs

_LOW = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)


def sample_in_torch(logits: Tensor, inputs: SamplingInputs, out: Tensor) -> None:
    """Write a token for each row of float32 `logits` [B, vocab] to `out` int64 [B]."""
    vocab = logits.shape[-1]
    allowed = _unpacked(inputs.masks, vocab) | (inputs.masked == 0)[:, None]
    logits = logits.masked_fill(~allowed, -torch.inf)
    inverse = inputs.inverse_temperatures[:, None]
    best = logits.argmax(-1)
    scaled = torch.where(inverse > 0, logits * inverse, logits)
    probabilities = scaled.softmax(-1).double()
    uniforms = uniforms_on_device(inputs.keys, inputs.samples, inputs.tokens)
    plain = _pick(probabilities, uniforms)
    values, ids = probabilities.sort(stable=True, dim=-1, descending=True)
    place = _pick(torch.where(_kept(values, inputs), values, 0.0), uniforms)
    cut = ids.gather(-1, place[:, None])[:, 0]
    truncated = (
        ((inputs.top_ks > 0) & (inputs.top_ks < vocab)) | (inputs.top_ps < 1) | (inputs.min_ps > 0)
    )
    drawn = torch.where(truncated, cut, plain)
    out.copy_(torch.where(inputs.inverse_temperatures > 0, drawn, best))


def uniforms_on_device(keys: Tensor, samples: Tensor, tokens: Tensor) -> Tensor:
    """float64 [B] in [0, 1): token `tokens[i]` of sample `samples[i]` under `keys[i]`."""
    c0, c1 = tokens & _LOW, (tokens >> 32) & _LOW
    c2, c3 = samples & _LOW, torch.zeros_like(samples)
    k0, k1 = keys & _LOW, (keys >> 32) & _LOW
    for _ in range(10):
        high0, low0 = _product(c0, _MULTIPLIERS[0])
        high1, low1 = _product(c2, _MULTIPLIERS[1])
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return ((c0 << 21) | (c1 >> 11)).double() * 2.0**-53


def _product(word: Tensor, multiplier: int) -> tuple[Tensor, Tensor]:
    """High and low 32 bits of products of 32-bit words, which int64 cannot hold."""
    low = word * multiplier & _LOW  # wraps, which leaves the low bits right
    upper = (word >> 16) * multiplier + ((word & 0xFFFF) * multiplier >> 16)
    return upper >> 16, low


def _kept(values: Tensor, inputs: SamplingInputs) -> Tensor:
    """Which of the likeliest-first `values` [B, vocab] each row's limits keep."""
    count = values.shape[-1]
    ranks = torch.arange(count, device=values.device)
    keep = (ranks < inputs.top_ks[:, None]) | (inputs.top_ks[:, None] <= 0)
    keep &= values.cumsum(-1) - values <= inputs.top_ps[:, None].double()
    return keep & (values >= inputs.min_ps[:, None].double() * values[:, :1])


def _pick(weights: Tensor, uniforms: Tensor) -> Tensor:
    total = weights.cumsum(-1)
    whole = total[:, -1:].contiguous()
    place = torch.searchsorted(total, uniforms[:, None] * whole, right=True)
    return torch.minimum(place, torch.searchsorted(total, whole))[:, 0]


def _unpacked(masks: Tensor, vocab: int) -> Tensor:
    """Bool [B, vocab] of packed masks."""
    shifts = torch.arange(32, dtype=torch.int32, device=masks.device)
    return ((masks[:, :, None] >> shifts) & 1).flatten(1)[:, :vocab].bool()
