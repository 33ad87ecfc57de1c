"""A native decoder's own loop over tokens in C, with keys and values in regions: for drafts."""

from __future__ import annotations

from array import array
from ctypes import Structure, addressof, byref, c_int32, c_int64, c_void_p

import torch
from torch import Tensor

from sglc_runtime.kernels.library import load_library
from sglc_runtime.models.c_native import CModel


class _Draft(Structure):
    """`Draft` of draft.c."""

    _fields_ = [
        ("model", c_void_p),
        ("head", c_void_p),
        ("layers", c_void_p),
        ("norm", c_void_p),
        ("embedding", c_void_p),
        ("keys", c_void_p),
        ("values", c_void_p),
        ("slots", c_int64),
        ("layer_count", c_int32),
        ("hidden", c_int32),
        ("heads", c_int32),
        ("kv_heads", c_int32),
        ("dim", c_int32),
        ("vocab", c_int32),
    ]


class CDraft:
    """`model` with room for `slots` keys and values; see `runs_in_c` for which models it takes."""

    def __init__(self, model: CModel, slots: int) -> None:
        spec = model.spec
        self.model = model
        self.spec = spec
        shape = (spec.num_layers, slots, spec.num_kv_heads, spec.head_dim)
        self.keys, self.values = torch.empty(shape), torch.empty(shape)
        self._run = load_library().sglc_draft
        table = model._embedding
        self._table = None if table is None else table.float().contiguous()
        self._layers = [layer._obj for layer, _ in model._layers]  # type: ignore[attr-defined]
        addresses = (c_void_p * len(self._layers))()
        for index, layer in enumerate(self._layers):
            addresses[index] = addressof(layer)
        self._addresses = addresses
        self._logits = torch.empty(0, spec.vocab_size)
        self._draft = _Draft(
            addressof(model._model),
            addressof(model._head),
            addressof(addresses),
            model._norm,
            None if self._table is None else self._table.data_ptr(),
            self.keys.data_ptr(),
            self.values.data_ptr(),
            slots,
            spec.num_layers,
            model._model.hidden,
            spec.num_heads,
            spec.num_kv_heads,
            spec.head_dim,
            spec.vocab_size,
        )

    def run(
        self, ids: list[int], positions: list[int], starts: list[int], last: list[int], passes: int
    ) -> tuple[list[int], Tensor]:
        """
        Read rows of `ids` and go on greedily behind those that `last` lists.

        A row's keys and values lie at start + position. Returns tokens [passes * len(last)], pass
        by pass, and the logits [len(last), vocab] of the last pass, valid until the next call.
        Raises ValueError for ids, positions or slots out of range.
        """
        rows, count = len(ids), len(last)
        self.model._reserve(max(rows, count))
        if count > len(self._logits):
            self._logits = torch.empty(count, self.spec.vocab_size)
        given = [array("q", values) for values in (ids, positions, starts, last)]
        tokens = array("q", bytes(8 * passes * count))
        status = self._run(
            byref(self._draft),
            rows,
            *(values.buffer_info()[0] for values in given),
            count,
            passes,
            tokens.buffer_info()[0],
            self._logits.data_ptr(),
        )
        if status == 1:
            raise MemoryError("out of memory in the draft model")
        if status:
            raise ValueError("ids, positions or slots are outside the draft model's")
        return tokens.tolist(), self._logits[:count]


def runs_in_c(model: object) -> bool:
    """Whether `model` is a C decoder that attends everything, as draft.c does."""
    return (
        isinstance(model, CModel)
        and not any(model.spec.windows)
        and model.spec.softcap is None
        and model.quantization == "none"
    )
