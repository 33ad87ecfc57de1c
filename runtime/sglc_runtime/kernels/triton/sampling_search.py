"""
The token of a truncated row by two searches in its order: where what is kept ends, and where noise
falls in it.

The order is that of `ordered`: numbers that no two tokens share. A search halves the interval of
such numbers and adds up, among the candidates, what lies before its middle, until one token is left
in the interval. Both limits of what is kept only cut off the end of the order, and so does noise.
"""

from __future__ import annotations

import triton
import triton.language as tl

from sglc_runtime.kernels.triton.sampling_row import (
    bin_of,
    depth,
    load_row,
    logit_of,
    ordered,
    weigh,
)

LAST = tl.constexpr(9223372036854775807)


@triton.jit
def load_candidates(
    logits, masks, masked, candidates, row, number, vocab, row_step, mask_step,
    start, top, inverse, first, last, least,
    BLOCK: tl.constexpr, ROOM: tl.constexpr,
):  # fmt: skip
    """
    Numbers in the order, and weights, of a block of candidates; -1 and 0 for those whose bin is not
    `first` to `last` or whose weight is below `least`.
    """
    at = start + tl.arange(0, BLOCK)
    if number <= ROOM:
        place = candidates + row.to(tl.int64) * ROOM + at
        order = tl.load(place, mask=at < number, other=0)
        x = tl.where(order > 0, logit_of(order), -float("inf"))
    else:
        x = load_row(logits, masks, masked, row, at, vocab, row_step, mask_step)
        order = ordered(x, at)
    below = depth(x, top, inverse)
    weights = weigh(below)
    bins = bin_of(below)
    inside = (bins >= first) & (bins <= last) & (weights >= least) & (weights > 0)
    return tl.where(inside, order, -1), tl.where(inside, weights, 0)


@triton.jit
def search_row(
    logits, masks, masked, candidates, row, number, vocab, row_step, mask_step,
    top, inverse, first, last, least, rank, mass, top_k, most,
    BLOCK: tl.constexpr, ROOM: tl.constexpr,
):  # fmt: skip
    """
    The end of the candidates in bins `first` to `last` that come before `top_k` and `most`.

    `rank` tokens of weight `mass` come before all of them. Returns the weight up to the last token
    that fits, and that token in the order; without any candidate `mass` and -1.
    """
    size = tl.where(number <= ROOM, number, vocab)
    lowest = tl.zeros_like(mass) + LAST
    highest = tl.zeros_like(mass) - 1
    everything = tl.zeros_like(mass)
    count = tl.zeros_like(size)
    for start in range(0, size, BLOCK):
        order, weights = load_candidates(
            logits, masks, masked, candidates, row, number, vocab, row_step, mask_step,
            start, top, inverse, first, last, least, BLOCK, ROOM,
        )  # fmt: skip
        lowest = tl.minimum(lowest, tl.min(tl.where(order >= 0, order, LAST), 0))
        highest = tl.maximum(highest, tl.max(order, 0))
        everything += tl.sum(weights, 0)
        count += tl.sum((order >= 0).to(tl.int32), 0)

    # Tokens above `low`, the one that ends what fits among them, number `count` and weigh
    # `everything`; `high` fits. The first step asks whether all fit.
    low = lowest - 1
    high = highest
    ahead = tl.zeros_like(count)
    middle = lowest
    while count - ahead > 1:
        tally = tl.zeros_like(count)
        sum = tl.zeros_like(mass)
        for start in range(0, size, BLOCK):
            order, weights = load_candidates(
                logits, masks, masked, candidates, row, number, vocab, row_step, mask_step,
                start, top, inverse, first, last, least, BLOCK, ROOM,
            )  # fmt: skip
            sum += tl.sum(tl.where(order > middle, weights, 0), 0)
            tally += tl.sum((order > middle).to(tl.int32), 0)
        if (rank + tally < top_k) & (mass + sum <= most):
            high = middle
            ahead = tally
        else:
            low = middle
            everything = sum
            count = tally
        middle = low + ((high - low) >> 1)

    found = tl.zeros_like(mass) - 1
    for start in range(0, size, BLOCK):
        order, _ = load_candidates(
            logits, masks, masked, candidates, row, number, vocab, row_step, mask_step,
            start, top, inverse, first, last, least, BLOCK, ROOM,
        )  # fmt: skip
        found = tl.maximum(found, tl.max(tl.where(order <= high, order, -1), 0))
    return mass + everything, found
