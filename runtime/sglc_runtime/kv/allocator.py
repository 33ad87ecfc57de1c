"""Hands out token slots of the KV pool as contiguous extents."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush, heapreplace
from typing import NamedTuple


class Extent(NamedTuple):
    """`length` neighbouring slots from `start` on."""

    start: int
    length: int


class PoolExhaustedError(Exception):
    """Fewer slots are free than were asked for."""


class ExtentAllocator:
    """
    Free space as maximal gaps (boundary tags, Knuth 2.5), page size 1: a token is a slot.

    Attention reads a sequence fastest when its slots are neighbours, so a new extent is placed in
    the middle of the largest gap when there is plenty of room: it and its left neighbour can both
    grow in place, and nothing needs to be reserved.

    The largest gap is found in a heap whose entries name a gap by its end, which growing does not
    move: a gap that has shrunk keeps its entry, as an upper bound that is put right when it comes
    up. Only gaps that are new or larger than before get an entry.
    """

    __slots__ = ("_end_of", "_heap", "_start_of", "free", "num_slots")

    def __init__(self, num_slots: int) -> None:
        if num_slots < 1:
            raise ValueError(f"a pool needs at least one slot, not {num_slots}")
        self.num_slots = num_slots
        self._end_of: dict[int, int] = {}
        self._start_of: dict[int, int] = {}
        self._heap: list[tuple[int, int]] = []
        """(-length at most, end) of every gap, and stale entries."""
        self.free = 0
        self.reset()

    def reset(self) -> None:
        """Forget every allocation."""
        self._end_of = {0: self.num_slots}
        self._start_of = {self.num_slots: 0}
        self._heap = [(-self.num_slots, self.num_slots)]
        self.free = self.num_slots

    def grow(self, end: int) -> bool:
        """Take slot `end` if it is free: the extent that ends there becomes one slot longer."""
        gap_end = self._end_of.pop(end, None)
        if gap_end is None:
            return False
        if gap_end > end + 1:
            self._end_of[end + 1] = gap_end
            self._start_of[gap_end] = end + 1
        else:
            del self._start_of[gap_end]
        self.free -= 1
        return True

    def allocate(self, count: int, after: int | None = None) -> list[Extent]:
        """
        `count` slots in as few extents as the gaps allow, the first one at `after` if that is free.

        Raises PoolExhaustedError, and takes nothing, when fewer than `count` slots are free.
        """
        if count > self.free:
            raise PoolExhaustedError(f"{count} slots wanted, {self.free} of {self.num_slots} free")
        extents: list[Extent] = []
        if count and after is not None and after in self._end_of:
            extents.append(self._take(after, after, min(count, self._end_of[after] - after)))
            count -= extents[0].length
        while count:
            gap, gap_end = self._largest()
            room = gap_end - gap
            start = gap + (room - count) // 2 if gap and room >= 4 * count else gap
            extents.append(self._take(gap, start, min(count, gap_end - start)))
            count -= extents[-1].length
        return extents

    def release(self, extents: Iterable[tuple[int, int]]) -> None:
        """Give extents back; they join the gaps beside them."""
        for start, length in extents:
            if not length:
                continue
            end = start + length
            self.free += length
            before = self._start_of.pop(start, None)
            if before is not None:
                start = before
            behind = self._end_of.pop(end, None)
            if behind is not None:
                end = behind
            self._end_of[start] = end
            self._start_of[end] = start
            self._offer(start, end)

    def gaps(self) -> list[Extent]:
        """All free extents by address."""
        return [Extent(start, self._end_of[start] - start) for start in sorted(self._end_of)]

    def _take(self, gap: int, start: int, length: int) -> Extent:
        gap_end = self._end_of.pop(gap)
        del self._start_of[gap_end]
        if start > gap:
            self._end_of[gap] = start
            self._start_of[start] = gap
        if start + length < gap_end:
            self._end_of[start + length] = gap_end
            self._start_of[gap_end] = start + length
        if start > gap:
            self._offer(gap, start)
        self.free -= length
        return Extent(start, length)

    def _offer(self, start: int, end: int) -> None:
        if len(self._heap) > 64 + 4 * len(self._end_of):
            self._heap = [(first - last, last) for first, last in self._end_of.items()]
            heapify(self._heap)
        else:
            heappush(self._heap, (start - end, end))

    def _largest(self) -> tuple[int, int]:
        """Start and end of the largest gap, the first of several. There is one."""
        heap = self._heap
        while True:
            known, end = heap[0]
            start = self._start_of.get(end)
            if start is None:
                heappop(heap)
            elif start - end != known:
                heapreplace(heap, (start - end, end))
            else:
                return start, end
