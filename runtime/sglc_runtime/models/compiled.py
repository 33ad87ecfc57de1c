"""
Models whose forward pass torch.compile has translated, with attention as one opaque operation.

Numbers of rows are dynamic: what is compiled for two rows is used for all others, and a single row
has code of its own. Where torch cannot compile a model, that is said once and the model runs as it
would have run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from sglc_runtime.attention.make import PooledAttention
from sglc_runtime.models.base import Attention, Batch, Model, ModelSpec, Run
from sglc_runtime.models.generic import GenericModel
from sglc_runtime.models.native import NativeModel
from sglc_runtime.models.opaque import make_opaque, running

log = logging.getLogger(__name__)

BACKEND = "inductor"
"""Of torch.compile; others are for tests."""
Backend = str | Callable[..., Any]
Forward = Callable[[Batch], Tensor]


class CompiledModel:
    """
    `model` behind the same interface.

    Create with `compile_model`. The first pass with one row and the first with several take long.
    """

    def __init__(self, model: NativeModel | GenericModel, forward: Forward) -> None:
        self.model = model
        self.spec: ModelSpec = model.spec
        self.implementation = model.implementation
        self.compiled = True
        """Whether passes run compiled: not after a failure."""
        self._forward = forward

    @torch.no_grad()
    def forward(self, batch: Batch, attention: Attention) -> Tensor:
        """Logits [R, vocab] (float32) of `batch.rows`."""
        if self.compiled:
            try:
                with running(attention):
                    return self._forward(batch)
            except _failures() as error:
                self.compiled = False
                log.warning("%s", _why(self.model, error))
        # What a pass that was broken off has stored is stored again.
        return self.model.forward(batch, attention)

    def try_out(self, attention: PooledAttention, device: torch.device) -> bool:
        """Compile now, on two slots of the pool that are overwritten; whether that works."""
        for rows in (2, 1):
            positions = torch.arange(rows, device=device)
            batch = Batch(
                torch.zeros_like(positions), positions, positions, positions[-1:].clone(),
                (Run(0, rows, 0, rows, 0),),
            )  # fmt: skip
            self.forward(batch, attention.bind(batch))
        return self.compiled


def compile_model(
    model: Model, device: torch.device, backend: Backend | None = None
) -> CompiledModel:
    """A `CompiledModel` of a native decoder in torch operations, or of a transformers model."""
    backend = backend or BACKEND
    if isinstance(model, NativeModel):
        return CompiledModel(model, _native(model, device, backend))
    if isinstance(model, GenericModel):
        return CompiledModel(model, _generic(model, device, backend))
    raise TypeError(f"torch does not compute a {type(model).__name__}")


def _native(model: NativeModel, device: torch.device, backend: Backend) -> Forward:
    """
    One graph for everything up to the last norm, and one for the rest; both of torch's operations,
    as `NativeModel` has them, also where `model` itself runs on kernels.

    Two, because how many rows are wanted has nothing to do with how many there are: otherwise every
    combination of none, one and several would be compiled.
    """
    hidden = torch.compile(model.hidden, backend=backend, fullgraph=True)
    logits = torch.compile(model.logits, backend=backend, fullgraph=True)
    attention = make_opaque(device)

    def forward(batch: Batch) -> Tensor:
        ids, positions = _any_length(batch.ids), _any_length(batch.positions)
        x: Tensor = hidden(ids, positions, attention)
        if not len(batch.rows):
            return x.new_empty(0, model.spec.vocab_size, dtype=torch.float32)
        return logits(_any_length(x[batch.rows]))

    return forward


def _generic(model: GenericModel, device: torch.device, backend: Backend) -> Forward:
    """Its code is not ours: where torch cannot follow, it falls into several graphs."""
    call = torch.compile(model.model, backend=backend)
    make_opaque(device)

    def forward(batch: Batch) -> Tensor:
        # Where none is wanted one is computed, which is not a case apart.
        rows = batch.rows if len(batch.rows) else batch.ids.new_zeros(1)
        ids, positions = (_any_length(x[None], 1, sure=False) for x in (batch.ids, batch.positions))
        logits = model.run(call, ids, positions, _any_length(rows, sure=False))
        return logits[: len(batch.rows)]

    return forward


def _any_length(x: Tensor, dim: int = 0, *, sure: bool = True) -> Tensor:
    """
    The same numbers, of which any count may come along a dimension; one is always a case apart.

    `sure` makes code that takes only this count an error; else that is compiled for each count.
    """
    # Not the caller's tensor: a mark stays, and a view has its own.
    x = x.view(x.shape)
    if x.shape[dim] > 1:
        mark = torch._dynamo.mark_dynamic if sure else torch._dynamo.maybe_mark_dynamic
        mark(x, dim)
    return x


def _failures() -> tuple[type[BaseException], ...]:
    from torch._dynamo.exc import TorchDynamoException
    from torch._inductor.exc import InductorError

    return TorchDynamoException, InductorError


def _why(model: Model, error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (
        f"torch.compile fails for {model.spec.architecture}, which now runs without it"
        f" (TORCH_LOGS=+dynamo,+inductor says more): {' '.join(lines[:2]) or type(error).__name__}"
    )
