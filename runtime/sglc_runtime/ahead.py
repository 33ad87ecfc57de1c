"""
Which decode step can be launched before the tokens of the one before it are known: pure functions.

The step after a decode step is the same sequences, each with the token that the first one is about
to give. A device that finds those tokens in its own memory can begin it at once, while the host
still reads, checks and streams them: the overlap schedulers of SGLang and mini-sglang.
"""

from __future__ import annotations

from collections.abc import Sequence as Queue
from typing import NamedTuple

from sglc_runtime.batching import Work
from sglc_runtime.device.executor import DecodeStep
from sglc_runtime.generation import SampleRun
from sglc_runtime.sequence import Sequence


class Next(NamedTuple):
    """Sequences of a step ahead, in their order, and whether some of the step before sit out."""

    sequences: list[Sequence]
    some_end: bool


def decode_step(work: Queue[Work], version: int) -> DecodeStep | None:
    """A pass as a decode step with all ids known; None where something else is to be computed."""
    if not all(item.sequence.decoding and item.end == item.start + 1 for item in work):
        return None
    runs = tuple([item.sequence.samples[0] for item in work])
    tokens = tuple([len(run.tokens) for run in runs])
    return DecodeStep(tuple(work), runs, tokens, (-1,) * len(runs), version)


def next_after(flying: DecodeStep, running: Queue[Sequence], most: int) -> Next | None:
    """
    Who decodes behind a step whose tokens are not known; None where only the tokens can tell.

    `running` are all that have slots, in order, and at most `most` go into a step. A sequence of
    `flying` that has left since is not among them. One whose pending token is certainly its last
    sits out.
    """
    pending = {id(item.sequence) for item in flying.work}
    sequences: list[Sequence] = []
    some_end = False
    for sequence in running:
        if not sequence.decoding:
            return None
        run = sequence.samples[0]
        count = len(run.tokens)
        if id(sequence) in pending:
            count += 1
            if count >= run.limit:
                some_end = True
                continue
        if run.recorded or (run.shaped and needs_tokens(run, count)):
            return None
        sequences.append(sequence)
    return Next(sequences[:most], some_end)


def needs_tokens(run: SampleRun, count: int) -> bool:
    """Whether the choice of token `count` depends on the tokens before it beyond the model."""
    return (
        run.constraint is not None
        or run.penalties is not None
        or count < run.sampling.min_new_tokens
    )


def work_after(flying: DecodeStep, sequences: Queue[Sequence]) -> list[Work]:
    """The positions of a step ahead: behind the last known id where one more is pending."""
    pending = {id(item.sequence): item.end for item in flying.work}
    work: list[Work] = []
    for sequence in sequences:
        at = pending.get(id(sequence), sequence.computed)
        work.append(Work(sequence, at, at + 1, at))
    return work


def step_after(flying: DecodeStep, work: Queue[Work], version: int) -> DecodeStep:
    """`work` as a step that takes the ids it does not know from the tokens of `flying`."""
    rows = {id(item.sequence): row for row, item in enumerate(flying.work)}
    sources = tuple([rows.get(id(item.sequence), -1) for item in work])
    runs = tuple([item.sequence.samples[0] for item in work])
    tokens = tuple(
        [len(run.tokens) + (source >= 0) for run, source in zip(runs, sources, strict=True)]
    )
    return DecodeStep(tuple(work), runs, tokens, sources, version)
