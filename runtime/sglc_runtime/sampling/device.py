"""
Sampling on a device: logits to tokens in a few kernels, without a look from the host.

Nothing depends on values of tensors but what the kernels do, so that a CUDA graph can hold it.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
from torch import Tensor

from sglc_runtime.kernels.triton.launch import launch
from sglc_runtime.kernels.triton.sampling_pick import pick_kernel
from sglc_runtime.kernels.triton.sampling_row import BINS, ID_BITS
from sglc_runtime.kernels.triton.sampling_scan import scan_kernel
from sglc_runtime.kernels.triton.sampling_weigh import weigh_kernel
from sglc_runtime.sampling.inputs import SamplingInputs

CHUNK = 2048
"""Tokens of a program: 75 programs share a row of 151,936."""


class SamplingWorkspace:
    """Memory for batches of up to `rows` rows; one batch at a time."""

    def __init__(
        self, rows: int, vocab: int, device: torch.device | str, *, chunk: int = CHUNK
    ) -> None:
        """Raises ValueError for a vocabulary that the kernels cannot number."""
        if not 0 < vocab <= 1 << int(ID_BITS):
            raise ValueError(f"sampling on a device takes 1 to {1 << int(ID_BITS)} tokens")
        self.rows, self.vocab, self.chunk = rows, vocab, chunk
        self.chunks = triton.cdiv(vocab, chunk)

        def empty(width: int, dtype: torch.dtype) -> Tensor:
            return torch.empty(rows, width, dtype=dtype, device=device)

        self.tops = empty(self.chunks, torch.float32)
        self.bests = empty(self.chunks, torch.int32)
        self.masses = empty(self.chunks, torch.int64)
        self.counts = empty(int(BINS), torch.int32)
        self.found = empty(1, torch.int32)

    def tensors(self) -> tuple[Tensor, ...]:
        """All of it."""
        return tuple(value for value in vars(self).values() if isinstance(value, Tensor))


def sample_on_device(
    logits: Tensor,
    inputs: SamplingInputs,
    out: Tensor,
    workspace: SamplingWorkspace | None = None,
) -> None:
    """
    Fill `out` (int64 [B]) with a token for each row of `logits` [B, vocab] (any float type).

    Rows with top-k, top-p or min-p are left alone for now.

    Tokens are those of `kernels/sampling.c` up to rounding: sums here are exact, of weights rounded
    to 2^-42 of the largest. Ties go to the lower id, a row without any possible token gives 0. A
    row's token depends on that row alone. Without a workspace one is made. Raises ValueError where
    shapes do not fit.
    """
    rows, vocab = logits.shape
    work = workspace or SamplingWorkspace(rows, vocab, logits.device)
    if rows > work.rows or vocab != work.vocab:
        raise ValueError(
            f"a workspace of {work.rows} rows of {work.vocab} does not fit {rows} of {vocab}"
        )
    if logits.stride(1) != 1 or inputs.masks.stride(1) != 1:
        raise ValueError("logits and masks of a row must lie side by side")
    if inputs.masks.shape[1] * 32 < vocab:
        raise ValueError(f"masks of {inputs.masks.shape[1]} words do not cover {vocab} tokens")
    chunks = triton.next_power_of_2(work.chunks)
    row = (logits, inputs.masks, inputs.masked)
    limits = (inputs.inverse_temperatures, inputs.top_ks, inputs.top_ps, inputs.min_ps)
    noise = (inputs.keys, inputs.samples, inputs.tokens)
    sizes = (vocab, logits.stride(0), inputs.masks.stride(0), work.chunks)
    shape: dict[str, Any] = {"CHUNK": work.chunk, "CHUNKS": chunks}
    grid = (work.chunks, rows)
    launch(
        scan_kernel, grid, *row, work.tops, work.bests, work.counts, work.found, *sizes,
        CHUNK=work.chunk,
    )  # fmt: skip
    launch(
        weigh_kernel, grid, *row, *limits, work.tops, work.bests, work.masses, work.counts, out,
        *sizes, **shape,
    )  # fmt: skip
    launch(
        pick_kernel, (rows,), *row, *limits, *noise, work.tops, work.masses, out, *sizes, **shape
    )
