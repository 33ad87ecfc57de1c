"""One safetensors file, with errors that name it and the tensor."""

from __future__ import annotations

import math
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from sglc_runtime.models.errors import LoadError

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64}


class SafeFile:
    """An open file; a context manager. Raises `LoadError("bad_checkpoint")` for a broken one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            opened: Any = safe_open(str(path), "pt")
            self._file = opened.__enter__()
        except (SafetensorError, OSError) as error:
            raise LoadError(
                "bad_checkpoint", f"{path} is truncated or no safetensors file: {error}"
            ) from error
        self._names = frozenset(self._file.keys())

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._file.__exit__(kind, error, trace)

    def names(self) -> frozenset[str]:
        """Names of all tensors."""
        return self._names

    def read(self, name: str) -> Tensor:
        """A copy of tensor `name`."""
        try:
            tensor: Tensor = self._file.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise self._cannot_give(name, error) from error
        return tensor

    def read_part(self, name: str, dim: int, start: int, stop: int) -> Tensor:
        """A copy of the indices [start, stop) of dimension `dim` of tensor `name`."""
        try:
            index = (slice(None),) * dim + (slice(start, stop),)
            tensor: Tensor = self._file.get_slice(name)[index]
        except (SafetensorError, OSError) as error:
            raise self._cannot_give(name, error) from error
        return tensor

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of tensor `name`, without reading it."""
        try:
            return tuple(self._file.get_slice(name).get_shape())
        except SafetensorError as error:
            raise self._cannot_give(name, error) from error

    def size(self, name: str) -> tuple[torch.dtype | None, int]:
        """Floating-point type (None for others) and number of elements, without reading them."""
        try:
            entry = self._file.get_slice(name)
        except SafetensorError as error:
            raise self._cannot_give(name, error) from error
        return DTYPES.get(entry.get_dtype()), math.prod(entry.get_shape())

    def _cannot_give(self, name: str, error: Exception) -> LoadError:
        return LoadError("bad_checkpoint", f"{self.path} cannot give {name}: {error}")
