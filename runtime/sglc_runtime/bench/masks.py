"""
What constrained decoding adds to a step: 16 sequences under a JSON schema beside 16 free ones.

Both decode greedily, each on an engine of its own, and the engines take turns after every step, so
that a change of the machine's load hits both. Only passes are counted in which all 16 sequences
decode one token; a round's figure is the median over its pairs of steps. Run:
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

from sglc_runtime.config import EngineConfig
from sglc_runtime.engine import EngineLoop
from sglc_runtime.errors import EngineError
from sglc_runtime.protocol import (
    Cancel,
    Failed,
    Generate,
    Generated,
    Sampling,
    Submit,
    Text,
)
from sglc_runtime.start import start_engine

BATCH = 16
STEPS = 24
ROUNDS = 5
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
SAMPLING = {
    "free": Sampling(max_new_tokens=STEPS + 40, temperature=0.0, ignore_eos=True),
    "masked": Sampling(max_new_tokens=STEPS + 40, temperature=0.0, json_schema=json.dumps(SCHEMA)),
}
Progress = Callable[[str], None]


def measure_masks(config: EngineConfig, progress: Progress) -> dict[str, Any]:
    """
    Seconds of a step with and without the schema (`masked_seconds`, `free_seconds`) in every round,
    and `added`, the share that the schema adds. Raises EngineError.
    """
    progress("masks: starting two engines")
    engines = {name: start_engine(config)[0] for name in ("free", "masked")}
    waiting = _Waiting(engines["masked"])
    seconds: dict[str, list[float]] = {"free": [], "masked": []}
    added: list[float] = []
    waited: list[float] = []
    for number in range(-1, ROUNDS):
        progress(f"masks: round {number + 1} of {ROUNDS}")
        waiting.seconds = 0.0
        pairs = _round({name: _Batch(engines[name], SAMPLING[name]) for name in engines})
        if number >= 0:  # the first round warms up
            for name, values in pairs.items():
                seconds[name].append(median(values))
            both = zip(pairs["masked"], pairs["free"], strict=True)
            added.append(median(masked / free for masked, free in both) - 1)
            waited.append(waiting.seconds / STEPS)
    waiting.remove()
    return {
        "free_seconds": seconds["free"],
        "masked_seconds": seconds["masked"],
        "added": added,
        "waited_seconds": waited,
        "batch": BATCH,
        "notes": (
            f"after a pass {1e3 * median(waited):.2f} ms of waiting for masks",
            f"medians of {STEPS} pairs of steps, {ROUNDS} rounds",
        ),
    }


def _round(batches: dict[str, _Batch]) -> dict[str, list[float]]:
    """Seconds of the steps of both sides, pair by pair."""
    for batch in batches.values():
        batch.begin()
    seconds: dict[str, list[float]] = {name: [] for name in batches}
    for step in range(STEPS):
        for name in sorted(batches, reverse=bool(step % 2)):
            seconds[name].append(batches[name].step())
    for batch in batches.values():
        batch.end()
    return seconds


class _Batch:
    """Sixteen requests on one engine."""

    def __init__(self, engine: EngineLoop, sampling: Sampling) -> None:
        self.engine = engine
        self.sampling = sampling

    def begin(self) -> None:
        """Take the requests as far as their first tokens."""
        prompts = (Text(f"A record about number {number}: ") for number in range(BATCH))
        self.engine.submit(
            Submit(number, (prompt,), (Generate(self.sampling),))
            for number, prompt in enumerate(prompts)
        )
        running = self.engine.admission.running
        while len(running) < BATCH or not all(sequence.decoding for sequence in running):
            self.step()
            running = self.engine.admission.running

    def step(self) -> float:
        """One pass; how long it took."""
        began = perf_counter()
        self.engine.step()
        spent = perf_counter() - began
        for event in self.engine.take_events():
            if isinstance(event, Failed):
                raise EngineError("internal", f"a measured request failed: {event.message}")
            if isinstance(event, Generated):
                raise EngineError("internal", "a measured text ended too early")
        return spent

    def end(self) -> None:
        """Cancel what is left."""
        self.engine.submit(Cancel(number) for number in range(BATCH))
        self.engine.take_events()


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
