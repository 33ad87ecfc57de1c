"""The line of leaves that wait for eviction."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush

from sglc_runtime.kv.node import Node
from sglc_runtime.kv.policies import Rank

Entry = tuple[Rank, int, Node]
"""(rank when it joined, serial, leaf). Entries go stale; whoever pops one looks again."""


class Line:
    """
    A priority queue for entries that mostly come in order.

    Leaves join when they are left, and under any policy that looks at recency the last one left
    goes behind the others: such entries are appended to a queue in constant time. The few that
    must go between others are in a heap beside it.
    """

    __slots__ = ("_heap", "_queue")

    def __init__(self) -> None:
        self._queue: deque[Entry] = deque()
        self._heap: list[Entry] = []

    def __len__(self) -> int:
        return len(self._queue) + len(self._heap)

    def push(self, entry: Entry) -> None:
        """Join the line."""
        if self._queue and entry[:2] < self._queue[-1][:2]:
            heappush(self._heap, entry)
        else:
            self._queue.append(entry)

    def pop(self) -> Entry:
        """The lowest entry. There is one."""
        queue, heap = self._queue, self._heap
        if not heap or (queue and queue[0] < heap[0]):
            return queue.popleft()
        return heappop(heap)

    def refill(self, entries: Iterable[Entry]) -> None:
        """Start over with these."""
        self._queue = deque(sorted(entries))
        self._heap.clear()
