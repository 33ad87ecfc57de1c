"""Sampling, first kernel: the largest logit of each chunk of a row."""

from __future__ import annotations

import triton
import triton.language as tl

from sglc_runtime.kernels.triton.sampling_row import BINS, load_row


@triton.jit
def scan_kernel(
    logits, masks, masked, tops, bests, counts, found, vocab, row_step, mask_step, chunks,
    CHUNK: tl.constexpr,
):  # fmt: skip
    """
    Grid (chunks, B). `tops` float32 and `bests` int32 [B, chunks]: a chunk's largest logit and the
    lowest id that has it. Also clears what later kernels add to: `counts` [B, BINS], `found` [B].
    """
    chunk = tl.program_id(0)
    row = tl.program_id(1)
    ids = chunk * CHUNK + tl.arange(0, CHUNK)
    x = load_row(logits, masks, masked, row, ids, vocab, row_step, mask_step)
    top = tl.max(x, 0)
    tl.store(tops + row * chunks + chunk, top)
    tl.store(bests + row * chunks + chunk, tl.min(tl.where(x == top, ids, vocab), 0))
    if chunk == 0:
        bins = tl.arange(0, BINS)
        tl.store(counts + row * BINS + bins, tl.zeros_like(bins))
        tl.store(found + row, 0)
