"""The masks of a pass, filled by another thread while the model runs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from sglc_runtime.constraints.matcher import Constraint, Mask

MOST_THREADS = 8
"""Of llguidance; half of the cores at most, the others belong to the model."""


class MaskFiller:
    """
    One bitmap [rows, vocab / 32] of int32. `begin` starts filling, `finish` waits for it.

    llguidance releases the interpreter's lock, so the model runs meanwhile. What a mask says
    depends on its constraint alone, not on when it is computed.
    """

    def __init__(self, vocab_size: int) -> None:
        self._words = -(-vocab_size // 32)
        self._bitmap = np.zeros((0, self._words), dtype=np.int32)
        self._thread: ThreadPoolExecutor | None = None
        self._executor: Any = None
        self._filling: Future[None] | None = None
        self._given: list[tuple[Constraint, Mask]] = []

    def begin(self, constraints: Iterable[Constraint]) -> None:
        """Start on the masks that are not known; they may be read after `finish`."""
        self.finish()
        for constraint, mask in self._given:
            # Not used after all, and about to be written over.
            if constraint.mask is mask:
                constraint.mask = None
        self._given.clear()
        wanted: dict[int, list[Constraint]] = {}
        for constraint in constraints:
            if constraint.mask is None:
                wanted.setdefault(id(constraint.matcher), []).append(constraint)
        if not wanted:
            return
        if len(wanted) > len(self._bitmap):
            # Masks that were handed out keep the old one alive.
            self._bitmap = np.zeros((2 * len(wanted), self._words), dtype=np.int32)
        work = []
        for row, same in enumerate(wanted.values()):
            work.append((same[0].matcher, row))
            for constraint in same:
                constraint.mask = self._bitmap[row]
                self._given.append((constraint, constraint.mask))
        self._filling = self._submit(work)

    def complete(self, constraints: Iterable[Constraint]) -> None:
        """See to it that these masks are known."""
        self.finish()
        missing = [constraint for constraint in constraints if constraint.mask is None]
        if missing:
            self.begin(missing)
            self.finish()

    def finish(self) -> None:
        """Wait until every mask that was begun is there."""
        if self._filling is not None:
            filling, self._filling = self._filling, None
            filling.result()

    def _submit(self, work: list[tuple[Any, int]]) -> Future[None]:
        if self._thread is None:
            from llguidance import LLExecutor

            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
            self._executor = LLExecutor(max(1, min(MOST_THREADS, cores // 2)))
            self._thread = ThreadPoolExecutor(1, "sglc-masks")
        return self._thread.submit(
            self._executor.unsafe_compute_mask_ptr,
            work,
            self._bitmap.ctypes.data,
            4 * self._words,
            len(self._bitmap),
        )
