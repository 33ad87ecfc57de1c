"""A recording backend that answers in random order, from one thread, with almost no waiting."""

from __future__ import annotations

import functools
import os
import random
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from sglc.backends.recording import RecordingBackend


class Shuffling(RecordingBackend):
    """Every answer comes later, in an order drawn from `order`; now and then after a pause."""

    def __init__(self, order: int, **options: Any) -> None:
        super().__init__(**options)
        self._order = random.Random(order)
        self._asked: list[Callable[[], None]] = []
        self.open = 0
        """Calls that are not answered yet, or whose answer is not handed over yet."""

    def _now(self, prompt: str, resume: Callable[[], None]) -> bool:
        with self._lock:
            self._asked.append(resume)
            self.open += 1
        _answerer().asked.put(self)
        return False

    def answer_one(self) -> None:
        """Answer one call that is under way."""
        if self._order.random() < 0.3:
            time.sleep(0.0002)  # lets the program run ahead and ask for more
        with self._lock:
            resume = self._asked.pop(self._order.randrange(len(self._asked)))
        resume()
        with self._lock:
            self.open -= 1


class _Answerer:
    """The thread that answers, made when first needed."""

    def __init__(self) -> None:
        self.asked: SimpleQueue[Shuffling] = SimpleQueue()
        threading.Thread(target=self._work, name="shuffled-answers", daemon=True).start()

    def _work(self) -> None:
        while True:
            self.asked.get().answer_one()


@functools.cache
def _answerer() -> _Answerer:
    return _Answerer()


os.register_at_fork(after_in_child=_answerer.cache_clear)
