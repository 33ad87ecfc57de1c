"""What a run of a script holds in memory."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Mapping

from sglc.execution.interpreter_frame import Frame, Run
from sglc.expressions.meter import too_much_memory


def look(run: Run) -> None:
    """
    Count what the run's variables hold, each value once; what was made and dropped is forgotten.

    Frames are found among all objects, so that a run which makes little pays nothing for this.

    Raises:
        TooLargeError: they hold more than the run may.
    """
    meter = run.meter
    frames = (found for found in gc.get_objects() if type(found) is Frame)
    tables = [frame.env for frame in frames if frame.context.run is run]
    held = sum(map(sys.getsizeof, tables))
    held += size_of(value for table in tables for value in table.values())
    if held > run.limits.memory:
        raise too_much_memory(run.limits.memory)
    meter.made = held


def size_of(values: Iterable[object]) -> int:
    """Bytes of values with all they contain, what is shared counted once."""
    seen: set[int] = set()
    todo = list(values)
    total = 0
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, str | int | float):
            total += sys.getsizeof(value)
        elif isinstance(value, list | tuple):
            total += sys.getsizeof(value)
            todo += value
        elif isinstance(value, Mapping):
            total += sys.getsizeof(value)
            todo += value.values()
    return total
