"""The device that kernels are launched on where nobody says which."""

from __future__ import annotations

import torch


def use_device(device: torch.device) -> None:
    """
    Make a GPU the current one of this thread; each thread has its own.

    Torch's operations go where their tensors are. Triton's kernels, events and streams do not.
    """
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
