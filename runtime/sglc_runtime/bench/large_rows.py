"""The large shape beside llama.cpp and transformers."""

from __future__ import annotations

import random
from collections.abc import Callable

import torch

from sglc_runtime.bench.compare import compare
from sglc_runtime.bench.embedded_rows import threads_said
from sglc_runtime.bench.figures import Figure
from sglc_runtime.bench.gguf_file import Kind
from sglc_runtime.bench.lab import Lab, Quantization, draw
from sglc_runtime.bench.sides import Prompt, Side, Told
from sglc_runtime.bench.transformers_side import GenerateBatchSide, fastest_dtype

PROMPT = 16
NEW = 32
BATCH = 8
PREFIX = 512
TAIL = 8
FORK_NEW = 64
SLOW, SLOWEST = 3, 2
"""Rounds at most of what takes ten seconds, and of what takes a minute."""
TOLERANCE = {"bf16": 0.15, "q8_0": 0.3, "q4_0": 2.0}
"""
Of a peer's choice in standard deviations of our logits. Quantised weights differ: their blocks have
32 weights in llama.cpp, and ours are chosen differently.
"""


def over_llama(lab: Lab, kind: Kind, quantization: Quantization | None) -> Figure:
    """Decoding of one sequence beside llama.cpp with weights of the same size."""
    shape = lab.settings.large
    new = lab.settings.tokens(NEW)
    try:
        return compare(
            lab.engine(shape, quantization),
            lambda: lab.llama(shape, kind),
            prompts(lab, 1),
            new=new,
            rounds=lab.settings.rounds(),
            speed=lambda told: told.decode_speed,
            tolerance=TOLERANCE[kind],
            notes=(
                f"decode only: {new - 1} tokens after {PROMPT} and the first,"
                f" {threads_said(lab.threads(shape))}, weights {quantization or 'bf16'} and {kind},"
                f" KV {lab.engine(shape, quantization).info.dtype} and float16",
            ),
        )
    finally:
        if quantization is not None:
            lab.release("engine", quantization)
            lab.release("llama", kind)


def over_generate(lab: Lab, batch: int) -> Figure:
    """Decoding beside `transformers.generate` in the type that is fastest for it here."""
    shape = lab.settings.large
    dtype = fastest_dtype(batch)
    # Without a fast matrix product in bfloat16 a longer prompt alone would take minutes.
    length = 1 if dtype == torch.bfloat16 != fastest_dtype(PROMPT) else PROMPT
    new = lab.settings.tokens(NEW)
    return compare(
        lab.engine(shape),
        lambda: lab.generate(shape, dtype),
        prompts(lab, batch, length),
        new=new,
        rounds=lab.settings.rounds(SLOW),
        speed=lambda told: told.decode_speed,
        tolerance=TOLERANCE["bf16"],
        notes=(
            f"decode only: {batch} x {new - 1} tokens after {length} and the first,"
            f" {threads_said(lab.threads(shape))}, our weights bfloat16,"
            f" transformers {said(dtype)}, its faster type here",
        ),
    )


def forks_over_llama(lab: Lab) -> Figure:
    """Continuations of one long prefix, which llama.cpp runs one after another."""
    shape = lab.settings.large
    how = "llama.cpp bf16 weights, KV float16, one fork after another with its prompt cache"
    return _forks(lab, lambda: lab.llama(shape, "bf16"), how)


def forks_over_generate_batch(lab: Lab) -> Figure:
    """The same beside transformers' continuous batching, which shares blocks of the prefix."""
    shape = lab.settings.large
    dtype = fastest_dtype(64)
    how = f"transformers {said(dtype)}, generate_batch with block sharing, pages of 32"
    return _forks(lab, lambda: GenerateBatchSide(lab.generate(shape, dtype)), how)


def prompts(lab: Lab, count: int, length: int = PROMPT) -> list[Prompt]:
    """Different prompts for the large shape."""
    numbers = random.Random(1)
    return [draw(numbers, lab.settings.large.vocabulary, length) for _ in range(count)]


def _forks(lab: Lab, peer: Callable[[], Side], how: str) -> Figure:
    shape, settings = lab.settings.large, lab.settings
    numbers = random.Random(2)
    prefix, new = settings.tokens(PREFIX), settings.tokens(FORK_NEW)
    shared = draw(numbers, shape.vocabulary, prefix)
    forks = [shared + draw(numbers, shape.vocabulary, TAIL) for _ in range(BATCH)]
    return compare(
        lab.engine(shape),
        peer,
        forks,
        new=new,
        rounds=settings.rounds(SLOWEST),
        speed=_whole,
        tolerance=TOLERANCE["bf16"],
        notes=(
            f"whole job: {BATCH} x {new} tokens after {prefix} shared and {TAIL} of their own,"
            f" {threads_said(lab.threads(shape))}; ours bf16 weights, KV"
            f" {lab.engine(shape).info.dtype}; {how}",
        ),
    )


def _whole(told: Told) -> float:
    return told.speed


def said(dtype: torch.dtype) -> str:
    """`float32`."""
    return str(dtype).removeprefix("torch.")
