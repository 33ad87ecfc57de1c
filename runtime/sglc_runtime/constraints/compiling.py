"""Requests that wait for their grammar while others go on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING

from sglc_runtime.constraints.matcher import Constraint

if TYPE_CHECKING:
    from sglc_runtime.request import Request

SHORT = 0.005
"""Seconds that a request waits on the spot: most grammars are there by then."""


class Compiling:
    """Requests held back, in the order of arrival."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[Request, Future[Constraint]]] = {}

    @property
    def busy(self) -> bool:
        """Somebody waits."""
        return bool(self._held)

    def holds(self, request: Request, compiled: Future[Constraint] | None) -> bool:
        """Hold a request back until its grammar is compiled; False where it may go on."""
        if compiled is None or wait((compiled,), SHORT).done:
            return False
        self._held[request.id] = (request, compiled)
        return True

    def forget(self, request: Request) -> None:
        """The request has failed."""
        self._held.pop(request.id, None)

    def ready(self, patience: float) -> Iterator[Request]:
        """Requests that may go on; waits for the first of them where none may."""
        if not self._held:
            return
        futures = [future for _, future in self._held.values()]
        wait(futures, patience, FIRST_COMPLETED)
        for number, (request, future) in list(self._held.items()):
            if future.done():
                del self._held[number]
                yield request
