"""Tensors of a safetensors checkpoint, single or sharded, with errors that name the tensor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

from sglc_runtime.models.config import read_json
from sglc_runtime.models.errors import LoadError, NotNative
from sglc_runtime.models.safe_file import SafeFile

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"


class Checkpoint:
    """
    Open safetensors files of one folder; a context manager.

    Raises `LoadError("bad_checkpoint")` for files that are missing, truncated, corrupt or in
    another format.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[Path, SafeFile] = {}
        self._where: dict[str, Path] = {}
        if (folder / INDEX).is_file():
            mapping = read_json(folder / INDEX).get("weight_map")
            if not isinstance(mapping, dict) or not mapping:
                raise LoadError("bad_checkpoint", f"{folder / INDEX} has no weight_map")
            for name, file in mapping.items():
                if not isinstance(file, str) or Path(file).name != file:
                    raise LoadError("bad_checkpoint", f"{folder / INDEX}: {file!r} is no file name")
                self._where[name] = folder / file
        elif (folder / SINGLE).is_file():
            self._where = dict.fromkeys(self._open(folder / SINGLE).names(), folder / SINGLE)
        else:
            raise LoadError("bad_checkpoint", _no_weights(folder))

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

    def _open(self, path: Path) -> SafeFile:
        if path not in self._files:
            if not path.is_file():
                raise LoadError("bad_checkpoint", f"{path} is missing; {INDEX} names it")
            self._files[path] = SafeFile(path)
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

    def check(self) -> None:
        """Open every file; raise `LoadError` where one is missing, broken or lacks a tensor."""
        for path in sorted(set(self._where.values())):
            held = self._open(path).names()
            for name, where in self._where.items():
                if where == path and name not in held:
                    raise LoadError("bad_checkpoint", f"{path} lacks {name}; {INDEX} names it")

    def main_dtype(self) -> torch.dtype:
        """Floating-point type that most weights are stored in; float32 where there is none."""
        weights: dict[torch.dtype, int] = {}
        for name, path in self._where.items():
            kind, size = self._open(path).size(name)
            if kind is not None:
                weights[kind] = weights.get(kind, 0) + size
        return max(weights, key=weights.__getitem__, default=torch.float32)

    def file_of(self, name: str) -> Path:
        """File that holds tensor `name`."""
        self.require([name])
        return self._where[name]

    def read_any(self, name: str) -> Tensor:
        """A copy of tensor `name`, whatever it is."""
        return self._open(self.file_of(name)).read(name)

    def read(self, name: str, shape: Sequence[int] | None = None) -> Tensor:
        """A copy of tensor `name`; raises `LoadError` for a missing name or another shape."""
        tensor = self.read_any(name)
        if shape is not None:
            self._require_shape(name, tuple(tensor.shape), shape)
        return _floating(tensor)

    def read_part(self, name: str, shape: Sequence[int], dim: int, start: int, stop: int) -> Tensor:
        """A copy of the indices [start, stop) of dimension `dim`; nothing else is read."""
        file = self._open(self.file_of(name))
        self._require_shape(name, file.shape(name), shape)
        return _floating(file.read_part(name, dim, start, stop))

    def _require_shape(self, name: str, got: Sequence[int], want: Sequence[int]) -> None:
        if tuple(got) != tuple(want):
            raise LoadError(
                "bad_checkpoint",
                f"{self._where[name]}: {name} has shape {tuple(got)},"
                f" config.json asks for {tuple(want)}",
            )


def _floating(tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        raise NotNative(f"weights of type {tensor.dtype}")
    return tensor


def _no_weights(folder: Path) -> str:
    others = sorted(p.name for end in ("bin", "pt", "pth", "gguf") for p in folder.glob(f"*.{end}"))
    if not others:
        return f"{folder} has no {SINGLE} and no {INDEX}"
    if others[0].endswith(".gguf"):
        why, what = "is not read here", "take the model's safetensors"
    else:
        why = "is a pickle, which can run code when it is read"
        what = "AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(OTHER) converts it"
    return f"{folder} has its weights in {others[0]}, which {why}; {what}"
