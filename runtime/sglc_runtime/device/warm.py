"""The largest pass of an engine, tried before anybody waits for it."""

from __future__ import annotations

import torch

from sglc_runtime.models.base import AttentionBackend, Batch, Model, Run


@torch.inference_mode()
def try_pass(model: Model, attention: AttentionBackend, rows: int, device: torch.device) -> None:
    """
    Run a prompt of `rows` ids on the first slots of the pool, which are overwritten.

    Kernels are compiled by it, and memory that is missing is missed now. Raises what the model
    raises.
    """
    positions = torch.arange(rows, device=device)
    batch = Batch(
        ids=torch.zeros_like(positions),
        positions=positions,
        out_slots=positions,
        rows=positions[-1:].clone(),  # aligned, as in any other pass
        runs=(Run(0, rows, 0, rows, 0),),
    )
    model.forward(batch, attention.bind(batch))
