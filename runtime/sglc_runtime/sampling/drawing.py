"""Tokens from rows of logits: by a C kernel on CPUs, else by torch."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cache
from struct import Struct
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sglc_runtime.kernels.build import CompilerUnavailable
from sglc_runtime.kernels.library import load_library
from sglc_runtime.sampling.truncation import Truncation, sample_plain, sample_truncated

if TYPE_CHECKING:
    from sglc_runtime.generation import SampleRun

_DRAW = Struct("=iidddd")
"""`Draw` of sampling.c: row, top-k, inverse temperature, top-p, min-p, uniform."""


def draw(logits: Tensor, rows: Sequence[int], runs: Sequence[SampleRun]) -> list[int]:
    """
    A token for each run from its row of float32 logits [R, vocab]; several may share a row.

    Ties go to the lower id. A run's token depends on its row, limits and noise alone.
    """
    if logits.device.type == "cpu" and (kernel := _kernel()) is not None:
        return _draw_in_c(kernel, logits, rows, runs)
    return draw_in_torch(logits, rows, runs)


@cache
def _kernel() -> Any:
    try:
        return load_library().sglc_sample
    except CompilerUnavailable:
        return None


def _draw_in_c(
    kernel: Any, logits: Tensor, rows: Sequence[int], runs: Sequence[SampleRun]
) -> list[int]:
    if logits.dtype != torch.float32 or not logits.is_contiguous():
        logits = logits.float().contiguous()
    draws = b"".join(
        [
            _DRAW.pack(row, *run.terms, 0.0 if run.greedy else run.noise[len(run.tokens)])
            for row, run in zip(rows, runs, strict=True)
        ]
    )
    tokens = array("i", bytes(4 * len(runs)))
    address, _ = tokens.buffer_info()
    if kernel(logits.data_ptr(), logits.shape[-1], draws, len(runs), address):
        raise MemoryError("out of memory in the sampling kernel")
    return tokens.tolist()


def draw_in_torch(logits: Tensor, rows: Sequence[int], runs: Sequence[SampleRun]) -> list[int]:
    """As `draw`, in torch operations on any device."""
    if all(run.greedy for run in runs):
        best: list[int] = logits.argmax(-1).tolist()
        return [best[row] for row in rows]
    chosen = logits[torch.tensor(rows, device=logits.device)]
    tokens: list[int] = chosen.argmax(-1).tolist()
    plain = [i for i, run in enumerate(runs) if not run.greedy and not run.truncated]
    truncated = [i for i, run in enumerate(runs) if not run.greedy and run.truncated]
    if plain:
        picked = sample_plain(_scaled(chosen, runs, plain), _uniforms(chosen, runs, plain))
        for i, token in zip(plain, picked, strict=True):
            tokens[i] = token
    if truncated:
        limits = [
            Truncation(runs[i].sampling.top_k, runs[i].sampling.top_p, runs[i].sampling.min_p)
            for i in truncated
        ]
        picked = sample_truncated(
            _scaled(chosen, runs, truncated), _uniforms(chosen, runs, truncated), limits
        )
        for i, token in zip(truncated, picked, strict=True):
            tokens[i] = token
    return tokens


def _scaled(logits: Tensor, runs: Sequence[SampleRun], members: list[int]) -> Tensor:
    temperature = torch.tensor(
        [runs[i].sampling.temperature for i in members], device=logits.device, dtype=logits.dtype
    )
    return logits[torch.tensor(members, device=logits.device)] / temperature[:, None]


def _uniforms(logits: Tensor, runs: Sequence[SampleRun], members: list[int]) -> Tensor:
    values = np.array([runs[i].noise[len(runs[i].tokens)] for i in members])
    return torch.from_numpy(values).to(logits.device)
