"""Made-up weights, for measuring shapes of models whose checkpoints are not at hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import torch
from torch import Tensor

from sglc_runtime.models.checkpoint import Checkpoint
from sglc_runtime.models.config import DecoderConfig, read_config
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.weights import tensor_names

DEVIATION = 0.02
"""What models are initialised with."""


class MadeUpCheckpoint(Checkpoint):
    """
    The tensors that `config` asks for, made on `device` when they are read.

    A tensor's numbers follow from its name, shape and the kind of device alone.
    """

    def __init__(self, folder: Path, config: DecoderConfig, device: torch.device) -> None:
        self.folder = folder
        self._files = {}
        self._where = dict.fromkeys(tensor_names(config), folder / "config.json")
        self._device = device
        self._dtype = stored_dtype(folder)

    def check(self) -> None:
        """Nothing is stored, so nothing can be broken."""

    def main_dtype(self) -> torch.dtype:
        """What config.json says that weights are stored in; float32 where it does not."""
        return self._dtype

    def read_any(self, name: str) -> Tensor:
        """Tensors are made where their shape is known; this raises LoadError."""
        raise LoadError("bad_checkpoint", f"{name} of {self.folder} is made up: it has no shape")

    def read(self, name: str, shape: Sequence[int] | None = None) -> Tensor:
        """The tensor; raises LoadError for a name that the model does not have."""
        self.require([name])
        return (
            self.read_any(name) if shape is None else made(name, shape, self._dtype, self._device)
        )

    def read_part(self, name: str, shape: Sequence[int], dim: int, start: int, stop: int) -> Tensor:
        """The indices [start, stop) of dimension `dim`."""
        return self.read(name, shape).narrow(dim, start, stop - start).clone()


def made(name: str, shape: Sequence[int], dtype: torch.dtype, device: torch.device) -> Tensor:
    """A weight: norms are ones, biases zeros, the rest is normally distributed."""
    if len(shape) == 1:
        fill = torch.zeros if name.endswith("bias") else torch.ones
        return fill(*shape, dtype=dtype, device=device)
    if device.type == "meta":
        return torch.empty(*shape, dtype=dtype, device=device)
    generator = torch.Generator(device).manual_seed(crc32(name.encode()))
    empty = torch.empty(*shape, dtype=dtype, device=device)
    return empty.normal_(0.0, DEVIATION, generator=generator)


def stored_dtype(folder: Path) -> torch.dtype:
    """The type that config.json names."""
    config = read_config(folder)
    named = getattr(torch, str(config.get("dtype") or config.get("torch_dtype")), None)
    return named if isinstance(named, torch.dtype) else torch.float32
