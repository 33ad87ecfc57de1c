"""
What decode attention reads of a step: tensors on the device, at fixed addresses.

Nothing here is a Python list, so a CUDA graph of the step stays valid while its contents change:
the number of splits is chosen on the device, from `positions`.

The tables of `SharedPieces` and `own_starts` come from one pure function on the host, called when
the members of the batch or the radix tree change:

    shared_plan.plan_shared(runs, positions, table_rows, shape, *, width, rows=None, window=None)
        -> SharedPlan(table [P, 8], part_starts [B + 1], parts [K], own_starts [B]; count)

`runs` are the tree's over the rows of the step, in row order (`Packer`), `table_rows` the rows of
`slot_table` [N, width] that they have, `rows` = B with padding, `shape` a `TreeShape` with the room
of the tables and what the device runs at once. `count` is 0 where nothing is worth sharing: a step
without `shared` is right then, with `own_starts` all 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class SharedPieces:
    """
    Stretches of keys that several rows share, planned on the host when the members of a batch
    change; they stay the same from token to token.
    """

    table: Tensor
    """int32 [S, 8]: a piece each, columns as in `pieces.Column`; slots lie in `slot_table`."""
    count: Tensor
    """int32 [1]: how many rows of `table` there are now."""
    part_starts: Tensor
    """int32 [B + 1]: where each row's list in `parts` begins."""
    parts: Tensor
    """int32 [K]: indices of the shared pieces' partial results, by row and then by position."""


@dataclass(frozen=True, slots=True)
class DecodeInputs:
    """
    One row for each sequence: B of them, of which any number may be padding.

    A padding row has position 0, `own_starts` 0, and a slot of its own that nothing else uses.
    """

    positions: Tensor
    """int64 [B]: position of the row's id; it attends to positions up to it."""
    out_slots: Tensor
    """int64 [B]: where its key and value go; already in `slot_table` when attention runs."""
    table_rows: Tensor
    """int32 [B]: its row of `slot_table`."""
    slot_table: Tensor
    """int32 [N, C]: the pool slot of every position of N sequences."""
    own_starts: Tensor
    """int32 [B]: positions below are in shared pieces, those from here on its own."""
    shared: SharedPieces | None = None
