"""
What a decode step costs the host where a device computes it.

Sequences decode on an executor that answers at once with tokens of its own, so that a step takes as
long as the host needs to plan it, give it slots, hand out the tokens of the one before and turn
them into text. A device that takes longer hides this; one that does not waits for it. Measured in
time of the thread, as nothing is waited for and other programs may run meanwhile.

Run as `python -m sglc_runtime.bench.host_steps [SEQUENCES ...]`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from random import Random
from time import thread_time

from sglc_runtime.bench.step_overhead import KINDS
from sglc_runtime.config import EngineConfig
from sglc_runtime.device.executor import DecodeStep, Pending
from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import FlushCache, Generate, Ids, Sampling, Submit
from sglc_runtime.start import start_engine

PROMPT = 32
REPEATS = 3
SIZES = (1, 16, 64, 256)


@dataclass(frozen=True, slots=True)
class Figures:
    """Microseconds of one step: the median, and what the fastest tenth stays below."""

    median: float
    fastest: float
    steps: int


@dataclass(frozen=True, slots=True)
class _Known:
    """Tokens that were there before anybody asked."""

    given: list[int]

    def tokens(self) -> list[int]:
        """See `Pending`."""
        return self.given


class InstantExecutor:
    """A `DecodeExecutor` that computes nothing: tokens are drawn ahead of time."""

    def __init__(self, low: int, high: int, rows: int) -> None:
        random = Random(0)
        self._drawn = [[random.randrange(low, high) for _ in range(rows)] for _ in range(64)]
        self._next = 0

    def accepts(self, step: DecodeStep) -> bool:
        """Everything."""
        return True

    def launch(self, step: DecodeStep, previous: Pending | None) -> Pending:
        """See `DecodeExecutor`."""
        self._next = (self._next + 1) % len(self._drawn)
        return _Known(self._drawn[self._next][: len(step.work)])


def measure_host_steps(sequences: int, config: EngineConfig) -> dict[str, Figures]:
    """A step of that many sequences, by kind of sampling. Raises EngineError."""
    loop, _ = start_engine(config)
    vocab = loop.context.vocab_size
    loop.executor = InstantExecutor(vocab // 8, vocab // 2, sequences)
    found: dict[str, Figures] = {}
    for kind, (sampling, stream) in KINDS.items():
        turns: list[float] = []
        for _ in range(REPEATS):
            turns += _run(loop, sequences, sampling, stream)
        turns.sort()
        found[kind] = Figures(
            turns[len(turns) // 2] * 1e6, turns[len(turns) // 10] * 1e6, len(turns)
        )
    return found


def _run(loop: EngineLoop, sequences: int, sampling: Sampling, stream: bool) -> list[float]:
    """Seconds of every step in which all sequences decode."""
    random = Random(0)
    vocab = loop.context.vocab_size
    loop.submit([FlushCache()])
    for number in range(sequences):
        ids = tuple(random.randrange(vocab // 8, vocab // 2) for _ in range(PROMPT))
        loop.submit([Submit(number, (Ids(ids),), (Generate(sampling, number + 1),), stream)])
    turns: list[float] = []
    while loop.requests:
        flying = loop.decoding.flying
        began = thread_time()
        loop.step()
        seconds = thread_time() - began
        loop.take_events()
        if flying and len(loop.admission.running) == sequences:
            turns.append(seconds)
    return turns


def main() -> None:
    """Print a line for each number of sequences and kind of sampling."""
    for sequences in map(int, sys.argv[1:]) if len(sys.argv) > 1 else SIZES:
        config = EngineConfig(
            kv_slots=sequences * 256, max_running=sequences, chunk_tokens=4096, threads=1
        )
        for kind, figures in measure_host_steps(sequences, config).items():
            print(
                f"{sequences:4} sequences, {kind:9} {figures.median:6.0f} us a step,"
                f" fastest tenth {figures.fastest:6.0f} ({figures.steps} steps)"
            )


if __name__ == "__main__":
    main()
