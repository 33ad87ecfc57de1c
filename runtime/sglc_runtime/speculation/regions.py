"""Which part of a draft model's pool holds which ids: one region of fixed size a sequence."""

from __future__ import annotations

from dataclasses import dataclass, field

from sglc_runtime.kv.node import common_length
from sglc_runtime.sequence import Sequence


@dataclass(slots=True, eq=False)
class Region:
    """Slots start .. start + size - 1; the first `read` of `ids` have keys and values there."""

    start: int
    size: int
    ids: list[int] = field(default_factory=list)
    read: int = 0
    agreed: int = 0
    """Ids that are certainly its owner's."""
    owner: Sequence | None = None
    used: int = 0


class Regions:
    """
    Gives every sequence a region while there are any. A region whose sequence has gone keeps its
    ids, so that who comes later with the same beginning goes on from them.
    """

    def __init__(self, count: int, size: int) -> None:
        self.size = size
        self.owned: dict[Sequence, Region] = {}
        self._all = [Region(number * size, size) for number in range(count)]
        self._clock = 0

    def nearest(self, ids: list[int]) -> tuple[Region, int]:
        """The region that begins most like `ids`, and how many ids of it can be used."""
        best, length = self._all[0], -1
        for region in self._all:
            common = min(region.read, common_length(region.ids, 0, ids, 0))
            if common > length or (common == length and best.owner and not region.owner):
                best, length = region, common
        return best, length

    def take(self, sequence: Sequence) -> tuple[Region, Region | None] | None:
        """
        A region for `sequence`, and one to copy the first `read` slots from; None if all are taken.
        """
        self._leave_behind()
        found, length = self.nearest(sequence.ids)
        source: Region | None = None
        if found.owner is not None:
            free = [region for region in self._all if region.owner is None]
            if not free:
                return None
            source = found if length else None
            found = min(free, key=lambda region: region.used)
            found.ids = sequence.ids[:length]
        found.owner = sequence
        found.read = found.agreed = length
        del found.ids[length:]
        self.owned[sequence] = found
        return found, source

    def touch(self, region: Region) -> None:
        """The region was used now."""
        self._clock += 1
        region.used = self._clock

    def _leave_behind(self) -> None:
        """Free the regions of sequences that ended or lost their slots."""
        for sequence in [sequence for sequence in self.owned if sequence.node is None]:
            self.owned.pop(sequence).owner = None
