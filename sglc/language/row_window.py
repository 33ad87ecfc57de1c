"""Rows of a batch under way: how many, which of them have ended, and cancelling the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from queue import Empty, SimpleQueue

from sglc.execution.pending import LOOK_UP, Pending
from sglc.execution.session import Session
from sglc.language.state import ProgramState


class Row:
    """A row that has begun; `ended` is there when its body and all its generations are done."""

    __slots__ = ("ended", "state")

    def __init__(self, state: ProgramState, ended: Pending[None]) -> None:
        self.state = state
        self.ended = ended


class RowWindow:
    """
    Begins rows in order and hands them out in order, at most `size` of them under way.

    At most `ahead` rows have begun and are not yet handed out. One thread uses it; rows end on
    any. Rows that are not handed out yet stay known, so that they can be cancelled.
    """

    def __init__(
        self,
        make: Callable[[int], Row],
        start: Callable[[int, Row], None],
        size: int,
        ahead: int | None,
    ) -> None:
        self._make = make
        self._begin = start
        self._size = size
        self._ahead = ahead
        self._under_way: dict[int, Session] = {}
        # No Condition: an interrupt may leave its lock taken.
        self._ended: SimpleQueue[int] = SimpleQueue()

    def rows(self, numbers: Iterable[int]) -> Iterator[Row]:
        """All rows in order; one may be handed out before it has ended."""
        begun: deque[Row] = deque()
        for number in numbers:
            while not self._has_room(begun):
                if begun[0].ended.done() or len(begun) == self._ahead:
                    yield begun.popleft()
                else:
                    self._wait()
            begun.append(self._start(number))
        while begun:
            yield begun.popleft()

    def cancel(self) -> None:
        """Stop the requests of all rows that are under way."""
        for session in list(self._under_way.values()):
            session.cancel()

    def _has_room(self, begun: deque[Row]) -> bool:
        if self._ahead is not None and len(begun) >= self._ahead:
            return False
        while len(self._under_way) >= self._size:
            try:
                self._forget(self._ended.get_nowait())
            except Empty:
                return False
        return True

    def _wait(self) -> None:
        """Wait a moment for a row to end."""
        try:
            self._forget(self._ended.get(timeout=LOOK_UP))
        except Empty:
            return

    def _forget(self, number: int) -> None:
        self._under_way.pop(number, None)

    def _start(self, number: int) -> Row:
        row = self._make(number)
        # Known before it begins: an interrupt at any moment finds all that have begun.
        self._under_way[number] = row.state.handle.session
        row.ended.add_done_callback(partial(self._has_ended, number))
        self._begin(number, row)
        return row

    def _has_ended(self, number: int, _: Pending[None]) -> None:
        self._ended.put(number)
