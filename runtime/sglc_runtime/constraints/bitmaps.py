"""Packed masks of tokens, one bit a token and lowest first, and logits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sglc_runtime.constraints.matcher import Mask


def forbid(logits: Tensor, masks: Sequence[Mask]) -> None:
    """
    Give tokens that masks do not allow no probability, in place: float32 logits [rows, vocab].

    A mask covers the vocabulary and the rest of its last word.
    """
    vocab = logits.shape[-1]
    words = np.stack(masks)
    if logits.device.type == "cpu":
        # Eight tokens at a time by table: 12 times as fast as unpacking and masked_fill_.
        spread = np.take(_biases(), words.view(np.uint8), axis=0, mode="clip")
        logits += torch.from_numpy(spread.reshape(len(masks), -1)[:, :vocab])
        return
    forbid_by_shifts(logits, torch.from_numpy(words).to(logits.device))


def forbid_by_shifts(logits: Tensor, words: Tensor) -> None:
    """As `forbid`, with operations of any device; masks int32 [rows, words] on the logits' own."""
    shifts = torch.arange(32, dtype=torch.int32, device=logits.device)
    bits = (words[:, :, None] >> shifts) & 1
    logits.masked_fill_(bits.flatten(1)[:, : logits.shape[-1]] == 0, -torch.inf)


def unpacked(mask: Mask, vocab: int) -> NDArray[np.bool_]:
    """Bool [vocab] of what a mask allows."""
    bits = np.unpackbits(mask.view(np.uint8), count=vocab, bitorder="little")
    return bits.view(np.bool_)


def packed(allowed: NDArray[np.bool_]) -> Mask:
    """The mask of a bool [vocab]."""
    whole = np.zeros(-(-len(allowed) // 32) * 32, dtype=np.bool_)
    whole[: len(allowed)] = allowed
    return np.packbits(whole, bitorder="little").view(np.int32)


def single(token: int, vocab: int) -> Mask:
    """The mask that allows one token."""
    mask = np.zeros(-(-vocab // 32), dtype=np.uint32)
    mask[token // 32] = 1 << token % 32
    return mask.view(np.int32)


@lru_cache(maxsize=1)
def _biases() -> NDArray[np.float32]:
    """What every byte of a mask adds to eight logits: [256, 8]."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    return np.where(bits, 0, -np.inf).astype(np.float32)
