"""Sampling, last kernel: the token of each row that is not greedy."""

from __future__ import annotations

import triton
import triton.language as tl

from sglc_runtime.kernels.triton.sampling_gather import NOTES
from sglc_runtime.kernels.triton.sampling_row import (
    LAST_ID,
    depth,
    draw_uniform,
    is_whole,
    load_row,
    row_limits,
    share,
    weigh,
)
from sglc_runtime.kernels.triton.sampling_search import search_row


@triton.jit
def pick_kernel(
    logits, masks, masked, inverse_temperatures, top_ks, top_ps, min_ps, keys, samples, tokens,
    tops, masses, before_token, before_end, zones, found, candidates, out,
    vocab, row_step, mask_step, chunks,
    CHUNK: tl.constexpr, CHUNKS: tl.constexpr, BLOCK: tl.constexpr, ROOM: tl.constexpr,
):  # fmt: skip
    """
    Grid (B,). `out` int64 [B].

    Without limits: the chunk from the running sum of `masses`, then the token from that of its
    weights, both in the order of ids. With limits: two searches among the candidates, of the end of
    what is kept and then of the token.
    """
    row = tl.program_id(0)
    inverse = tl.load(inverse_temperatures + row)
    if inverse == 0.0:
        return
    every = tl.arange(0, CHUNKS)
    real = every < chunks
    top = tl.max(tl.load(tops + row * chunks + every, mask=real, other=-float("inf")), 0)
    if tl.abs(top) == float("inf"):
        return
    sums = tl.load(masses + row * chunks + every, mask=real, other=0)
    total = tl.sum(sums, 0)
    uniform = draw_uniform(keys, samples, tokens, row)
    if is_whole(top_ks, top_ps, min_ps, row, vocab):
        target = tl.minimum(share(total, uniform), total - 1)
        chunk = tl.sum((tl.cumsum(sums, 0) <= target).to(tl.int32), 0)
        before = tl.sum(tl.where(every < chunk, sums, 0), 0)
        ids = chunk * CHUNK + tl.arange(0, CHUNK)
        x = load_row(logits, masks, masked, row, ids, vocab, row_step, mask_step)
        running = before + tl.cumsum(weigh(depth(x, top, inverse)), 0)
        place = tl.sum((running <= target).to(tl.int32), 0)
        tl.store(out + row, (chunk * CHUNK + place).to(tl.int64))
    else:
        top_k, most, least = row_limits(top_ks, top_ps, min_ps, row, total, vocab)
        end_first = tl.load(zones + row * NOTES)
        end_last = tl.load(zones + row * NOTES + 1)
        token_first = tl.load(zones + row * NOTES + 2)
        token_last = tl.load(zones + row * NOTES + 3)
        rank = tl.load(zones + row * NOTES + 4)
        number = tl.load(found + row)
        heads = row * chunks + every
        early = tl.sum(tl.load(before_end + heads, mask=real, other=0), 0)
        kept, _ = search_row(
            logits, masks, masked, candidates, row, number, vocab, row_step, mask_step,
            top, inverse, end_first, end_last, least, rank, early, top_k, most, BLOCK, ROOM,
        )  # fmt: skip
        target = tl.minimum(share(kept, uniform), kept - 1)
        early = tl.sum(tl.load(before_token + heads, mask=real, other=0), 0)
        _, order = search_row(
            logits, masks, masked, candidates, row, number, vocab, row_step, mask_step,
            top, inverse, token_first, token_last, 0, 0, early, vocab + 1, target, BLOCK, ROOM,
        )  # fmt: skip
        tl.store(out + row, (order & LAST_ID) ^ LAST_ID)
