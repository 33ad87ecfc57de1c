"""Where the time of the branches goes: the slowest functions by their own time."""

from __future__ import annotations

import cProfile
import os
import pstats
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sglc_runtime.bench.engine_side import EngineSide
from sglc_runtime.bench.lab import Progress, draw
from sglc_runtime.config import EngineConfig
from sglc_runtime.errors import EngineError
from sglc_runtime.machine_load import LoadWatch, hardware
from sglc_runtime.start import start_engine

ROOT = Path(__file__).parents[2]


def profile(
    config: EngineConfig,
    progress: Progress,
    *,
    branches: int = 16,
    prefix_tokens: int = 512,
    new_tokens: int = 64,
    slowest: int = 10,
) -> dict[str, Any]:
    """
    Branches after a shared prefix under cProfile, as plain data ready for JSON.

    cProfile makes Python's own functions look slower than they are, by its cost for each call.
    Raises EngineError.
    """
    progress("starting the engine")
    engine, info = start_engine(config)
    side = EngineSide(engine, info)
    room = info.context_length - new_tokens - len(side.head) - 8
    if room < 1:
        raise EngineError("internal", f"context of {info.context_length} tokens is too short")
    numbers = random.Random(0)
    shared = side.head + draw(numbers, info.vocab_size, min(prefix_tokens, room))
    prompts = [shared + draw(numbers, info.vocab_size, 8) for _ in range(branches)]
    side.run(prompts, min(4, new_tokens))
    progress(f"{branches} branches after {len(shared)} shared tokens, {new_tokens} tokens each")
    plain = side.run(prompts, new_tokens).whole
    watch = LoadWatch()
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        told = side.run(prompts, new_tokens)
    finally:
        profiler.disable()
    load = watch.read()
    return {
        "model": info.model,
        "dtype": info.dtype,
        "threads": info.threads,
        "hardware": asdict(hardware()),
        "load": asdict(load),
        "disturbed": load.disturbed,
        "branches": branches,
        "prefix_tokens": len(shared),
        "new_tokens": new_tokens,
        "seconds": plain,
        "profiled_seconds": told.whole,
        "functions": _slowest(profiler, slowest),
    }


def _slowest(profiler: cProfile.Profile, count: int) -> list[dict[str, Any]]:
    # `get_stats_profile` merges functions of one name, so the raw table is read.
    raw: dict[tuple[str, int, str], tuple[int, int, float, float, Any]]
    raw = vars(pstats.Stats(profiler))["stats"]
    total = sum(own for _, _, own, _, _ in raw.values())
    ranked = sorted(raw.items(), key=lambda entry: entry[1][2], reverse=True)[:count]
    return [
        {
            "function": _name(file, line, name),
            "calls": calls,
            "own_seconds": own,
            "share": own / total if total else 0.0,
            "seconds": cumulative,
        }
        for (file, line, name), (_, calls, own, cumulative, _) in ranked
    ]


def _name(file: str, line: int, name: str) -> str:
    if file == "~":  # built in
        return name
    path = Path(file)
    if path.is_relative_to(ROOT):
        return f"{path.relative_to(ROOT)}:{line} {name}"
    return f"{os.path.join(*path.parts[-2:])}:{line} {name}"
