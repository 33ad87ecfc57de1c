"""
An executor for tests: decode steps on the CPU by the engine's own model, tokens kept back.

It computes a step when it is launched, as a fast device would, or when it is read, as a slow one
would: by then the host has long gone on. It holds whoever uses it to the contract: at most two
steps that are not read, launched and read in order, each read once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Many
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

import torch

from sglc_runtime.batching import Packer
from sglc_runtime.device.executor import DecodeStep, Pending
from sglc_runtime.engine import EngineLoop
from sglc_runtime.generation import SampleRun
from sglc_runtime.models.base import Batch
from sglc_runtime.sampling.sampler import sample

UNKNOWN = 0
"""Stands for ids that only the step before knows; overwritten before the model sees it."""


@dataclass
class LateExecutor:
    """Runs what `accepts` takes; `slow` computes a step when its tokens are wanted."""

    engine: EngineLoop
    slow: bool = False
    most_rows: int = 1 << 20
    """Larger steps are refused, as are those beyond the largest captured batch."""
    launches: list[DecodeStep] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    fail_launch: Exception | None = None
    """Raised by the next launch."""
    fail_tokens: BaseException | None = None
    """Raised by the next step that is read."""
    waiting: list[LateStep] = field(default_factory=list)
    """Launched and not read."""

    def __post_init__(self) -> None:
        self.packer = Packer(torch.device("cpu"))

    def accepts(self, step: DecodeStep) -> bool:
        """See `DecodeExecutor`."""
        plain = all(run.penalties is None and not run.recorded for run in step.runs)
        return plain and len(step.work) <= self.most_rows

    def launch(self, step: DecodeStep, previous: Pending | None) -> LateStep:
        """See `DecodeExecutor`."""
        error, self.fail_launch = self.fail_launch, None
        if error is not None:
            raise error
        assert len(self.waiting) <= 1, "three steps on their way"
        ahead = any(source >= 0 for source in step.sources)
        self._check(step, cast("LateStep | None", previous))
        launched = LateStep(self, step, self._pack(step), cast("LateStep | None", previous))
        if not self.slow:
            launched.compute()
        self.launches.append(step)
        self.waiting.append(launched)
        self.counts["ahead" if ahead else "behind"] += 1
        self.counts["rows"] += len(step.work)
        return launched

    def _check(self, step: DecodeStep, previous: LateStep | None) -> None:
        assert step.work
        assert len({id(item.sequence) for item in step.work}) == len(step.work)
        assert step.version == self.engine.cache.tree.version
        for item, run, token, source in zip(
            step.work, step.runs, step.tokens, step.sources, strict=True
        ):
            sequence = item.sequence
            assert item.end == item.start + 1 == sequence.kv_length
            assert sequence.samples == [run]
            assert token == len(run.tokens) + (source >= 0) < run.limit
            assert item.start == len(sequence.ids) - (source < 0)
            if source >= 0:
                assert previous is not None
                assert self.waiting == [previous], "sources of a step that was read"
                assert previous.step.work[source].sequence is sequence
                assert previous.step.work[source].end == item.start

    def _pack(self, step: DecodeStep) -> Batch:
        """The batch of a step, in its own order, with `UNKNOWN` where ids are not known."""
        unknown = [
            item.sequence for item, at in zip(step.work, step.sources, strict=True) if at >= 0
        ]
        for sequence in unknown:
            sequence.ids.append(UNKNOWN)
        try:
            packed = self.packer.pack(list(step.work), step.version)
        finally:
            for sequence in unknown:
                sequence.ids.pop()
        assert packed.work == list(step.work), "rows are not in row order"
        return packed.batch


@dataclass
class LateStep:
    """A launched step; see `Pending`."""

    executor: LateExecutor
    step: DecodeStep
    batch: Batch
    previous: LateStep | None
    sampled: list[int] | None = None
    read: bool = False

    def tokens(self) -> list[int]:
        """See `Pending`."""
        assert not self.read, "read twice"
        self.read = True
        assert self.executor.waiting.pop(0) is self, "read out of order"
        error, self.executor.fail_tokens = self.executor.fail_tokens, None
        if error is not None:
            raise error
        self.compute()
        assert self.sampled is not None
        left = sum(item.sequence.node is None for item in self.step.work)
        self.executor.counts["dropped"] += left
        return self.sampled

    @torch.inference_mode()
    def compute(self) -> None:
        """Run the model and sample, once; what it needs of the host it has since its launch."""
        if self.sampled is not None:
            return
        engine, step = self.executor.engine, self.step
        ids = self.batch.ids.clone()
        for row, source in enumerate(step.sources):
            if source >= 0:
                assert self.previous is not None
                self.previous.compute()
                assert self.previous.sampled is not None
                ids[row] = self.previous.sampled[source]
        batch = replace(self.batch, ids=ids)
        logits = engine.model.forward(batch, engine.attention.bind(batch))
        views = [_view(run, token) for run, token in zip(step.runs, step.tokens, strict=True)]
        self.sampled = sample(logits, range(len(views)), cast(Many[SampleRun], views))


def _view(run: SampleRun, token: int) -> Any:
    """What sampling reads of a run, for token `token`, whatever the run has taken by now."""
    if run.constraint is not None:
        assert len(run.tokens) == token
        return run
    short = token < run.sampling.min_new_tokens
    return SimpleNamespace(
        terms=run.terms,
        greedy=run.greedy,
        truncated=run.truncated,
        noise=run.noise,
        sampling=run.sampling,
        tokens=range(token),
        recorded=False,
        shaped=short,
        penalties=None,
        constraint=None,
        banned=run.banned if short else [],
    )


def make_late(engine: EngineLoop, *, slow: bool = False, most_rows: int = 1 << 20) -> LateExecutor:
    """Let an engine decode on a late executor."""
    executor = LateExecutor(engine, slow, most_rows)
    engine.executor = executor
    return executor
