"""After a pass: logits become scores and tokens, and every sequence moves on."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from sglc_runtime.admission import Admission
from sglc_runtime.batching import Work
from sglc_runtime.constraints.masks import MaskFiller
from sglc_runtime.device.executor import DecodeStep
from sglc_runtime.generation import SampleRun
from sglc_runtime.lifecycle import Lifecycle
from sglc_runtime.sampling.sampler import sample
from sglc_runtime.sequence import Sequence
from sglc_runtime.speculation.verify import Drafted, keep
from sglc_runtime.steps import GenerateRun

LogitsHook = Callable[[int, int, int, int, Tensor], None]
"""Called with (request id, step, sample, position, logits [vocab]) for every row sampled from."""


class Accepting:
    """Takes the logits of a pass. `on_logits` sees every row that is sampled from."""

    def __init__(self, lifecycle: Lifecycle, admission: Admission) -> None:
        self.lifecycle = lifecycle
        self.admission = admission
        self.on_logits: LogitsHook | None = None
        self.masks = MaskFiller(lifecycle.context.vocab_size)

    def prepare(self, work: list[Work]) -> None:
        """Start on the masks that a pass needs behind it, while the model runs it."""
        self.masks.begin(
            run.constraint
            for sequence, _, end, _ in work
            if end >= len(sequence.ids)
            for run in sequence.samples
            if run.constraint is not None
        )

    def complete_masks(self, work: list[Work]) -> list[Work]:
        """The masks of decoding sequences, at once; work of those whose grammar did not give up."""
        self.prepare(work)
        self.masks.finish()
        for item in work:
            self._check(item.sequence, item.sequence.samples[0])
        return [item for item in work if item.sequence.node is not None]

    def take_tokens(self, step: DecodeStep, tokens: list[int]) -> None:
        """Hand out what an executor sampled. Rows of sequences that have left are dropped."""
        owners: list[Sequence] = []
        runs: list[SampleRun] = []
        kept: list[int] = []
        for (sequence, _, end, _), run, token in zip(step.work, step.runs, tokens, strict=True):
            if sequence.node is not None:
                sequence.computed = end
                owners.append(sequence)
                runs.append(run)
                kept.append(token)
        self._hand_out(owners, runs, kept)

    def take(self, work: list[Work], logits: Tensor) -> None:
        """Hand logits to scoring and sampling, and move every sequence on."""
        rows: list[int] = []
        runs: list[SampleRun] = []
        owners: list[Sequence] = []
        through: list[tuple[Sequence, int]] = []
        drafted: list[Drafted] = []
        row = 0
        for sequence, start, end, want in work:
            count = end - want
            if sequence.draft:
                sequence.computed = start + 1
                rows.append(row)
                runs.append(sequence.samples[0])
                owners.append(sequence)
                drafted.append(Drafted(sequence, row))
                row += count
                continue
            sequence.computed = end
            if count <= 0:
                continue
            if sequence.targets is not None:
                self._score(sequence, logits[row : row + count], want)
            row += count
            if end < len(sequence.ids):
                continue
            if sequence.samples:
                # The first sample keeps the sequence, so it comes last.
                for run in reversed(sequence.samples):
                    rows.append(row - 1)
                    runs.append(run)
                    owners.append(sequence)
            else:
                through.append((sequence, row - 1))
        self._sample(owners, runs, rows, logits)
        kept = 0
        while drafted := keep(drafted, kept, self.admission.cache):
            kept += 1
            owners = [sequence for sequence, _ in drafted]
            runs = [sequence.samples[0] for sequence in owners]
            self._sample(owners, runs, [first + kept for _, first in drafted], logits)
        for sequence, at in through:
            request = sequence.step.request
            try:
                if sequence.step is request.run:
                    self.admission.wait(sequence.step.computed(sequence, logits[at]))
                    self.lifecycle.retire(sequence)
            except Exception as error:
                self.lifecycle.fail_with(request, error)

    def _sample(
        self, owners: list[Sequence], runs: list[SampleRun], rows: list[int], logits: Tensor
    ) -> None:
        """Sample a token for each run from its row of `logits`, and move its sequence on."""
        if any(run.constraint is not None for run in runs):
            # Behind kept guesses, what the masks are was not known before.
            self.masks.complete(run.constraint for run in runs if run.constraint is not None)
            # A grammar that gives up fails its own request, not the pass.
            for sequence, run in zip(owners, runs, strict=True):
                self._check(sequence, run)
            left = [
                index
                for index, sequence in enumerate(owners)
                if sequence.step is sequence.step.request.run
            ]
            owners, runs = [owners[index] for index in left], [runs[index] for index in left]
            rows = [rows[index] for index in left]
        if not rows:
            return
        if self.on_logits is not None:
            for sequence, run, at in zip(owners, runs, rows, strict=True):
                self._show(sequence, run, logits[at])
        self._hand_out(owners, runs, sample(logits, rows, runs))

    def _check(self, sequence: Sequence, run: SampleRun) -> None:
        try:
            if run.constraint is not None:
                run.constraint.check()
        except Exception as error:
            self.lifecycle.fail_with(sequence.step.request, error)

    def _hand_out(self, owners: list[Sequence], runs: list[SampleRun], tokens: list[int]) -> None:
        """Give each run the token that was sampled for it, and move its sequence on."""
        self.admission.counters.completion_tokens += len(tokens)
        for sequence, run, token in zip(owners, runs, tokens, strict=True):
            request = sequence.step.request
            try:
                if sequence.step is request.run:
                    self._accept(sequence, run, token)
            except Exception as error:
                self.lifecycle.fail_with(request, error)

    def _score(self, sequence: Sequence, logits: Tensor, position: int) -> None:
        """Log probabilities of the ids that follow `position` and the ones after it."""
        assert sequence.targets is not None
        first = max(position, sequence.want_from)
        last = min(position + len(logits), len(sequence.targets) - 1)
        if first < last:
            wanted = logits[first - position : last - position].log_softmax(-1)
            sequence.step.scored(sequence, first, wanted)

    def _accept(self, sequence: Sequence, run: SampleRun, token: int) -> None:
        """Give a sample its token; the sequence goes on, forks or leaves."""
        step = sequence.step
        assert isinstance(step, GenerateRun)
        ended, tokens = run.accept_with_forced(token)
        self.admission.counters.completion_tokens += len(tokens) - 1
        if run is not sequence.samples[0]:
            if not ended:
                self.admission.fork(sequence, step.fork(sequence, run, tokens))
            return
        if run.index == 0 and step.request.stream:
            delta = step.delta(last=ended)
            if delta is not None:
                self.lifecycle.events.append(delta)
        if ended:
            self.lifecycle.retire(sequence)
            return
        if len(tokens) == 1:
            sequence.ids.append(token)
            sequence.decoding = True
        else:
            self.admission.cache.jump(sequence, tokens)
        if len(sequence.samples) > 1 or sequence.targets is not None:
            sequence.samples = [run]
            sequence.targets = None

    def _show(self, sequence: Sequence, run: SampleRun, row: Tensor) -> None:
        assert self.on_logits is not None
        request = sequence.step.request
        self.on_logits(request.id, request.step, run.index, len(sequence.ids) - 1, row)
