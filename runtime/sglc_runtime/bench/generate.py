"""
Decode speed beside `transformers.generate`, measured in the same process and run.

Both get the same ids, weights, dtype and threads, and generate greedily without stopping. Repeats
of the two are interleaved and take turns in going first, so that a change of the machine's load
hits both. Speed-ups are medians of the repeats' own ratios; what others took of the machine is
reported with them. Run: `sglc bench generate` or `python -m sglc_runtime.bench.generate --help`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter
from typing import Any

from sglc_runtime.bench.engine_side import EngineSide
from sglc_runtime.bench.sides import Prompt
from sglc_runtime.bench.transformers_side import GenerateSide
from sglc_runtime.config import EngineConfig
from sglc_runtime.errors import EngineError
from sglc_runtime.machine_load import LoadWatch
from sglc_runtime.models.load import EMBEDDED
from sglc_runtime.start import start_engine

Run = Callable[[list[Prompt], int], list[list[int]]]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """What to measure."""

    new_tokens: int = 64
    prefix_tokens: int = 512
    branches: int = 16
    repeats: int = 5
    transformers: bool = True
    """Measure `transformers.generate` as well."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Medians of one side. Tokens are generated tokens of all sequences together."""

    seconds: float
    """Of a whole call, prompt included."""
    tokens_per_second: float
    """Of a whole call, prompt included."""
    first_seconds: float
    """To the first token: the prompt."""
    decode_tokens_per_second: float
    """After the first token: what one more token a sequence costs."""


def bench(config: EngineConfig, options: BenchOptions, progress: Progress | None = None) -> Any:
    """Measure and return plain data, ready for JSON. Raises EngineError."""
    report = progress or (lambda message: None)
    report("starting the engine")
    engine, info = start_engine(config)
    ours = EngineSide(engine, info)
    sides: dict[str, Run] = {"sglc": lambda prompts, new: ours.run(prompts, new).ids}
    if options.transformers:
        report("loading transformers")
        theirs = GenerateSide(
            config.model or EMBEDDED,
            engine.model.spec.dtype,
            device=info.device,
            trust=config.trust_remote_code,
        )
        sides["transformers"] = lambda prompts, new: theirs.run(prompts, new).ids
    if min(options.new_tokens - 1, options.branches, options.repeats) < 1:
        raise EngineError(
            "internal", "at least two new tokens, one branch and one repeat are needed"
        )
    room = info.context_length - options.new_tokens - 34
    if room < 1:
        raise EngineError("internal", f"context of {info.context_length} tokens is too short")
    shared = min(options.prefix_tokens, room)
    numbers = random.Random(0)
    head = ours.head

    def draw(count: int) -> Prompt:
        return [numbers.randrange(info.vocab_size // 8, info.vocab_size // 2) for _ in range(count)]

    prefix = head + draw(shared)
    cases = {
        "one sequence after 32 tokens": [head + draw(32)],
        f"one sequence after {shared + 8} tokens": [prefix + draw(8)],
        f"{options.branches} branches after {shared} shared tokens": [
            prefix + draw(8) for _ in range(options.branches)
        ],
    }
    watch = LoadWatch()
    measured = []
    for name, prompts in cases.items():
        report(f"measuring {name}")
        measured.append(_measure(name, prompts, sides, options))
    load = watch.read()
    return {
        "model": info.model,
        "architecture": info.architecture,
        "implementation": info.implementation,
        "attention": info.attention,
        "dtype": info.dtype,
        "device": info.device,
        "threads": info.threads,
        "load": asdict(load),
        "disturbed": load.disturbed,
        "new_tokens": options.new_tokens,
        "repeats": options.repeats,
        "cases": measured,
    }


def _measure(
    name: str, prompts: list[Prompt], sides: dict[str, Run], options: BenchOptions
) -> dict[str, Any]:
    new = options.new_tokens
    first: dict[str, list[float]] = {side: [] for side in sides}
    whole: dict[str, list[float]] = {side: [] for side in sides}
    outputs = {side: run(prompts, new) for side, run in sides.items()}
    for repeat in range(options.repeats):
        turns = list(sides.items())
        for side, run in reversed(turns) if repeat % 2 else turns:
            for count, times in ((1, first[side]), (new, whole[side])):
                began = perf_counter()
                run(prompts, count)
                times.append(perf_counter() - began)
    tokens = new * len(prompts)
    speeds: dict[str, Speed] = {}
    for side in sides:
        decode = median(b - a for a, b in zip(first[side], whole[side], strict=True))
        seconds = median(whole[side])
        speeds[side] = Speed(
            seconds=seconds,
            tokens_per_second=tokens / seconds,
            first_seconds=median(first[side]),
            decode_tokens_per_second=(tokens - len(prompts)) / max(decode, 1e-9),
        )
    result: dict[str, Any] = {
        "name": name,
        "sequences": len(prompts),
        "prompt_tokens": len(prompts[0]),
        **{side: asdict(speed) for side, speed in speeds.items()},
    }
    if "transformers" in sides:
        decode_seconds = {
            side: [max(b - a, 1e-9) for a, b in zip(first[side], whole[side], strict=True)]
            for side in sides
        }
        for key, taken in (
            ("speedup", whole),
            ("first_speedup", first),
            ("decode_speedup", decode_seconds),
        ):
            ratios = [
                theirs / ours
                for ours, theirs in zip(taken["sglc"], taken["transformers"], strict=True)
            ]
            result[key] = median(ratios)
            result[f"{key}_range"] = [min(ratios), max(ratios)]
        result["same_tokens"] = outputs["sglc"] == outputs["transformers"]
    return result


def main() -> None:
    """Measure and print JSON on stdout, progress on stderr."""
    parser = argparse.ArgumentParser(prog="sglc_runtime.bench.generate", description=__doc__)
    parser.add_argument("--model", help="checkpoint folder; the embedded model by default")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--prefix-tokens", type=int, default=512)
    parser.add_argument("--branches", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-transformers", action="store_true", help="measure only this engine")
    asked = parser.parse_args()
    config = EngineConfig(
        model=asked.model, device=asked.device, dtype=asked.dtype, threads=asked.threads
    )
    options = BenchOptions(
        new_tokens=asked.new_tokens,
        prefix_tokens=asked.prefix_tokens,
        branches=asked.branches,
        repeats=asked.repeats,
        transformers=not asked.no_transformers,
    )
    try:
        result = bench(config, options, lambda message: print(message, file=sys.stderr))
    except EngineError as error:
        sys.exit(f"error: {error.message}")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
