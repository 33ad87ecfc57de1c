"""The embedded model beside `transformers.generate`."""

from __future__ import annotations

import random

import torch

from sglc_runtime.bench.compare import compare
from sglc_runtime.bench.figures import Figure
from sglc_runtime.bench.lab import Lab, draw
from sglc_runtime.bench.sides import Prompt

PROMPT = 32
NEW = 64
BATCH = 16
PREFIX = 512
TAIL = 8
TOLERANCE = 1e-3
"""Of float32: only exact ties may fall differently."""


def one(lab: Lab) -> Figure:
    """One sequence."""
    return _beside_generate(lab, _separate(lab, 1))


def batch(lab: Lab) -> Figure:
    """A batch of different sequences."""
    return _beside_generate(lab, _separate(lab, BATCH))


def branches(lab: Lab) -> Figure:
    """Sequences that share a long prefix, which `generate` computes for each of them."""
    return _beside_generate(lab, branch_prompts(lab, BATCH, PREFIX, TAIL))


def branch_prompts(lab: Lab, count: int, prefix: int, tail: int) -> list[Prompt]:
    """Prompts for the embedded model with a common prefix."""
    side = lab.engine(None)
    numbers = random.Random(0)
    shared = side.head + draw(numbers, side.info.vocab_size, prefix)
    return [shared + draw(numbers, side.info.vocab_size, tail) for _ in range(count)]


def _separate(lab: Lab, count: int) -> list[Prompt]:
    side = lab.engine(None)
    numbers = random.Random(0)
    return [side.head + draw(numbers, side.info.vocab_size, PROMPT) for _ in range(count)]


def _beside_generate(lab: Lab, prompts: list[Prompt]) -> Figure:
    new = lab.settings.tokens(NEW)
    return compare(
        lab.engine(None),
        lambda: lab.generate(None, torch.float32),
        prompts,
        new=new,
        rounds=lab.settings.rounds(),
        speed=lambda told: told.speed,
        tolerance=TOLERANCE,
        notes=(
            f"whole call: {len(prompts)} x {len(prompts[0])} tokens in, {new} out, float32,"
            f" {threads_said(lab.threads(None))}",
        ),
    )


def threads_said(count: int) -> str:
    """`1 thread`."""
    return f"{count} thread{'s' if count != 1 else ''}"
