"""
One tile of attention: some query rows, with all query heads of a KV head, against some keys.

Every attention kernel is built from this function. Softmax is online over blocks of keys
(FlashAttention, arXiv 2205.14135) and in base 2. Rows and heads are one dimension of the tile, so
that any number of query heads for a KV head fits.
"""

from __future__ import annotations

import triton
import triton.language as tl

from sglc_runtime.kernels.triton.rounding import from_pool

LOG2_E = tl.constexpr(1.4426950408889634)


@triton.jit
def attend_block(
    q, keys, values, slots, masks, position, first, count, start,
    slot_step, scale, softcap, window, mask_step, mask_at, masked, highest, total, sums,
    GROUP: tl.constexpr, DIM: tl.constexpr, WIDE: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr,
    WINDOW: tl.constexpr, SOFTCAP: tl.constexpr, MASKS: tl.constexpr, WHOLE: tl.constexpr,
    MANTISSA: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """
    Take in the keys [first, first + BLOCK_N) of a piece; returns the new (highest, total, sums).

    `WHOLE`: every row sees every one of them. The sums of a row are the same bits with and without
    it: what is not seen adds zeros, and products that are fused with sums are so in both.
    """
    d = tl.arange(0, WIDE)
    index = first + tl.arange(0, BLOCK_N)
    # Behind the last key its neighbour is read again: it is a number, unlike an unused slot.
    at = index if WHOLE else tl.minimum(index, count - 1)
    place = tl.load(slots + at).to(tl.int64) * slot_step
    if DIM == WIDE:
        k = tl.load(keys + place[:, None] + d[None, :])
        v = tl.load(values + place[:, None] + d[None, :])
    else:
        in_dim = (d < DIM)[None, :]
        k = tl.load(keys + place[:, None] + d[None, :], mask=in_dim, other=0.0)
        v = tl.load(values + place[:, None] + d[None, :], mask=in_dim, other=0.0)
    k = from_pool(k, q.dtype, MANTISSA)
    v = from_pool(v, q.dtype, MANTISSA)
    scores = tl.dot(q, tl.trans(k), input_precision=PRECISION)
    if SOFTCAP:
        # tanh(x) = 1 - 2 / (exp(2x) + 1), which neither overflows to NaN nor loses its sign.
        scores = 1.0 - 2.0 / (tl.exp2(scores * (scale / softcap * (2.0 * LOG2_E))) + 1.0)
        unit = softcap * LOG2_E
    else:
        unit = scale * LOG2_E
    if not WHOLE:
        key = start + index
        visible = key[None, :] <= position[:, None]
        if WINDOW:
            visible = visible & (key[None, :] > position[:, None] - window)
        if MASKS:
            row = tl.arange(0, BLOCK_M) // GROUP
            word = masks + mask_at + row[:, None] * mask_step + index[None, :] // 32
            inside = (position >= 0)[:, None] & (index < masked)[None, :]
            bits = tl.load(word, mask=inside, other=-1) >> (index % 32)[None, :]
            visible = visible & ((bits & 1) != 0)
        visible = visible & (index < count)[None, :]
        scores = tl.where(visible, scores, -float("inf"))
    new_highest = tl.maximum(highest, tl.max(scores, 1) * unit)
    # A row that has seen no key yet has no maximum to subtract.
    base = tl.where(new_highest == -float("inf"), 0.0, new_highest)
    weights = tl.exp2(tl.fma(scores, unit, -base[:, None]))
    shrink = tl.exp2(highest - base)
    total = tl.fma(total, shrink, tl.sum(weights, 1))
    sums = tl.dot(weights.to(q.dtype), v, acc=sums * shrink[:, None], input_precision=PRECISION)
    return new_highest, total, sums


@triton.jit
def attend_tile(
    query, keys, values, entry, slots, positions, masks, sinks, out, partial, lse, head,
    query_step, out_step, slot_step, scale, softcap, window, heads,
    GROUP: tl.constexpr, DIM: tl.constexpr, WIDE: tl.constexpr,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr,
    WINDOW: tl.constexpr, SOFTCAP: tl.constexpr, SINKS: tl.constexpr, MASKS: tl.constexpr,
    UPCAST: tl.constexpr, MANTISSA: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """
    Attend one piece, whose 8 numbers are at `entry` (see `Column`), for the KV head `head`.

    `keys` and `values` begin at the head. A piece that has all keys of its rows goes to `out`
    [T, H, D], any other to `partial` [partials, H, D] and `lse` [partials, H] (base 2), float32.
    """
    first_row = tl.load(entry)
    rows = tl.load(entry + 1)
    slots += tl.load(entry + 2)
    count = tl.load(entry + 3)
    start = tl.load(entry + 4)

    m = tl.arange(0, BLOCK_M)
    d = tl.arange(0, WIDE)
    row = m // GROUP
    query_head = head * GROUP + m % GROUP
    real = row < rows
    inside = real[:, None] & (d < DIM)[None, :]
    position = tl.load(positions + first_row + row, mask=real, other=-1).to(tl.int32)
    at = (first_row + row).to(tl.int64) * query_step + query_head * DIM
    q = tl.load(query + at[:, None] + d[None, :], mask=inside, other=0.0)
    if UPCAST:
        q = q.to(tl.float32)

    masked = 0
    mask_at = 0
    mask_step = 0
    if MASKS:
        mask_at = tl.load(entry + 6)
        mask_step = tl.cdiv(count, 32)
        if mask_at >= 0:
            # Nothing but the mask hides a key.
            masked = count
            start = 0
            position = tl.where(real, 1 << 30, -1)
            window = 0x7FFFFFFF

    # Blocks [begin, edge) and [whole, end) have keys that some row does not see; blocks between
    # are seen whole by all rows. All four are multiples of BLOCK_N except `end`.
    highest_position = tl.max(position, 0)
    lowest_position = tl.min(tl.where(real, position, highest_position), 0)
    end = tl.minimum(count, highest_position + 1 - start)
    whole = tl.maximum(tl.minimum(count, lowest_position + 1 - start), 0) // BLOCK_N * BLOCK_N
    begin = 0
    edge = 0
    if WINDOW:
        begin = tl.maximum(lowest_position + 1 - window - start, 0) // BLOCK_N * BLOCK_N
        edge = tl.cdiv(tl.maximum(highest_position + 1 - window - start, 0), BLOCK_N) * BLOCK_N
    if MASKS:
        whole = tl.where(masked > 0, 0, whole)

    highest = tl.full((BLOCK_M,), -float("inf"), tl.float32)
    total = tl.zeros((BLOCK_M,), tl.float32)
    sums = tl.zeros((BLOCK_M, WIDE), tl.float32)
    if WINDOW:
        for first in range(begin, tl.minimum(edge, end), BLOCK_N):
            highest, total, sums = attend_block(
                q, keys, values, slots, masks, position, first, count, start,
                slot_step, scale, softcap, window, mask_step, mask_at, masked, highest, total, sums,
                GROUP, DIM, WIDE, BLOCK_M, BLOCK_N, WINDOW, SOFTCAP, MASKS, False,
                MANTISSA, PRECISION,
            )  # fmt: skip
    for first in range(tl.maximum(begin, edge), whole, BLOCK_N):
        highest, total, sums = attend_block(
            q, keys, values, slots, masks, position, first, count, start,
            slot_step, scale, softcap, window, mask_step, mask_at, masked, highest, total, sums,
            GROUP, DIM, WIDE, BLOCK_M, BLOCK_N, WINDOW, SOFTCAP, MASKS, True, MANTISSA, PRECISION,
        )  # fmt: skip
    for first in range(tl.maximum(tl.maximum(begin, edge), whole), end, BLOCK_N):
        highest, total, sums = attend_block(
            q, keys, values, slots, masks, position, first, count, start,
            slot_step, scale, softcap, window, mask_step, mask_at, masked, highest, total, sums,
            GROUP, DIM, WIDE, BLOCK_M, BLOCK_N, WINDOW, SOFTCAP, MASKS, False, MANTISSA, PRECISION,
        )  # fmt: skip

    seen = total > 0.0
    divisor = tl.where(seen, total, 1.0)
    sums *= (1.0 / divisor)[:, None]
    size = tl.where(seen, highest + tl.log2(divisor), -float("inf"))
    if tl.load(entry + 7) == 1:
        if SINKS:
            # As `merge_kernel` does it for a single part, to the bit.
            sink = tl.load(sinks + query_head).to(tl.float32) * LOG2_E
            base = tl.maximum(size, sink)
            weight = tl.exp2(size - base)
            sums = sums * weight[:, None] / (tl.exp2(sink - base) + weight)[:, None]
        target = (first_row + row).to(tl.int64) * out_step + query_head * DIM
        tl.store(out + target[:, None] + d[None, :], sums.to(out.dtype.element_ty), mask=inside)
    else:
        result = (tl.load(entry + 5) + row).to(tl.int64) * heads + query_head
        tl.store(partial + result[:, None] * DIM + d[None, :], sums, mask=inside)
        tl.store(lse + result, size, mask=real)
