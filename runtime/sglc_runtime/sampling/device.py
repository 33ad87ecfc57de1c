"""
Sampling on a device: logits to tokens in a few kernels, without a look from the host.

Nothing depends on values of tensors but what the kernels do, so that a CUDA graph can hold it.
"""

from __future__ import annotations

import torch
import triton
from torch import Tensor

from sglc_runtime.kernels.triton.launch import launch
from sglc_runtime.kernels.triton.sampling_gather import NOTES, gather_kernel
from sglc_runtime.kernels.triton.sampling_pick import pick_kernel
from sglc_runtime.kernels.triton.sampling_row import BINS, LAST_ID
from sglc_runtime.kernels.triton.sampling_scan import scan_kernel
from sglc_runtime.kernels.triton.sampling_shape import SamplingShape, sampling_shape
from sglc_runtime.kernels.triton.sampling_weigh import weigh_kernel
from sglc_runtime.sampling.inputs import SamplingInputs

LARGEST_VOCAB = int(LAST_ID) + 1


class DeviceSampler:
    """Samples batches of up to `rows` rows, one batch at a time; its memory stays where it is."""

    def __init__(
        self,
        rows: int,
        vocab: int,
        device: torch.device | str,
        shape: SamplingShape | None = None,
    ) -> None:
        """`shape` is that of the table; raises ValueError for a vocabulary that is too large."""
        if not 0 < vocab <= LARGEST_VOCAB:
            raise ValueError(
                f"sampling on a device takes vocabularies of 1 to {LARGEST_VOCAB} tokens"
            )
        self.rows, self.vocab = rows, vocab
        self.shape = shape = shape or sampling_shape()
        self.chunks = triton.cdiv(vocab, shape.chunk)

        def empty(width: int, dtype: torch.dtype) -> Tensor:
            return torch.empty(rows, width, dtype=dtype, device=device)

        self.tops = empty(self.chunks, torch.float32)
        self.bests = empty(self.chunks, torch.int32)
        self.masses = empty(self.chunks, torch.int64)
        self.before_token = empty(self.chunks, torch.int64)
        self.before_end = empty(self.chunks, torch.int64)
        self.counts = empty(int(BINS), torch.int32)
        self.zones = empty(int(NOTES), torch.int32)
        self.found = empty(1, torch.int32)
        self.candidates = empty(shape.room, torch.int64)

    def __call__(self, logits: Tensor, inputs: SamplingInputs, out: Tensor) -> None:
        """See `sample_on_device`."""
        self._check(logits, inputs, out)
        rows = len(logits)
        row = (logits, inputs.masks, inputs.masked)
        limits = (inputs.inverse_temperatures, inputs.top_ks, inputs.top_ps, inputs.min_ps)
        noise = (inputs.keys, inputs.samples, inputs.tokens)
        sizes = (self.vocab, logits.stride(0), inputs.masks.stride(0), self.chunks)
        chosen = (self.before_token, self.before_end, self.zones, self.found, self.candidates)
        shape, warps = self.shape, self.shape.chunk_warps
        many = triton.next_power_of_2(self.chunks)
        grid = (self.chunks, rows)
        launch(
            scan_kernel, grid, *row, self.tops, self.bests, self.counts, self.found, *sizes,
            CHUNK=shape.chunk, warps=warps,
        )  # fmt: skip
        launch(
            weigh_kernel, grid, *row, *limits, self.tops, self.bests, self.masses, self.counts,
            out, *sizes, CHUNK=shape.chunk, CHUNKS=many, warps=warps,
        )  # fmt: skip
        launch(
            gather_kernel, grid, *row, *limits, *noise, self.tops, self.masses, self.counts,
            *chosen, *sizes, CHUNK=shape.chunk, CHUNKS=many, ROOM=shape.room, warps=warps,
        )  # fmt: skip
        launch(
            pick_kernel, (rows,), *row, *limits, *noise, self.tops, self.masses, *chosen, out,
            *sizes, CHUNK=shape.chunk, CHUNKS=many, BLOCK=shape.block, ROOM=shape.room,
            warps=shape.block_warps,
        )  # fmt: skip

    def memory(self) -> tuple[Tensor, ...]:
        """Everything that is written between kernels."""
        return tuple(value for value in vars(self).values() if isinstance(value, Tensor))

    def _check(self, logits: Tensor, inputs: SamplingInputs, out: Tensor) -> None:
        rows, vocab = logits.shape
        if rows > self.rows or vocab != self.vocab or len(out) != rows:
            raise ValueError(
                f"logits of {rows} rows of {vocab} and {len(out)} tokens do not fit a sampler of "
                f"{self.rows} rows of {self.vocab}"
            )
        if logits.stride(1) != 1 or inputs.masks.stride(1) != 1 or out.stride(0) != 1:
            raise ValueError("logits and masks of a row, and tokens, must lie side by side")
        if inputs.masks.shape[1] * 32 < vocab:
            raise ValueError(f"masks of {inputs.masks.shape[1]} words do not cover {vocab} tokens")


def sample_on_device(logits: Tensor, inputs: SamplingInputs, out: Tensor) -> None:
    """
    Fill `out` (int64 [B]) with a token for each row of `logits` [B, vocab] (any float type).

    Tokens are those of `kernels/sampling.c` up to rounding: sums here are exact, of weights rounded
    to 2^-42 of the largest. Ties go to the lower id, a row without any possible token gives 0, and
    NaN is never chosen. A row's token depends on that row alone. Where this is called more than
    once, keep a `DeviceSampler`. Raises ValueError where shapes do not fit.
    """
    DeviceSampler(len(logits), logits.shape[1], logits.device)(logits, inputs, out)
