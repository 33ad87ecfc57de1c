"""
From a list of steps to what is sent: one chain for each branch, cut nowhere else.

All of this is pure: which ids a branch starts from follows from the steps and results before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeAlias

from sglc_runtime.protocol import (
    Append,
    AppendIds,
    Generate,
    Generated,
    Ids,
    Score,
    Scored,
    Segment,
    Step,
    Text,
)

Output = Generated | Scored
"""What a step of the model gives."""
AnyStep: TypeAlias = "str | Append | AppendIds | Generate | Score | Fork"
"""What a sequence is made of; a string is appended."""
MAX_DEPTH = 100
"""Forks within forks at most."""


@dataclass(frozen=True, slots=True, init=False)
class Fork:
    """
    Branches that each go on from the path so far; what follows in the list goes on from it too.

    Branches share the path's keys and values and never see each other.
    """

    branches: tuple[tuple[AnyStep, ...], ...]

    def __init__(self, branches: Iterable[Iterable[AnyStep]]) -> None:
        given = tuple(branches)
        if any(isinstance(steps, str) for steps in given):
            raise TypeError("a branch is a list of steps, not a string")
        object.__setattr__(self, "branches", tuple(tuple(steps) for steps in given))


@dataclass(frozen=True, slots=True)
class Planned:
    """A path: what is sent for it, and the branches that leave it."""

    steps: tuple[Step, ...]
    places: tuple[int, ...]
    """Where in the caller's list each step stands."""
    branches: tuple[tuple[int, Planned], ...]
    """After how many of `steps` each branch leaves."""

    def needs(self, count: int) -> list[int]:
        """Indices of the steps before `count` whose results a branch that leaves there needs."""
        return [i for i in range(count) if isinstance(self.steps[i], Generate | Score)]


def compose(steps: Iterable[AnyStep], seed: int, path: tuple[int, ...] = ()) -> Planned:
    """
    The plan of a list of steps. `Generate` steps without a key get one from seed, path and count.

    Raises TypeError for what is no step and ValueError for forks nested too deeply.
    """
    if isinstance(steps, str | bytes):
        raise TypeError("steps are a list, not a string; write [text, Generate()]")
    if len(path) > MAX_DEPTH:
        raise ValueError(f"forks are nested more than {MAX_DEPTH} deep")
    sent: list[Step] = []
    places: list[int] = []
    branches: list[tuple[int, Planned]] = []
    generated = 0
    for place, step in enumerate(steps):
        if isinstance(step, Fork):
            for branch in step.branches:
                branches.append((len(sent), compose(branch, seed, (*path, len(branches)))))
            continue
        if isinstance(step, str):
            step = Append(step)
        elif isinstance(step, Generate):
            if step.key == 0:
                step = Generate(step.sampling, step_key(seed, path, generated))
            generated += 1
        elif not isinstance(step, Append | AppendIds | Score):
            raise TypeError(f"step {place} is a {type(step).__name__}, which is no step")
        sent.append(step)
        places.append(place)
    return Planned(tuple(sent), tuple(places), tuple(branches))


def step_key(seed: int, path: tuple[int, ...], count: int) -> int:
    """Key of a path's `count`-th generation: 64 bits, a function of its arguments alone."""
    text = f"{seed}/{'.'.join(map(str, path))}/{count}"
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def prefix_of(
    before: tuple[Segment, ...], steps: tuple[Step, ...], outputs: Mapping[int, Output]
) -> tuple[Segment, ...]:
    """
    The path after `steps`, which came after `before`; `outputs` by index in `steps`.

    Ids that the model produced are kept. The text that a stop left inside a token opens the next
    text run, as it does in the engine.
    """
    segments = list(before)
    for index, step in enumerate(steps):
        if isinstance(step, Append):
            segments.append(Text(step.text))
        elif isinstance(step, AppendIds):
            segments.append(Ids(step.ids, given=True))
        else:
            output = outputs[index]
            if isinstance(output, Generated):
                first = output.samples[0]
                segments += (Ids(first.ids), Text(first.tail))
            else:
                segments.append(Ids(output.scores[output.winner].ids))
    return tuple(segments)
