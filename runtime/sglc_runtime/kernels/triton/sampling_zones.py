"""
Where in a row's order the last kept token and the drawn one can be, from counts of bins alone.

Bins are of logits, likelier tokens never in later ones, and weights of one bin differ by a twelfth
of a factor of two at most. So the counts bound the weight up to each bin from both sides, and two
short stretches of bins, *zones*, contain the end of what is kept and the token that noise chooses.
This is one pass of bucket selection (Alabi et al., "Fast k-selection algorithms for graphics
processing units", JEA 2012), of tokens by their number and by their weight at once.
"""

from __future__ import annotations

import triton
import triton.language as tl

from sglc_runtime.kernels.triton.sampling_row import BINS, STEPS, share, weigh

SLACK = tl.constexpr(4096)
"""More than float64 may be off by in shares of 2^62."""


@triton.jit
def find_zones(counts, total, top_k, most, least, uniform):
    """
    First and last bin of the end of what is kept, the same of the token, and the tokens in bins
    before the end's first.

    `counts` int32 [BINS]; the others as `row_limits` gives them. All arithmetic but the share is of
    integers; edges of bins are moved by a hundredth for the rounding of exponentials.
    """
    bins = tl.arange(0, BINS)
    lower = weigh((bins + 1.01) / STEPS)
    upper = weigh(tl.maximum(bins - 0.01, 0.0) / STEPS)
    low = tl.cumsum(counts * lower, 0)
    high = tl.cumsum(counts * upper, 0)
    # The rest of the row bounds what is before it as well.
    rest_low, rest_high = tl.max(low, 0) - low, tl.max(high, 0) - high
    low = tl.maximum(low, total - rest_high)
    high = tl.minimum(high, total - rest_low)
    ranks = tl.cumsum(counts, 0)

    by_rank = tl.sum((ranks < top_k).to(tl.int32), 0)
    end_first = tl.minimum(by_rank, tl.sum((high <= most).to(tl.int32), 0))
    end_first = tl.minimum(end_first, tl.sum((lower >= least).to(tl.int32), 0))
    end_last = tl.minimum(by_rank, tl.sum((low <= most).to(tl.int32), 0))
    end_last = tl.minimum(end_last, tl.sum((upper >= least).to(tl.int32), 0))
    end_last = tl.minimum(end_last, BINS - 1)

    kept_least = tl.sum(tl.where(bins == end_first - 1, low, 0), 0)
    kept_most = tl.sum(tl.where(bins == end_last, high, 0), 0)
    early = share(kept_least, uniform) - SLACK
    late = share(kept_most, uniform) + SLACK
    token_first = tl.sum((high <= early).to(tl.int32), 0)
    token_last = tl.minimum(tl.sum((low <= late).to(tl.int32), 0), end_last)
    before = tl.sum(tl.where(bins == end_first - 1, ranks, 0), 0)
    return end_first, end_last, token_first, token_last, before
