"""
The engine: takes commands, runs passes of the model, gives events.

`submit` queues, `step` runs at most one pass, `take_events` empties the outbox; nothing blocks and
nothing happens outside these calls.
"""

from __future__ import annotations

import sys
import traceback
from bisect import insort
from collections.abc import Callable, Iterable
from operator import attrgetter
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sglc_runtime.batching import Packer, Work
from sglc_runtime.context import EngineContext, check_sampling
from sglc_runtime.errors import FailureKind, RequestError
from sglc_runtime.generation import SampleRun
from sglc_runtime.kv import KVCache, PoolExhaustedError
from sglc_runtime.models.base import AttentionBackend, Model
from sglc_runtime.protocol import (
    Append,
    Cancel,
    Command,
    Done,
    Event,
    Failed,
    FlushCache,
    Generate,
    GetStats,
    Reject,
    Stats,
    Submit,
    Warm,
)
from sglc_runtime.request import Request
from sglc_runtime.sampling.sampler import sample
from sglc_runtime.scheduler import Limits, plan
from sglc_runtime.sequence import Sequence
from sglc_runtime.steps import GenerateRun, ScoreRun, StepRun, WarmRun

if TYPE_CHECKING:
    from sglc_runtime.text.tokenizer import Tokenizer

_ORDER = attrgetter("order")
LogitsHook = Callable[[int, int, int, int, Tensor], None]
"""Called with (request id, step, sample, position, logits [vocab]) for every row sampled from."""


class Engine:
    """Runs requests on one model. `kv_slots` is the size of the pool that `attention` owns."""

    def __init__(
        self,
        model: Model,
        tokenizer: Tokenizer,
        attention: AttentionBackend,
        *,
        kv_slots: int,
        device: torch.device,
        max_running: int = 64,
        chunk_tokens: int = 512,
    ) -> None:
        self.model = model
        self.attention = attention
        self.cache = KVCache(kv_slots)
        self.context = EngineContext(model.spec, tokenizer, device, kv_slots)
        self.limits = Limits(max_running, chunk_tokens)
        self.packer = Packer(device)
        self.on_logits: LogitsHook | None = None
        self.running: list[Sequence] = []
        self.waiting: list[Sequence] = []
        self.requests: dict[int, Request] = {}
        self._events: list[Event] = []
        self._prompt_tokens = self._cached_tokens = self._computed_tokens = 0
        self._completion_tokens = self._steps = self._preemptions = 0
        self._busy = 0.0

    @property
    def busy(self) -> bool:
        """Something is left to compute."""
        return bool(self.running or self.waiting)

    def submit(self, commands: Iterable[Command]) -> None:
        """Carry out commands; requests are queued and all looked at together."""
        for command in commands:
            if isinstance(command, Submit):
                self._open(Request.of(command))
            elif isinstance(command, Warm):
                self._open(Request(command.id, 0, (), False, command.prefix), command)
            elif isinstance(command, Cancel):
                if (request := self.requests.get(command.id)) is not None:
                    self._fail(request, "cancelled", "the request was cancelled")
            elif isinstance(command, Reject):
                failed = Failed(id=command.id, step=0, kind="bad_request", message=command.message)
                self._events.append(failed)
            elif isinstance(command, FlushCache):
                self.cache.flush()
            elif isinstance(command, GetStats):
                self._events.append(self.stats())

    def take_events(self) -> list[Event]:
        """Events since the last call, in order."""
        events, self._events = self._events, []
        return events

    def stats(self) -> Stats:
        """Counters since the start."""
        return Stats(
            prompt_tokens=self._prompt_tokens,
            cached_tokens=self._cached_tokens,
            computed_tokens=self._computed_tokens,
            completion_tokens=self._completion_tokens,
            steps=self._steps,
            preemptions=self._preemptions,
            evicted_tokens=self.cache.evicted,
            busy_seconds=self._busy,
            peak_slots=self.cache.peak,
        )

    @torch.inference_mode()
    def step(self) -> bool:
        """Run one pass if there is anything to compute; whether there was."""
        if not self.busy:
            return False
        began = perf_counter()
        try:
            if work := self._schedule():
                packed = self.packer.pack(work, self.cache.tree.version)
                logits = self.model.forward(packed.batch, self.attention.bind(packed.batch))
                self._steps += 1
                self._take(packed.work, logits)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            self._recover(_kind_of(error), f"the engine failed: {type(error).__name__}: {error}")
        except BaseException:
            self._recover("cancelled", "the engine was interrupted")
            raise
        self._busy += perf_counter() - began
        return True

    def check_integrity(self) -> None:
        """Assert that slots, locks and queues agree."""
        self.cache.check_integrity(self.running)
        assert all(sequence.node is None for sequence in self.waiting), "waiting with slots"
        live = {id(s) for r in self.requests.values() if r.run for s in r.run.sequences}
        assert live == {id(s) for s in (*self.running, *self.waiting)}, "a sequence got lost"

    # --- requests -------------------------------------------------------------------------------

    def _open(self, request: Request, warm: Warm | None = None) -> None:
        if request.id in self.requests:
            message = f"request id {request.id} is in use"
            failed = Failed(id=request.id, step=0, kind="bad_request", message=message)
            self._events.append(failed)
            return
        self.requests[request.id] = request
        context = self.context
        try:
            request.path.append(request.prefix, context.encode, context.vocab_size)
            if warm is not None:
                context.encode_stable(request.path)
                self._start(WarmRun(request, context, warm.uses))
            else:
                self._advance(request)
        except Exception as error:
            self._fail_with(request, error)

    def _advance(self, request: Request) -> None:
        """Go on to the request's next step that needs the model, or finish it."""
        context = self.context
        while request.step < len(request.steps):
            step = request.steps[request.step]
            if isinstance(step, Append):
                request.path.text += step.text
                request.step += 1
                continue
            request.path.encode(context.encode)
            if isinstance(step, Generate):
                check_sampling(step.sampling)
                self._start(GenerateRun(request, context, step))
            else:
                self._start(ScoreRun(request, context, step))
            return
        del self.requests[request.id]
        self._events.append(Done(request.id))

    def _start(self, run: StepRun) -> None:
        run.request.run = run
        sequences = run.start()
        if not isinstance(run, WarmRun):
            self._prompt_tokens += run.prompt_tokens
        self._wait(sequences)
        if run.done:
            self._finish(run)

    def _finish(self, run: StepRun) -> None:
        """Report a step whose sequences are all through, and go on."""
        request = run.request
        event = run.event()
        if event is not None:
            self._events.append(event)
        request.run = None
        request.step += 1
        self._advance(request)

    def _fail(self, request: Request, kind: FailureKind, message: str) -> None:
        """End a request; what it computed stays in the cache."""
        if self.requests.pop(request.id, None) is None:
            return
        if request.run is not None:
            for sequence in request.run.sequences:
                if sequence in self.running:
                    self.running.remove(sequence)
                    self.cache.release(sequence)
                elif sequence in self.waiting:
                    self.waiting.remove(sequence)
            request.run.sequences.clear()
            request.run = None
        failed = Failed(id=request.id, step=request.step, kind=kind, message=message)
        self._events.append(failed)

    def _fail_with(self, request: Request, error: Exception) -> None:
        if isinstance(error, RequestError):
            self._fail(request, error.kind, error.message)
        else:
            traceback.print_exception(error, file=sys.stderr)
            self._fail(request, _kind_of(error), f"{type(error).__name__}: {error}")

    # --- one pass -------------------------------------------------------------------------------

    def _wait(self, sequences: Iterable[Sequence]) -> None:
        for sequence in sequences:
            insort(self.waiting, sequence, key=_ORDER)

    def _schedule(self) -> list[Work]:
        """Plan a pass and give its sequences slots; preempt and fail what stands in the way."""
        cache = self.cache
        while True:
            planned = plan(
                self.running, self.waiting, self.limits, cache.available, cache.tree.match
            )
            if planned.preempt is None:
                break
            if len(self.running) > 1:
                self._preempt(planned.preempt)
            else:
                self._fail(planned.preempt.step.request, "out_of_memory", self._too_small())
        work: list[Work] = []
        for sequence, rows in planned.chunks:
            admitted = sequence.node is None
            counted = sequence.counted
            try:
                start, end = cache.extend(sequence, rows)
            except PoolExhaustedError:
                if admitted:
                    cache.release(sequence)
                continue
            if admitted:
                self.waiting.remove(sequence)
                insort(self.running, sequence, key=_ORDER)
            if not sequence.decoding:
                if start > counted and sequence.order[2] == 0:
                    sequence.step.cached_tokens += start - counted
                    self._cached_tokens += start - counted
                sequence.counted = max(counted, end)
                self._computed_tokens += end - start
            work.append(Work(sequence, start, end, max(start, sequence.want_from)))
        if not work and not self.running and self.waiting:
            self._fail(self.waiting[0].step.request, "out_of_memory", self._too_small())
        return work

    def _too_small(self) -> str:
        return (
            f"the KV pool of {self.context.kv_slots} slots cannot hold this sequence alone; "
            "raise kv_slots or mem_fraction_static, or lower max_new_tokens"
        )

    def _preempt(self, sequence: Sequence) -> None:
        """Give a sequence's slots up for eviction; its ids stay and it comes back later."""
        self._preemptions += 1
        self.running.remove(sequence)
        self.cache.release(sequence)
        self._wait([sequence])

    def _take(self, work: list[Work], logits: Tensor) -> None:
        """Hand logits to scoring and sampling, and move every sequence on."""
        rows: list[int] = []
        runs: list[SampleRun] = []
        owners: list[Sequence] = []
        through: list[tuple[Sequence, int]] = []
        row = 0
        for sequence, _, end, want in work:
            sequence.computed = end
            count = end - want
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
        for sequence, at in through:
            request = sequence.step.request
            try:
                if sequence.step is request.run:
                    self._wait(sequence.step.computed(sequence, logits[at]))
                    self._retire(sequence)
            except Exception as error:
                self._fail_with(request, error)

    def _sample(
        self, owners: list[Sequence], runs: list[SampleRun], rows: list[int], logits: Tensor
    ) -> None:
        """Sample a token for each run from its row of `logits`, and move its sequence on."""
        if any(run.constraint is not None for run in runs):
            # A grammar that gives up fails its own request, not the pass.
            for sequence, run in zip(owners, runs, strict=True):
                try:
                    run.allowed()
                except Exception as error:
                    self._fail_with(sequence.step.request, error)
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
        tokens = sample(logits, rows, runs)
        self._completion_tokens += len(tokens)
        for sequence, run, token in zip(owners, runs, tokens, strict=True):
            request = sequence.step.request
            try:
                if sequence.step is request.run:
                    self._accept(sequence, run, token)
            except Exception as error:
                self._fail_with(request, error)

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
        ended = run.accept(token)
        if run is not sequence.samples[0]:
            if not ended:
                self._fork(sequence, step.fork(sequence, run, token))
            return
        if run.index == 0 and step.request.stream:
            delta = step.delta(last=ended)
            if delta is not None:
                self._events.append(delta)
        if ended:
            self._retire(sequence)
            return
        sequence.ids.append(token)
        sequence.decoding = True
        if len(sequence.samples) > 1 or sequence.targets is not None:
            sequence.samples = [run]
            sequence.targets = None

    def _fork(self, parent: Sequence, child: Sequence) -> None:
        if len(self.running) < self.limits.max_running:
            self.cache.share(parent, child)
            child.decoding = True
            insort(self.running, child, key=_ORDER)
        else:
            self._wait([child])

    def _retire(self, sequence: Sequence) -> None:
        """A sequence is through; so may be its step."""
        step = sequence.step
        if isinstance(step, WarmRun) and sequence.node is not None:
            self.cache.tree.expect(sequence.node, step.uses)
        self.running.remove(sequence)
        self.cache.release(sequence)
        step.sequences.remove(sequence)
        if step.done:
            self._finish(step)

    def _show(self, sequence: Sequence, run: SampleRun, row: Tensor) -> None:
        assert self.on_logits is not None
        request = sequence.step.request
        self.on_logits(request.id, request.step, run.index, len(sequence.ids) - 1, row)

    def _recover(self, kind: FailureKind, message: str) -> None:
        """After a pass that failed half-way: the cache cannot be trusted, nor can who was in it."""
        affected = [sequence.step.request for sequence in self.running]
        for sequence in self.running:
            sequence.forget_slots()
        self.cache.reset()
        self.waiting = sorted([*self.waiting, *self.running], key=_ORDER)
        self.running = []
        for sequence in self.waiting:
            sequence.forget_slots()
        for request in affected:
            self._fail(request, kind, message)


def _kind_of(error: Exception) -> FailureKind:
    oom = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return "out_of_memory" if oom else "internal"
