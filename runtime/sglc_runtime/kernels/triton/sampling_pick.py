"""Sampling, last kernel of rows without limits: the token where the running weight passes noise."""

from __future__ import annotations

import triton
import triton.language as tl

from sglc_runtime.kernels.triton.sampling_row import depth, draw_uniform, load_row, share, weigh


@triton.jit
def pick_kernel(
    logits, masks, masked, inverse_temperatures, top_ks, top_ps, min_ps, keys, samples, tokens,
    tops, masses, out, vocab, row_step, mask_step, chunks,
    CHUNK: tl.constexpr, CHUNKS: tl.constexpr,
):  # fmt: skip
    """
    Grid (B,). The chunk from the running sum of `masses`, then the token from that of its weights,
    both in the order of ids. Rows that are greedy or truncated have been or will be done elsewhere.
    """
    row = tl.program_id(0)
    every = tl.arange(0, CHUNKS)
    real = every < chunks
    largest = tl.load(tops + row * chunks + every, mask=real, other=-float("inf"))
    top = tl.max(largest, 0)
    inverse = tl.load(inverse_temperatures + row)
    top_k = tl.load(top_ks + row)
    limited = ((top_k > 0) & (top_k < vocab)) | (tl.load(top_ps + row) < 1.0)
    if limited | (tl.load(min_ps + row) > 0.0) | (inverse == 0.0) | (tl.abs(top) == float("inf")):
        return
    sums = tl.load(masses + row * chunks + every, mask=real, other=0)
    total = tl.sum(sums, 0)
    target = tl.minimum(share(total, draw_uniform(keys, samples, tokens, row)), total - 1)
    passed = tl.cumsum(sums, 0) <= target
    chunk = tl.sum(passed.to(tl.int32), 0)
    before = tl.sum(tl.where(every < chunk, sums, 0), 0)
    ids = chunk * CHUNK + tl.arange(0, CHUNK)
    x = load_row(logits, masks, masked, row, ids, vocab, row_step, mask_step)
    running = before + tl.cumsum(weigh(depth(x, top, inverse)), 0)
    place = tl.sum((running <= target).to(tl.int32), 0)
    tl.store(out + row, (chunk * CHUNK + place).to(tl.int64))
