"""
Merge the partial results of rows by their log-sum-exp.

The order of a row's parts is the order of their positions, so that its sum has one order.
"""

from __future__ import annotations

from dataclasses import dataclass

import triton
import triton.language as tl
from torch import Tensor

from sglc_runtime.kernels.triton.attend import Partials
from sglc_runtime.kernels.triton.launch import launch
from sglc_runtime.kernels.triton.tile import LOG2_E


@triton.jit
def merge_kernel(
    partial, lse, rows, part_starts, parts, own_parts, sinks, out, heads, out_step,
    DIM: tl.constexpr, WIDE: tl.constexpr, PARTS: tl.constexpr,
    SINKS: tl.constexpr, SOME: tl.constexpr, LISTED: tl.constexpr, OWN: tl.constexpr,
):  # fmt: skip
    """
    Grid (rows to merge, H); `partial` [partials, H, D], `lse` [partials, H], `out` [T, H, D].

    A row has the parts of its list (`LISTED`), and then its own (`OWN`), which lie side by side;
    `PARTS` of them are read at a time. With `OWN`, a single part is in `out` already.
    """
    entry = tl.program_id(0)
    head = tl.program_id(1)
    row = tl.load(rows + entry) if SOME else entry
    d = tl.arange(0, WIDE)
    in_dim = d < DIM
    begin = 0
    count = 0
    listed = 0
    own = 0
    if LISTED:
        begin = tl.load(part_starts + entry)
        listed = tl.load(part_starts + entry + 1) - begin
        count = listed
    if OWN:
        own = tl.load(own_parts + entry)
        count += tl.load(own_parts + entry + 1) - own
        if count == 1:
            count = 0
    highest = -float("inf")
    total = 0.0
    if SINKS:
        # A logit that takes part in the softmax and has no value (gpt-oss).
        highest = tl.load(sinks + head).to(tl.float32) * LOG2_E
        total = 1.0
    sums = tl.zeros((WIDE,), tl.float32)
    for first in range(0, count, PARTS):
        index = first + tl.arange(0, PARTS)
        exists = index < count
        part = own + index - listed
        if LISTED:
            in_list = index < listed
            part = tl.where(in_list, tl.load(parts + begin + index, mask=in_list, other=0), part)
        at = part.to(tl.int64) * heads + head
        size = tl.load(lse + at, mask=exists, other=-float("inf"))
        new_highest = tl.maximum(highest, tl.max(size, 0))
        base = tl.where(new_highest == -float("inf"), 0.0, new_highest)
        shrink = tl.exp2(highest - base)
        weight = tl.exp2(size - base)
        inside = exists[:, None] & in_dim[None, :]
        values = tl.load(partial + at[:, None] * DIM + d[None, :], mask=inside, other=0.0)
        sums = sums * shrink + tl.sum(values * weight[:, None], 0)
        total = total * shrink + tl.sum(weight, 0)
        highest = new_highest
    if count > 0:
        divisor = tl.where(total > 0.0, total, 1.0)
        place = out + row.to(tl.int64) * out_step + head * DIM
        tl.store(place + d, (sums / divisor).to(out.dtype.element_ty), mask=in_dim)


@dataclass(frozen=True, slots=True)
class Parts:
    """Which partial results each row has."""

    part_starts: Tensor | None = None
    """int32 [N + 1]: where the list of each row begins in `parts`."""
    parts: Tensor | None = None
    """int32: indices of partial results, by row and then by position."""
    own_parts: Tensor | None = None
    """int32 [N + 1]: behind its list a row has the results between two of these."""
    rows: Tensor | None = None
    """int32 [N]: the rows of the output; None are all of them."""


def merge(
    partials: Partials,
    of: Parts,
    out: Tensor,
    sinks: Tensor | None = None,
    *,
    at_once: int = 16,
) -> None:
    """
    Fill the rows of `out` [T, H, D] that `of` names; `sinks` [H].

    `at_once` parts of a row are added up together, in an order of their own; with 1 each is added
    to those before it, so that parts which weigh nothing change no bit.
    """
    count, heads, dim = out.shape
    launch(
        merge_kernel, (count if of.rows is None else len(of.rows), heads),
        *partials, *(
            partials.lse if table is None else table
            for table in (of.rows, of.part_starts, of.parts, of.own_parts, sinks)
        ),
        out, heads, out.stride(0),
        DIM=dim, WIDE=triton.next_power_of_2(dim), PARTS=at_once, SINKS=sinks is not None,
        SOME=of.rows is not None, LISTED=of.parts is not None, OWN=of.own_parts is not None,
        warps=1,
    )  # fmt: skip
