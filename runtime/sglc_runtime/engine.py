"""
The engine: takes commands, runs passes of the model, gives events.

`submit` queues, `step` runs at most one pass, `take_events` empties the outbox; nothing blocks and
nothing happens outside these calls. `Lifecycle` knows requests, `Admission` who has slots,
`Accepting` what becomes of logits.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable
from time import monotonic, perf_counter
from typing import TYPE_CHECKING

import torch

from sglc_runtime.accepting import Accepting, LogitsHook
from sglc_runtime.admission import Admission
from sglc_runtime.batching import Packer
from sglc_runtime.context import EngineContext
from sglc_runtime.counters import Counters
from sglc_runtime.decoding import Decoding
from sglc_runtime.device.current import use_device
from sglc_runtime.device.executor import DecodeExecutor
from sglc_runtime.device.memory import failure
from sglc_runtime.errors import EngineError, FailureKind
from sglc_runtime.kv import KVCache, make_policy
from sglc_runtime.kv.policies import PolicyName
from sglc_runtime.lifecycle import Lifecycle, kind_of
from sglc_runtime.models.base import AttentionBackend, Model
from sglc_runtime.protocol import (
    Cancel,
    Command,
    Event,
    FlushCache,
    GetStats,
    Reject,
    Stats,
    Submit,
    Unpin,
    Warm,
)
from sglc_runtime.queueing import Policy, policy_for
from sglc_runtime.request import Request
from sglc_runtime.scheduler import Limits
from sglc_runtime.speculation.speculation import Speculation

if TYPE_CHECKING:
    from sglc_runtime.text.tokenizer import Tokenizer


PATIENCE = 0.02
"""Seconds that a step waits for a grammar's compilation where there is nothing else to do."""


class EngineLoop:
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
        max_waiting: int | None = None,
        chunk_tokens: int = 512,
        eviction: PolicyName = "next_use",
        schedule_policy: Policy = "dfs",
        radix_cache: bool = True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.model = model
        self.attention = attention
        self.cache = KVCache(kv_slots, make_policy(eviction), keep=radix_cache)
        self.counters = Counters()
        self.context = EngineContext(model.spec, tokenizer, device, kv_slots)
        self.packer = Packer(device)
        policy = policy_for(schedule_policy, radix_cache=radix_cache)
        limits = Limits(max_running, chunk_tokens, max_waiting, policy)
        self.admission = Admission(self.cache, limits, self.counters)
        self.lifecycle = Lifecycle(self.context, self.admission, clock)
        self.accepting = Accepting(self.lifecycle, self.admission)
        self.decoding = Decoding(self.admission, self.accepting, self.packer)
        self.speculation: Speculation | None = None
        self.on_close: Callable[[], None] | None = None
        """What else ends with the engine."""

    @property
    def busy(self) -> bool:
        """Something is left to compute."""
        return self._computing or self.lifecycle.compiling.busy

    @property
    def _computing(self) -> bool:
        admission = self.admission
        return bool(admission.running or admission.waiting) or self.decoding.flying

    @property
    def executor(self) -> DecodeExecutor | None:
        """Runs the decode steps that it accepts; None runs every pass by `model.forward`."""
        return self.decoding.executor

    @executor.setter
    def executor(self, executor: DecodeExecutor | None) -> None:
        self.decoding.executor = None
        if self.decoding.flying:  # read before anything else runs
            self.step()
        self.decoding.executor = executor

    @property
    def requests(self) -> dict[int, Request]:
        """Requests that have neither finished nor failed, by id."""
        return self.lifecycle.requests

    @property
    def limits(self) -> Limits:
        """Sequences in a batch, and rows of a pass; may be changed between passes."""
        return self.admission.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self.admission.limits = limits

    @property
    def on_logits(self) -> LogitsHook | None:
        """Sees every row of logits that is sampled from."""
        return self.accepting.on_logits

    @on_logits.setter
    def on_logits(self, hook: LogitsHook | None) -> None:
        self.accepting.on_logits = hook
        if self.decoding.flying:  # nobody sees its logits
            self.step()

    def submit(self, commands: Iterable[Command]) -> None:
        """Carry out commands; requests are queued and all looked at together."""
        lifecycle = self.lifecycle
        for command in commands:
            if isinstance(command, Submit):
                lifecycle.submit(command)
            elif isinstance(command, Warm):
                lifecycle.warm(command)
            elif isinstance(command, Unpin):
                lifecycle.unpin(command.id)
            elif isinstance(command, Cancel):
                if (request := lifecycle.requests.get(command.id)) is not None:
                    lifecycle.fail(request, "cancelled", "the request was cancelled")
            elif isinstance(command, Reject):
                lifecycle.reject(command.id, command.message)
            elif isinstance(command, FlushCache):
                self.cache.flush()
            elif isinstance(command, GetStats):
                lifecycle.events.append(self.stats())

    def take_events(self) -> list[Event]:
        """Events since the last call, in order."""
        events, self.lifecycle.events = self.lifecycle.events, []
        return events

    def stats(self) -> Stats:
        """Counters since the start."""
        admission = self.admission
        return self.counters.stats(self.cache, len(admission.running), len(admission.waiting))

    @torch.inference_mode()
    def step(self) -> bool:
        """
        Run one pass if there is anything to compute; whether there was.

        Raises EngineError where the model cannot go on: a process that shares it has died.
        """
        if not self.busy:
            return False
        began = perf_counter()
        use_device(self.context.device)
        try:
            self.lifecycle.expire()
            self.lifecycle.resume(0.0 if self._computing else PATIENCE)
            self._pass()
        except EngineError as error:  # nothing can be computed any more
            self._recover("internal", error.message)
            raise
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            self._recover(kind_of(error), failure(error))
        except BaseException:
            self._recover("cancelled", "the engine was interrupted")
            raise
        self.counters.busy_seconds += perf_counter() - began
        return True

    def _pass(self) -> None:
        """Compute something: on the executor what it takes, and anything else right here."""
        if self.decoding.flying:
            self.decoding.turn(ahead=True)
            return
        work = self.admission.schedule(self.lifecycle.fail)
        if not work:
            return
        speculation = self.speculation
        if speculation is not None:
            work = speculation.draft(work, self.limits.chunk_tokens)
        if self.decoding.launch(work):
            self.decoding.turn(ahead=speculation is None)
        else:
            packed = self.packer.pack(work, self.cache.tree.version)
            self.accepting.prepare(packed.work)
            logits = self.model.forward(packed.batch, self.attention.bind(packed.batch))
            self.counters.steps += 1
            self.accepting.take(packed.work, logits)
        if speculation is not None:
            speculation.learn()

    def close(self) -> None:
        """End the processes that share the model, where there are any. Can be called again."""
        if self.on_close is not None:
            self.on_close()

    def check_integrity(self) -> None:
        """
        Assert that slots, locks and queues agree. While a decode step is on its way, each of its
        sequences has one slot more than it has computed ids.
        """
        running, waiting = self.admission.running, self.admission.waiting
        self.cache.check_integrity(running)
        self.decoding.check_integrity()
        assert all(sequence.node is None for sequence in waiting), "waiting with slots"
        live = {id(s) for r in self.requests.values() if r.run for s in r.run.sequences}
        assert live == {id(s) for s in (*running, *waiting)}, "a sequence got lost"

    def _recover(self, kind: FailureKind, message: str) -> None:
        """After a pass that failed half-way: the cache cannot be trusted, nor can who was in it."""
        self.decoding.drop()
        for request in self.admission.forget():
            self.lifecycle.fail(request, kind, message)
