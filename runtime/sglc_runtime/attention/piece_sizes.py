"""How many keys pieces have, so that a device is filled and partial results stay cheap."""

from __future__ import annotations

from sglc_runtime.attention.segments import Segment
from sglc_runtime.attention.sharing import TileShape


class Sizes:
    """Sizes of the pieces of one batch."""

    def __init__(
        self, segments: list[Segment], shape: TileShape, without: set[tuple[int, int]]
    ) -> None:
        """Rows `without` pieces take no program of them."""
        work = sum(
            -(-(last - first) // shape.tile_rows) * (end - start)
            for first, last, start, end, _ in segments
            if (first, last) not in without
        )
        self.tile_rows = shape.tile_rows
        self.block = shape.block
        self.key, self.partial = shape.traffic.key, shape.traffic.partial
        self.longest = max(shape.shortest, -(-work * shape.kv_heads // shape.programs))
        """Keys of a piece, so that every program of the device has some."""
        self.few = _with_slack(shape.shortest)
        """Keys that are not worth a piece of their own."""
        # Partial results of a piece are not to cost more than its keys.
        self._target = [
            max(self.longest, rows * self.partial // self.key)
            for rows in range(shape.tile_rows + 1)
        ]
        self.uncut = [*map(_with_slack, self._target)]
        """Keys up to which so many rows, those of a tile at most, have one piece."""

    def even(self, keys: int, rows: int) -> int:
        """Keys of the pieces that `keys` keys are cut into: all of one size but the last."""
        if keys <= self.uncut[rows]:
            return keys
        most = self._target[rows]
        even = -(-keys // -(-keys // most))
        return -(-even // self.block) * self.block

    def whole(self, keys: int, common: int, rows: int) -> bool:
        """
        Whether `common` keys of all of some rows, and `keys` that some have, are one piece.

        Branches that are long next to what they share are better in pieces of their own, which run
        side by side and have rows that see all of their keys.
        """
        return keys <= max(self.few, common) and keys + common <= self.uncut[rows]


def _with_slack(keys: int) -> int:
    """A little more than `keys`: what is left over would be a small piece."""
    return keys + keys // 2
