"""
What the sampling kernels share: a row's logits under its mask, weights, noise, and an order.

Weights are e^((x - largest) / temperature) as integers of 2^-42. Sums of integers have no order, so
a row's sums agree between kernels and cuts to the last bit, and no token is lost between two sums
of the same weights. A weight below 2^-42 of the largest is 0: such tokens do not come. With 2^20
tokens the rounding of all weights together is below 2^-22 of the largest.
"""

from __future__ import annotations

import triton
import triton.language as tl

LOG2_E = tl.constexpr(1.4426950408889634)
ONE = tl.constexpr(4398046511104.0)
"""The largest weight: 2^42."""
ID_BITS = tl.constexpr(20)
LAST_ID = tl.constexpr((1 << 20) - 1)
STEPS = tl.constexpr(12.0)
"""Bins for a factor of two: weights of 1 to 2^-42 take 504."""
BINS = tl.constexpr(512)
"""The last one is of tokens that do not come."""


@triton.jit
def load_row(logits, masks, masked, row, ids, vocab, row_step, mask_step):
    """Float32 logits of `ids` in a row; -inf outside, where forbidden, and for NaN."""
    inside = ids < vocab
    x = tl.load(logits + row.to(tl.int64) * row_step + ids, mask=inside, other=-float("inf"))
    x = x.to(tl.float32)
    # A block of one number: the interpreter cannot join a single truth value with a block.
    limited = tl.load(masked + row) + tl.zeros_like(ids) != 0
    words = masks + row.to(tl.int64) * mask_step + ids // 32
    word = tl.load(words, mask=inside & limited, other=-1)
    allowed = ((word >> (ids % 32)) & 1) != 0
    # -0.0 becomes 0.0: both are one number, and their order is that of their ids.
    x = tl.where(x == 0.0, 0.0, x)
    return tl.where(allowed & (x == x), x, -float("inf"))


@triton.jit
def depth(x, largest, inverse):
    """How many factors of two a logit's weight lies below the largest."""
    return (largest - x) * (inverse * LOG2_E)


@triton.jit
def weigh(below):
    """int64 weights from depths."""
    return (tl.exp2(-below) * ONE).to(tl.int64)


@triton.jit
def bin_of(below):
    """int32 bins from depths; likelier tokens are never in later bins."""
    return tl.minimum(below * STEPS, BINS - 1.0).to(tl.int32)


@triton.jit
def ordered(x, ids):
    """int64 numbers in the order of logits and, among equals, of ids from the last to the first."""
    bits = x.to(tl.int32, bitcast=True)
    key = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).to(tl.int64) + 2147483648
    return (key << ID_BITS) | (ids ^ LAST_ID).to(tl.int64)


@triton.jit
def logit_of(order):
    """The logit from a number of `ordered`."""
    key = ((order >> ID_BITS) - 2147483648).to(tl.int32)
    return (key ^ ((key >> 31) & 0x7FFFFFFF)).to(tl.float32, bitcast=True)


@triton.jit
def is_whole(top_ks, top_ps, min_ps, row, vocab):
    """Whether a row has neither top-k nor top-p nor min-p."""
    top_k = tl.load(top_ks + row)
    every = (top_k <= 0) | (top_k >= vocab)
    return every & (tl.load(top_ps + row) >= 1.0) & (tl.load(min_ps + row) <= 0.0)


@triton.jit
def row_limits(top_ks, top_ps, min_ps, row, total, vocab):
    """Tokens, weight before a token, and weight of a token that a row keeps, as integers."""
    top_k = tl.load(top_ks + row)
    top_k = tl.where(top_k > 0, top_k, vocab)
    top_p = tl.load(top_ps + row)
    most = tl.where(top_p < 1.0, share(total, top_p.to(tl.float64)), total)
    return top_k, most, (tl.load(min_ps + row) * ONE).to(tl.int64)


@triton.jit
def draw_uniform(keys, samples, tokens, row):
    """Float64 uniform of 53 bits in [0, 1): the row's noise, as in `sampling/philox.py`."""
    token = tl.load(tokens + row)
    low = (token & 0xFFFFFFFF).to(tl.uint32)
    high = ((token >> 32) & 0xFFFFFFFF).to(tl.uint32)
    sample = (tl.load(samples + row) & 0xFFFFFFFF).to(tl.uint32)
    first, second, _, _ = tl.philox(tl.load(keys + row), low, high, sample, sample * 0)
    bits = ((first.to(tl.uint64) << 32) | second.to(tl.uint64)) >> 11
    return bits.to(tl.int64).to(tl.float64) * 1.1102230246251565e-16


@triton.jit
def share(total, part):
    """floor(part * total) as float64 computes it; `total` int64, `part` float64."""
    return (total.to(tl.float64) * part).to(tl.int64)
