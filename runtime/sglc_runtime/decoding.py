"""
Decode steps on an executor: launched, the next one launched behind them, and only then read.

Of two steps on their way the second was planned without the tokens of the first. It has a slot for
each of its sequences, one behind the last id that is known. A sequence that leaves meanwhile gives
that slot back, and its row of the second step is dropped when that is read. The device may still
write into such a slot, which does no harm: whoever gets it next writes it in a later step.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from sglc_runtime.accepting import Accepting
from sglc_runtime.admission import Admission
from sglc_runtime.ahead import decode_step, next_after, reordered, step_after
from sglc_runtime.batching import Packer, Work
from sglc_runtime.device.executor import DecodeExecutor, DecodeStep, Pending


@dataclass(frozen=True, slots=True)
class Launched:
    """A step on its way."""

    step: DecodeStep
    pending: Pending


class Decoding:
    """Between two steps of the engine at most one decode step is on its way, and nothing else."""

    def __init__(self, admission: Admission, accepting: Accepting, packer: Packer) -> None:
        self.admission = admission
        self.accepting = accepting
        self.packer = packer
        self.executor: DecodeExecutor | None = None
        self.overlap = True
        """Launch a step before the tokens of the one before it are read."""
        self._flying: list[Launched] = []

    @property
    def flying(self) -> bool:
        """A step was launched whose tokens were not read."""
        return bool(self._flying)

    def launch(self, work: list[Work]) -> bool:
        """Begin a pass on the executor; False where it is not a decode step that can run there."""
        executor = self.executor
        if executor is None or self.accepting.on_logits is not None:
            return False
        tree = self.admission.cache.tree
        step = decode_step(work, tree.version)
        if step is None or not executor.accepts(step):
            return False
        if any(run.constraint is not None for run in step.runs):
            work = self.accepting.complete_masks(work)
        step = decode_step(self.packer.order(work, tree.version), tree.version)
        if step is not None and step.work:
            self._flying.append(Launched(step, executor.launch(step, None)))
        return True

    def turn(self, *, ahead: bool) -> None:
        """Launch what comes behind the step on its way if `ahead` and possible; then read that."""
        if not self._flying:
            return
        first = self._flying[0]
        if ahead and self.overlap and self.accepting.on_logits is None:
            self._launch_after(first)
        del self._flying[0]
        tokens = first.pending.tokens()
        self.admission.counters.steps += 1
        self.accepting.take_tokens(first.step, tokens)

    def drop(self) -> None:
        """After a failure: wait for what is on its way and forget it."""
        while self._flying:
            with suppress(Exception):
                self._flying.pop(0).pending.tokens()

    def check_integrity(self) -> None:
        """Assert that who decodes has a slot for what is on its way, and no other."""
        pending = {id(item.sequence): item.end for held in self._flying for item in held.step.work}
        assert len(self._flying) <= 1, "a step was not read"
        for sequence in self.admission.running:
            if sequence.decoding:
                end = pending.get(id(sequence), sequence.computed)
                assert sequence.kv_length == end, "a slot that nothing goes into"
                assert end <= len(sequence.ids) == sequence.computed + 1, "ids and slots disagree"

    def _launch_after(self, first: Launched) -> None:
        """Launch the step behind `first`, whose tokens are not known, if nothing speaks against."""
        admission, executor = self.admission, self.executor
        found = next_after(first.step, admission.running, admission.limits.chunk_tokens)
        if executor is None or found is None or not found.size:
            return
        # A place that is about to be free, or that is, goes to who waits for it.
        if admission.waiting and (found.some_end or admission.admits()):
            return
        cache = admission.cache
        if cache.available < found.size:
            return
        step = step_after(first.step, found, cache.tree.version)
        # Who leaves hands over what it computed, which can cut nodes and so change the order.
        if found.others or step.version != first.step.version:
            step = reordered(step, self.packer.order(list(step.work), step.version))
        if not executor.accepts(step):
            return
        cache.grow([item.sequence for item in step.work])
        if step.version != cache.tree.version:
            step = replace(step, version=cache.tree.version)
        self._flying.append(Launched(step, executor.launch(step, first.pending)))
