"""Sampling, second kernel: greedy rows are done; of others the weight of each chunk."""

from __future__ import annotations

import triton
import triton.language as tl

from sglc_runtime.kernels.triton.sampling_row import (
    BINS,
    bin_of,
    depth,
    is_whole,
    load_row,
    weigh,
)


@triton.jit
def weigh_kernel(
    logits, masks, masked, inverse_temperatures, top_ks, top_ps, min_ps,
    tops, bests, masses, counts, out, vocab, row_step, mask_step, chunks,
    CHUNK: tl.constexpr, CHUNKS: tl.constexpr,
):  # fmt: skip
    """
    Grid (chunks, B). `masses` int64 [B, chunks]: the sum of a chunk's weights. `counts` int32
    [B, BINS]: tokens in each bin, of rows that are truncated. `out` int64 [B]: greedy rows' tokens.

    A row whose largest logit is infinite is taken as greedy, as in `kernels/sampling.c`.
    """
    chunk = tl.program_id(0)
    row = tl.program_id(1)
    every = tl.arange(0, CHUNKS)
    largest = tl.load(tops + row * chunks + every, mask=every < chunks, other=-float("inf"))
    top = tl.max(largest, 0)
    inverse = tl.load(inverse_temperatures + row)
    if (inverse == 0.0) | (tl.abs(top) == float("inf")):
        if chunk == 0:
            first = tl.min(tl.where(largest == top, every, CHUNKS), 0)
            tl.store(out + row, tl.load(bests + row * chunks + first).to(tl.int64))
        return
    ids = chunk * CHUNK + tl.arange(0, CHUNK)
    x = load_row(logits, masks, masked, row, ids, vocab, row_step, mask_step)
    below = depth(x, top, inverse)
    weights = weigh(below)
    tl.store(masses + row * chunks + chunk, tl.sum(weights, 0))
    if is_whole(top_ks, top_ps, min_ps, row, vocab):
        return
    bins = tl.where(weights > 0, bin_of(below), BINS - 1)
    counted = tl.histogram(bins, BINS)
    place = tl.arange(0, BINS)
    tl.atomic_add(
        counts + row * BINS + place, counted,
        mask=(counted > 0) & (place < BINS - 1), sem="relaxed",
    )  # fmt: skip
