"""Sampling, third kernel: the few tokens of truncated rows among which both searches end."""

from __future__ import annotations

import triton
import triton.language as tl

from sglc_runtime.kernels.triton.sampling_row import (
    BINS,
    bin_of,
    depth,
    draw_uniform,
    is_whole,
    load_row,
    ordered,
    row_limits,
    weigh,
)
from sglc_runtime.kernels.triton.sampling_zones import find_zones

NOTES = tl.constexpr(8)


@triton.jit
def gather_kernel(
    logits, masks, masked, inverse_temperatures, top_ks, top_ps, min_ps, keys, samples, tokens,
    tops, masses, counts, before_token, before_end, zones, found, candidates,
    vocab, row_step, mask_step, chunks,
    CHUNK: tl.constexpr, CHUNKS: tl.constexpr, ROOM: tl.constexpr,
):  # fmt: skip
    """
    Grid (chunks, B). `before_token` and `before_end` int64 [B, chunks]: a chunk's weight before
    each zone. `zones` int32 [B, NOTES]: what `find_zones` gives. `found` int32 [B]: how many
    tokens the zones hold, and `candidates` int64 [B, ROOM] these in `ordered` form, in any order.
    Where there are more than ROOM, the last kernel reads the row itself.
    """
    chunk = tl.program_id(0)
    row = tl.program_id(1)
    inverse = tl.load(inverse_temperatures + row)
    # Before anything else is waited for: most steps have no row that is truncated.
    if (inverse == 0.0) | is_whole(top_ks, top_ps, min_ps, row, vocab):
        return
    every = tl.arange(0, CHUNKS)
    real = every < chunks
    top = tl.max(tl.load(tops + row * chunks + every, mask=real, other=-float("inf")), 0)
    if tl.abs(top) == float("inf"):
        return
    total = tl.sum(tl.load(masses + row * chunks + every, mask=real, other=0), 0)
    top_k, most, least = row_limits(top_ks, top_ps, min_ps, row, total, vocab)
    end_first, end_last, token_first, token_last, rank = find_zones(
        tl.load(counts + row * BINS + tl.arange(0, BINS)), total, top_k, most, least,
        draw_uniform(keys, samples, tokens, row),
    )  # fmt: skip
    if chunk == 0:
        tl.store(zones + row * NOTES, end_first)
        tl.store(zones + row * NOTES + 1, end_last)
        tl.store(zones + row * NOTES + 2, token_first)
        tl.store(zones + row * NOTES + 3, token_last)
        tl.store(zones + row * NOTES + 4, rank)
    ids = chunk * CHUNK + tl.arange(0, CHUNK)
    x = load_row(logits, masks, masked, row, ids, vocab, row_step, mask_step)
    below = depth(x, top, inverse)
    weights = weigh(below)
    bins = bin_of(below)
    early = tl.sum(tl.where(bins < token_first, weights, 0), 0)
    tl.store(before_token + row * chunks + chunk, early)
    early = tl.sum(tl.where(bins < end_first, weights, 0), 0)
    tl.store(before_end + row * chunks + chunk, early)
    in_end = (bins >= end_first) & (bins <= end_last)
    in_token = (bins >= token_first) & (bins <= token_last)
    wanted = (in_end | in_token) & (weights > 0)
    place = tl.cumsum(wanted.to(tl.int32), 0)
    number = tl.max(place, 0)
    if number > 0:
        place += tl.atomic_add(found + row, number, sem="relaxed") - 1
        tl.store(
            candidates + row.to(tl.int64) * ROOM + place, ordered(x, ids),
            mask=wanted & (place < ROOM),
        )  # fmt: skip
