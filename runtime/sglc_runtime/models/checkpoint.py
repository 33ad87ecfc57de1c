"""Tensors of a safetensors checkpoint, single or sharded, with errors that name the tensor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from sglc_runtime.models.config import read_json
from sglc_runtime.models.errors import LoadError, NotNative

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"


class Checkpoint:
    """
    Open safetensors files of one folder; a context manager.

    Raises `LoadError("bad_checkpoint")` for files that are missing, truncated or corrupt, and
    `NotNative` where weights exist only in another format.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[Path, Any] = {}
        self._where: dict[str, Path] = {}
        if (folder / INDEX).is_file():
            mapping = read_json(folder / INDEX).get("weight_map")
            if not isinstance(mapping, dict) or not mapping:
                raise LoadError("bad_checkpoint", f"{folder / INDEX} has no weight_map")
            for name, file in mapping.items():
                self._where[name] = folder / str(file)
        elif (folder / SINGLE).is_file():
            self._where = dict.fromkeys(self._open(folder / SINGLE).keys(), folder / SINGLE)
        else:
            others = [p.name for p in sorted(folder.glob("*.bin")) + sorted(folder.glob("*.gguf"))]
            if others:
                raise NotNative(f"weights in {others[0]}")
            raise LoadError("bad_checkpoint", f"{folder} has no {SINGLE} and no {INDEX}")

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the files."""
        for handle in self._files.values():
            handle.__exit__(kind, error, trace)
        self._files.clear()

    def _open(self, path: Path) -> Any:
        if path not in self._files:
            if not path.is_file():
                raise LoadError("bad_checkpoint", f"{path} is missing; {INDEX} names it")
            try:
                opened: Any = safe_open(str(path), "pt")
                self._files[path] = opened.__enter__()
            except (SafetensorError, OSError) as error:
                raise LoadError(
                    "bad_checkpoint", f"{path} is truncated or no safetensors file: {error}"
                ) from error
        return self._files[path]

    def names(self) -> frozenset[str]:
        """Names of all tensors."""
        return frozenset(self._where)

    def require(self, names: Sequence[str]) -> None:
        """Raise `LoadError` naming the first missing tensors."""
        missing = [name for name in names if name not in self._where]
        if missing:
            shown = ", ".join(missing[:3])
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            raise LoadError("bad_checkpoint", f"{self.folder} lacks tensor {shown}{more}")

    def stored_dtype(self, name: str) -> torch.dtype:
        """Data type that tensor `name` is stored in."""
        return self.read(name).dtype

    def read(self, name: str, shape: Sequence[int] | None = None) -> Tensor:
        """A copy of tensor `name`; raises `LoadError` for a missing name or another shape."""
        self.require([name])
        handle = self._open(self._where[name])
        try:
            tensor: Tensor = handle.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise LoadError(
                "bad_checkpoint", f"{self._where[name]} cannot give {name}: {error}"
            ) from error
        if shape is not None and tuple(tensor.shape) != tuple(shape):
            raise LoadError(
                "bad_checkpoint",
                f"{self._where[name]}: {name} has shape {tuple(tensor.shape)},"
                f" config.json asks for {tuple(shape)}",
            )
        if not tensor.is_floating_point():
            raise NotNative(f"weights of type {tensor.dtype}")
        return tensor
