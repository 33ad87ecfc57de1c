"""
What a step costs outside the model's forward pass.

Sixteen sequences decode on the embedded model, whose passes are short, in a loop like the worker's:
commands in, one pass, events out as bytes. The clock is read around `Model.forward` and around the
whole turn; everything between the two counts as overhead: scheduling, packing, binding attention,
sampling, stops and text, events and their encoding. Only turns in which every sequence decodes
count. Both are medians over the turns of all repeats, so that a turn in which the machine was taken
away does not.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

from torch import Tensor

from sglc_runtime.config import EngineConfig
from sglc_runtime.engine import EngineLoop
from sglc_runtime.models.base import Attention, Batch, Model
from sglc_runtime.protocol import (
    Command,
    Done,
    FlushCache,
    Generate,
    Ids,
    Sampling,
    Submit,
)
from sglc_runtime.start import start_engine
from sglc_runtime.wire import encode_frame

BATCH, PROMPT, NEW, REPEATS = 16, 32, 96, 5
KINDS: dict[str, tuple[Sampling, bool]] = {
    "greedy": (Sampling(max_new_tokens=NEW, ignore_eos=True, temperature=0.0), False),
    "sampled": (
        Sampling(max_new_tokens=NEW, ignore_eos=True, temperature=0.8, top_p=0.9),
        False,
    ),
    "streamed": (
        Sampling(max_new_tokens=NEW, ignore_eos=True, temperature=0.8, top_p=0.9, stop=("\0\0",)),
        True,
    ),
}
"""Sampling parameters, and whether text is streamed."""
Progress = Callable[[str], None]


class _Timed:
    """A model whose `forward` adds to a clock."""

    def __init__(self, model: Model) -> None:
        self.spec = model.spec
        self.seconds = 0.0
        self.rows = 0
        self._model = model

    def forward(self, batch: Batch, attention: Attention) -> Tensor:
        began = perf_counter()
        logits = self._model.forward(batch, attention)
        self.seconds = perf_counter() - began
        self.rows = len(batch.ids)
        return logits


def measure_step_overhead(config: EngineConfig, progress: Progress) -> dict[str, Any]:
    """
    Milliseconds of a step and of its forward pass, and the share outside it, by kind of sampling.

    `progress` is told what is measured. Raises EngineError where the engine cannot start.
    """
    progress("step overhead: starting the engine")
    loop, info = start_engine(config)
    timed = _Timed(loop.model)
    loop.model = timed
    turns: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    for repeat in range(-1, REPEATS):
        for kind, (sampling, stream) in KINDS.items():
            progress(f"step overhead: {kind}")
            found = _run(loop, timed, sampling, stream)
            if repeat >= 0:
                turns[kind] += found
    kinds = {kind: _summary(found) for kind, found in turns.items()}
    worst = max(("greedy", "sampled"), key=lambda kind: kinds[kind]["share"])
    return {
        "model": info.model,
        "sequences": BATCH,
        "kinds": kinds,
        "share": kinds[worst]["share"],
        "outside_seconds": kinds[worst]["outside_ms"] / 1e3,
        "step_seconds": kinds[worst]["step_ms"] / 1e3,
        "notes": [
            f"{kind}: {values['outside_ms']:.2f} of {values['step_ms']:.2f} ms"
            f" ({values['share']:.1%})"
            for kind, values in kinds.items()
        ],
    }


def _summary(turns: list[tuple[float, float]]) -> dict[str, float]:
    whole = median(turn for turn, _ in turns)
    outside = median(turn - forward for turn, forward in turns)
    return {
        "step_ms": whole * 1e3,
        "forward_ms": median(forward for _, forward in turns) * 1e3,
        "outside_ms": outside * 1e3,
        "share": median((turn - forward) / turn for turn, forward in turns),
        "turns": len(turns),
    }


def _run(
    loop: EngineLoop, timed: _Timed, sampling: Sampling, stream: bool
) -> list[tuple[float, float]]:
    """(seconds of a turn, of its forward pass) for every turn in which all sequences decode."""
    random = Random(0)
    low, high = loop.context.vocab_size // 8, loop.context.vocab_size // 2
    commands: list[Command] = [FlushCache()]
    for number in range(BATCH):
        ids = tuple(random.randrange(low, high) for _ in range(PROMPT))
        commands.append(Submit(number, (Ids(ids),), (Generate(sampling, number + 1),), stream))
    loop.submit(commands)
    turns: list[tuple[float, float]] = []
    finished = 0
    while finished < BATCH:
        began = perf_counter()
        loop.step()
        if events := loop.take_events():
            encode_frame(events)
        seconds = perf_counter() - began
        ending = sum(isinstance(event, Done) for event in events)
        finished += ending
        if timed.rows == BATCH and not ending:
            turns.append((seconds, timed.seconds))
    return turns
