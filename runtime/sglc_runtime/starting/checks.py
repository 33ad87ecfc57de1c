"""Whether the options of an engine can be used, as far as it is known before anything is loaded."""

from __future__ import annotations

import msgspec
import torch

from sglc_runtime.config import EngineConfig
from sglc_runtime.errors import EngineError
from sglc_runtime.options import invalid

LARGEST = {
    "kv_slots": 2**31,
    "max_running": 2**31,
    "max_waiting": 2**31,
    "chunk_tokens": 2**31,
    "cuda_graph_max_bs": 2**31,
    "threads": 1024,
    "tp_size": 64,
}
"""Options that count something, and the most they can be."""


def checked_device(config: EngineConfig) -> torch.device:
    """The device of a configuration whose options can be used, as far as that is known ahead."""
    try:
        msgspec.convert(msgspec.to_builtins(config), EngineConfig)
    except (msgspec.ValidationError, TypeError) as error:
        raise EngineError("internal", invalid(error)) from None
    for name, most in LARGEST.items():
        value = getattr(config, name)
        if value is not None and value < 1:
            raise EngineError("internal", f"{name} must be at least 1, not {value}")
        if value is not None and value > most:
            raise EngineError("internal", f"{name} must be at most {most}, not {value}")
    if config.device == "auto":
        # Steps of the embedded model are shorter than launching kernels.
        large = config.model is not None and torch.cuda.is_available()
        return torch.device("cuda" if large else "cpu")
    try:
        device = torch.device(config.device)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise EngineError("internal", f"unknown device {config.device!r}; use cpu or cuda")
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    if (device.index or 0) >= count:
        found = f"{count} of them" if count else "no GPU"
        message = f"device {config.device!r} asked for, but torch finds {found} here"
        raise EngineError("internal", message)
    return device
