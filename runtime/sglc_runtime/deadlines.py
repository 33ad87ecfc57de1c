"""Which requests have run out of time: a pure decision on numbers that the caller reads."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from math import isfinite

from sglc_runtime.errors import RequestError
from sglc_runtime.request import Request


class Deadlines:
    """Open requests that have a deadline, the nearest first."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Request]] = []
        self._serial = count()

    def add(self, request: Request, now: float) -> None:
        """Watch `request`, submitted at `now`. Raises RequestError for a deadline that is none."""
        seconds = request.deadline
        if seconds is None:
            return
        if not (isfinite(seconds) and seconds > 0):
            raise RequestError("bad_request", f"a deadline must be positive, not {seconds} seconds")
        heappush(self._heap, (now + seconds, next(self._serial), request))

    def due(self, now: float) -> list[Request]:
        """Requests whose time is over at `now`, and which are watched no longer."""
        found: list[Request] = []
        while self._heap and self._heap[0][0] <= now:
            found.append(heappop(self._heap)[2])
        return found
