"""Runs decode steps on a device, ahead of the host."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sglc_runtime.attention.shared_plan import SharedPlan
from sglc_runtime.device.buckets import bucket_of
from sglc_runtime.device.executor import DecodeStep, Pending
from sglc_runtime.device.graphs import Form, Recorder
from sglc_runtime.device.inputs import StepInputs, block_bytes, step_inputs
from sglc_runtime.device.lane import Lane
from sglc_runtime.device.masks import known_ahead, mask_of, unmasked
from sglc_runtime.device.rows import BucketRows
from sglc_runtime.device.shared import SharedTables
from sglc_runtime.device.slot_table import SlotTable, Update
from sglc_runtime.device.staging import SETS, BufferSet, Launched
from sglc_runtime.device.step import (
    Begin,
    DecodeBackend,
    SampleOnDevice,
    begin_in_torch,
    decode_step,
)
from sglc_runtime.models.base import Attention, Model

if TYPE_CHECKING:
    from sglc_runtime.generation import SampleRun


@dataclass(frozen=True, slots=True)
class _Bucket:
    """Steps of one form."""

    form: Form
    host: BucketRows
    inputs: StepInputs
    attention: Attention
    out: Tensor


class DeviceExecutor:
    """
    `executor.DecodeExecutor` over one pool. `sizes` are the buckets, ascending.

    All steps share the inputs' memory on the device: the lane keeps them in order.
    """

    def __init__(
        self,
        model: Model,
        attention: DecodeBackend,
        sample: SampleOnDevice,
        table: SlotTable,
        sizes: tuple[int, ...],
        *,
        lane: Lane,
        recorder: Recorder,
        begin: Begin = begin_in_torch,
        shared: SharedTables | None = None,
    ) -> None:
        most, words = sizes[-1], -(-model.spec.vocab_size // 32)
        device = table.tensor.device
        self.sizes = sizes
        self._model = model
        self._attention = attention
        self._begin = begin
        self._sample = sample
        self._table = table
        self._shared = shared
        self._lane = lane
        self._recorder = recorder
        self._vocab = model.spec.vocab_size
        # Fields are aligned, so a smaller step may need more bytes for each row.
        size = max(map(block_bytes, sizes))
        self._block = torch.zeros(size, dtype=torch.uint8, device=device)
        self._masks = torch.zeros(most, words, dtype=torch.int32, device=device)
        self._tokens = torch.zeros(most, dtype=torch.int64, device=device)
        self._found_ids = torch.zeros(most, dtype=torch.int64, device=device)
        self._arange = torch.arange(most, device=device)
        self._sets = [BufferSet(lane, size, (most, words), most) for _ in range(SETS)]
        self._turn = 0
        self._plain: tuple[SampleRun, ...] = ()
        self._buckets: dict[Form, _Bucket] = {}
        self._last: Launched | None = None
        # The largest first: what it has room for is room for all.
        self._make(Form(sizes[-1], shared is not None))

    @property
    def recorded_sizes(self) -> tuple[int, ...]:
        """Sizes of steps that are recorded, or will be when they are needed."""
        return tuple(size for size in self.sizes if size <= self._recorder.most)

    def accepts(self, step: DecodeStep) -> bool:
        """Whether the step fits, and its tokens can be chosen without the host."""
        if bucket_of(len(step.work), self.sizes) is None:
            return False
        if any(work.sequence.draft or work.sequence.targets is not None for work in step.work):
            return False
        return self._unmasked(step.runs) or all(
            run.penalties is None and not run.recorded and known_ahead(run, source)
            for run, source in zip(step.runs, step.sources, strict=True)
        )

    def _unmasked(self, runs: tuple[SampleRun, ...]) -> bool:
        """Whether these are samples that the host never has to look at; most steps are of such."""
        if runs != self._plain:
            self._plain = runs if all(map(unmasked, runs)) else ()
        return bool(self._plain)

    def launch(self, step: DecodeStep, previous: Pending | None) -> Pending:
        """See `executor.DecodeExecutor`."""
        size = bucket_of(len(step.work), self.sizes)
        if size is None:
            raise ValueError(f"{len(step.work)} rows in a step of {self.sizes[-1]} at most")
        ids, sources = self._ids(step, previous)
        try:
            return self._launch(step, size, ids, sources)
        except BaseException:
            self._table.forget()
            if self._shared is not None:
                self._shared.forget()
            self._last = None
            # Buffers may be on their way to the device without a step that stands for them.
            with suppress(Exception):
                self._lane.mark().wait()
            raise

    @torch.inference_mode()
    def warm_up(self) -> None:
        """Try every bucket, the largest first: smaller ones then find memory that it left."""
        for size in reversed(self.sizes):
            for shared in (False, True)[: 1 + (self._shared is not None)]:
                self._prepare(self._make(Form(size, shared)))

    def _ids(self, step: DecodeStep, previous: Pending | None) -> tuple[list[int], list[int]]:
        """Ids of the rows where they are known, and where to take the others from."""
        ids = [
            0 if source >= 0 else work.sequence.ids[work.start]
            for work, source in zip(step.work, step.sources, strict=True)
        ]
        if max(step.sources, default=-1) < 0:
            return ids, [-1] * len(ids)
        if previous is None:
            raise ValueError("rows take their ids from a step before, and there is none")
        if previous is self._last:
            return ids, list(step.sources)
        # Another step has run since, so the device has its tokens and no longer those.
        tokens = previous.tokens()
        for row, source in enumerate(step.sources):
            if source >= 0:
                ids[row] = tokens[source]
        return ids, [-1] * len(ids)

    def _launch(self, step: DecodeStep, size: int, ids: list[int], sources: list[int]) -> Pending:
        lane, count = self._lane, len(step.work)
        buffers = self._sets[self._turn]
        self._turn = (self._turn + 1) % SETS
        buffers.settle()
        table_rows, slots, update = self._table.place(
            [(work.sequence, work.start) for work in step.work]
        )
        if len(update.slots):
            self._write(update)
        plan = self._plan(step, table_rows, size)
        bucket = self._bucket(Form(size, plan is not None))
        own_starts = 0 if plan is None else plan.own_starts
        bucket.host.fill(step, ids, sources, table_rows, slots, own_starts)
        self._put_masks(step, bucket.host, buffers)
        data = bucket.host.block.bytes
        lane.copy(self._block[: len(data)], buffers.put(data))
        lane.call(lambda: self._recorder.run(bucket.form, lambda: self._run(bucket)))
        lane.copy(buffers.tokens[:count], self._tokens[:count])
        launched = Launched(buffers.tokens[:count], lane.mark())
        buffers.launched = self._last = launched
        return launched

    def _plan(self, step: DecodeStep, table_rows: list[int], size: int) -> SharedPlan | None:
        """What is shared, with its tables on the device."""
        shared = self._shared
        if shared is None:
            return None
        plan, new = shared.plan(step, table_rows, size)
        if plan is not None and new:
            data = torch.from_numpy(shared.contents(plan))
            self._lane.copy(shared.block[: len(data)], self._lane.send(data, shared.block.device))
        return plan

    def _run(self, bucket: _Bucket) -> None:
        decode_step(
            self._model, bucket.attention, self._begin, self._sample, bucket.inputs, bucket.out
        )

    def _bucket(self, form: Form) -> _Bucket:
        bucket = self._make(form)
        if not self._recorder.ready(form):
            self._prepare(bucket)
        return bucket

    def _make(self, form: Form) -> _Bucket:
        bucket = self._buckets.get(form)
        if bucket is not None:
            return bucket
        table, rows = self._table, form.rows
        inputs = step_inputs(
            rows,
            self._block,
            slot_table=table.tensor,
            masks=self._masks,
            tokens=self._tokens,
            found_ids=self._found_ids,
            arange=self._arange,
            shared=self._shared.views(rows) if form.shared and self._shared else None,
        )
        bucket = self._buckets[form] = _Bucket(
            form,
            BucketRows(rows, pad_row=table.pad_row, pad_slot=table.pad_slot),
            inputs,
            self._attention.bind_decode(inputs.decode),
            self._tokens[:rows],
        )
        return bucket

    def _prepare(self, bucket: _Bucket) -> None:
        """Let the recorder try a step of padding; tokens that the next step needs are kept."""
        bucket.host.pad(0)
        data = torch.from_numpy(bucket.host.block.bytes)
        self._lane.copy(self._block[: len(data)], self._lane.send(data, self._block.device))
        self._lane.call(lambda: self._try(bucket))

    def _try(self, bucket: _Bucket) -> None:
        kept = self._tokens.clone()
        self._recorder.prepare(bucket.form, lambda: self._run(bucket))
        self._tokens.copy_(kept)

    def _write(self, update: Update) -> None:
        """Bring the slot table up to date."""
        table = self._table.tensor
        places = self._lane.send(torch.from_numpy(update.places), table.device)
        slots = self._lane.send(torch.from_numpy(update.slots), table.device)
        self._lane.call(lambda: _put(table, places, slots))

    def _put_masks(self, step: DecodeStep, host: BucketRows, buffers: BufferSet) -> None:
        """Send the masks of the rows that have one, neighbours together."""
        masked = host.block["masked"]
        masked[: len(step.runs)] = 0
        if self._unmasked(step.runs):
            return
        rows: list[int] = []
        for row, (run, token) in enumerate(zip(step.runs, step.tokens, strict=True)):
            mask = mask_of(run, token, self._vocab)
            if mask is not None:
                buffers.mask_rows[row] = mask
                rows.append(row)
        masked[rows] = 1
        for first, last in stretches(rows):
            self._lane.copy(self._masks[first:last], buffers.masks[first:last])


def stretches(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending numbers as [first, last) of neighbours."""
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and found[-1][1] == row:
            found[-1] = (found[-1][0], row + 1)
        else:
            found.append((row, row + 1))
    return found


def _put(table: Tensor, places: Tensor, slots: Tensor) -> None:
    table.view(-1).index_copy_(0, places, slots)
