"""Whether there is a GPU to measure."""

from __future__ import annotations

import torch

from sglc_runtime.bench.gpu.settings import GpuSettings


def require(settings: GpuSettings) -> None:
    """Raise ValueError where the device of the settings cannot be used."""
    try:
        device = settings.torch_device
    except RuntimeError:
        raise ValueError(f"unknown device {settings.device!r}; use cuda, or cuda:1") from None
    if device.type == "cpu":
        return
    if device.type != "cuda":
        raise ValueError(f"device {settings.device!r} is no CUDA device")
    if not torch.cuda.is_available():
        raise ValueError(
            "torch finds no GPU here; `sglc bench gpu --interpret` checks the kernels on the CPU"
        )
    if (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"there is no {settings.device}: {torch.cuda.device_count()} GPUs here")
