"""
What constrained decoding adds to a step: 16 sequences under a JSON schema beside 16 free ones.

Both decode greedily on one engine, in turn, so that a change of the machine's load hits both. Only
passes in which all 16 sequences decode one token are counted; a turn's figure is their median. Run:
`python -m sglc_runtime.bench.masks MODEL`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from sglc_runtime.engine import EngineLoop
from sglc_runtime.errors import EngineError
from sglc_runtime.protocol import Cancel, EngineConfig, Failed, Generate, Sampling, Submit, Text
from sglc_runtime.start import start_engine

BATCH = 16
STEPS = 40
TURNS = 5
_TEXT = {"type": "string", "maxLength": 60}
_ENTRY = {
    "type": "object",
    "properties": {
        "title": _TEXT,
        "year": {"type": "integer", "minimum": 1900, "maximum": 2100},
        "rating": {"type": "number", "minimum": 0, "maximum": 10},
        "tags": {"type": "array", "items": {"enum": ["new", "old", "used", "rare"]}, "minItems": 2},
    },
    "required": ["title", "year", "rating", "tags"],
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "email": {"type": "string", "pattern": "^[a-z]{1,12}@[a-z]{1,12}\\.(com|org)$"},
        "member": {"type": "boolean"},
        "address": {
            "type": "object",
            "properties": {"street": _TEXT, "zip": {"type": "string", "pattern": "^[0-9]{5}$"}},
            "required": ["street", "zip"],
            "additionalProperties": False,
        },
        "books": {"type": "array", "items": _ENTRY, "minItems": 20},
    },
    "required": ["name", "email", "member", "address", "books"],
    "additionalProperties": False,
}
"""Objects in lists, short texts, a pattern, numbers with bounds, enumerations."""
Progress = Callable[[str], None]


def measure_masks(config: EngineConfig, progress: Progress) -> dict[str, Any]:
    """
    Seconds of a step with and without the schema (`masked_seconds`, `free_seconds`) in every turn,
    and `added`, the share that the schema adds. Raises EngineError.
    """
    progress("masks: starting the engine")
    engine, _ = start_engine(config)
    free = Sampling(max_new_tokens=STEPS + 8, temperature=0.0, ignore_eos=True)
    masked = Sampling(max_new_tokens=STEPS + 8, temperature=0.0, json_schema=json.dumps(SCHEMA))
    turns: dict[str, list[float]] = {"free": [], "masked": []}
    waited: list[float] = []
    sides = {"free": free, "masked": masked}
    for turn in range(-1, TURNS):
        progress(f"masks: turn {turn + 1} of {TURNS}")
        for name in sorted(sides, reverse=bool(turn % 2)):
            spent = _Waiting(engine)
            steps = _steps(engine, sides[name], 1 + BATCH * (2 * turn + 2 + (name == "masked")))
            spent.remove()
            if turn >= 0:  # the first turn warms up
                turns[name].append(median(steps))
                if name == "masked":
                    waited.append(spent.seconds / len(steps))
    return {
        "free_seconds": turns["free"],
        "masked_seconds": turns["masked"],
        "added": [m / f - 1 for m, f in zip(turns["masked"], turns["free"], strict=True)],
        "waited_seconds": waited,
        "batch": BATCH,
        "notes": (
            f"after a pass {1e3 * median(waited):.2f} ms of waiting for masks",
            f"median of {STEPS} steps a turn, {TURNS} turns",
        ),
    }


class _Waiting:
    """Time that the step loop waits for masks."""

    def __init__(self, engine: EngineLoop) -> None:
        self.seconds = 0.0
        self._filler = engine.accepting.masks
        self._complete = self._filler.complete
        self._filler.complete = self._timed  # type: ignore[method-assign]

    def _timed(self, constraints: Any) -> None:
        began = perf_counter()
        self._complete(constraints)
        self.seconds += perf_counter() - began

    def remove(self) -> None:
        """Leave the engine as it was."""
        del self._filler.complete


def _steps(engine: EngineLoop, sampling: Sampling, first: int) -> list[float]:
    """Seconds of each pass in which all sequences decode."""
    numbers = range(first, first + BATCH)
    engine.submit(
        Submit(number, (Text(f"A record about number {number}: "),), (Generate(sampling),))
        for number in numbers
    )
    seconds: list[float] = []
    while engine.busy and len(seconds) < STEPS:
        before = engine.counters.computed_tokens
        began = perf_counter()
        engine.step()
        spent = perf_counter() - began
        decoding = engine.counters.computed_tokens == before
        if decoding and len(engine.admission.running) == BATCH:
            seconds.append(spent)
        for event in engine.take_events():
            if isinstance(event, Failed):
                raise EngineError("internal", f"a measured request failed: {event.message}")
    engine.submit(Cancel(number) for number in numbers)
    engine.take_events()
    if len(seconds) < STEPS:
        raise EngineError("internal", f"the text ended after {len(seconds)} of {STEPS} steps")
    return seconds


def main(arguments: list[str] | None = None) -> int:
    """Measure one checkpoint and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", help="a checkpoint folder with a tokenizer")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--kv-slots", type=int, default=4096)
    options = parser.parse_args(arguments)
    config = EngineConfig(model=options.model, threads=options.threads, kv_slots=options.kv_slots)
    try:
        found = measure_masks(config, lambda message: print(message, file=sys.stderr))
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
