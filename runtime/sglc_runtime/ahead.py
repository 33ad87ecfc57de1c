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
    """A step ahead: who is in it, and whether some of the step before sit out."""

    rows: list[int]
    """Rows of the step before that go on, in row order."""
    others: list[Sequence]
    """Sequences that are not in the step before."""
    some_end: bool

    @property
    def size(self) -> int:
        """Rows of the step."""
        return len(self.rows) + len(self.others)


def decode_step(work: Queue[Work], version: int) -> DecodeStep | None:
    """A pass as a decode step with all ids known; None where something else is to be computed."""
    for sequence, start, end, _ in work:
        if not sequence.decoding or end != start + 1:
            return None
    runs = tuple([item.sequence.samples[0] for item in work])
    tokens = tuple([len(run.tokens) for run in runs])
    return DecodeStep(tuple(work), runs, tokens, (-1,) * len(runs), version)


def next_after(flying: DecodeStep, running: Queue[Sequence], most: int) -> Next | None:
    """
    Who decodes behind a step whose tokens are not known; None where only the tokens can tell.

    `running` are all that have slots, in order, and at most `most` go into a step. A sequence of
    `flying` that has left since has none. One whose pending token is certainly its last sits out.
    """
    rows: list[int] = []
    here = 0
    members = zip(flying.work, flying.runs, flying.tokens, strict=True)
    for row, ((sequence, _, _, _), run, token) in enumerate(members):
        if sequence.node is None:
            continue
        here += 1
        if token + 1 < run.limit:
            if not knows(run, token + 1):
                return None
            rows.append(row)
    others = _others(flying, running) if here < len(running) else []
    for sequence in others:
        if not sequence.decoding:
            return None
        if not knows(sequence.samples[0], len(sequence.samples[0].tokens)):
            return None
    left = max(0, most - len(rows))
    return Next(rows[:most], others[:left], some_end=here > len(rows))


def _others(flying: DecodeStep, running: Queue[Sequence]) -> list[Sequence]:
    pending = {id(item.sequence) for item in flying.work}
    return [sequence for sequence in running if id(sequence) not in pending]


def knows(run: SampleRun, token: int) -> bool:
    """Whether a device chooses token number `token` without the host seeing those before it."""
    if run.recorded:
        return False
    return not run.shaped or (
        run.constraint is None and run.penalties is None and token >= run.sampling.min_new_tokens
    )


def step_after(flying: DecodeStep, found: Next, version: int) -> DecodeStep:
    """
    The step of `found`, which takes the ids it does not know from the tokens of `flying`.

    Rows of `flying` keep their order; others follow.
    """
    before = flying.work
    if len(found.rows) == len(before):
        runs = flying.runs
        tokens = [token + 1 for token in flying.tokens]
    else:
        before = tuple([before[row] for row in found.rows])
        runs = tuple([flying.runs[row] for row in found.rows])
        tokens = [flying.tokens[row] + 1 for row in found.rows]
    work = [Work(sequence, end, end + 1, end) for sequence, _, end, _ in before]
    sources = found.rows
    if found.others:
        more = [sequence.samples[0] for sequence in found.others]
        for sequence in found.others:
            work.append(Work(sequence, sequence.computed, sequence.computed + 1, sequence.computed))
        runs = (*runs, *more)
        tokens += [len(run.tokens) for run in more]
        sources = sources + [-1] * len(more)
    return DecodeStep(tuple(work), runs, tuple(tokens), tuple(sources), version)


def reordered(step: DecodeStep, work: Queue[Work]) -> DecodeStep:
    """The same step with its rows in the order of `work`."""
    place = {id(item.sequence): row for row, item in enumerate(step.work)}
    order = [place[id(item.sequence)] for item in work]
    return DecodeStep(
        tuple(work),
        tuple([step.runs[row] for row in order]),
        tuple([step.tokens[row] for row in order]),
        tuple([step.sources[row] for row in order]),
        step.version,
    )
