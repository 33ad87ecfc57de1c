"""
CPU attention in C: bitwise independent of batch, chunking, fork points and shared extents.

The kernel (`kernels/attention.c`) is called through ctypes with plain pointers, which releases the
GIL for the time of a call.
"""

from __future__ import annotations

import ctypes
from array import array
from concurrent.futures import ThreadPoolExecutor
from ctypes import Structure, byref, c_float, c_int32, c_int64, c_void_p
from itertools import chain, pairwise

import torch
from torch import Tensor

from sglc_runtime.attention.pool import KvPool
from sglc_runtime.kernels.library import load_library
from sglc_runtime.models.base import Batch, ModelSpec

DTYPES = (torch.float32, torch.bfloat16)
MAX_DIM = 1024
_STATUS = {
    1: "the runs of a row have a gap or end before its position",
    2: "out of memory in the attention kernel",
    3: "runs or slots lie outside the batch or the KV pool",
}


class _Pass(Structure):
    """`Pass` of attention.c."""

    _fields_ = [
        ("positions", c_void_p),
        ("out_slots", c_void_p),
        ("runs", c_void_p),
        ("rows", c_int32),
        ("run_count", c_int32),
        ("heads", c_int32),
        ("kv_heads", c_int32),
        ("dim", c_int32),
        ("bf16", c_int32),
        ("slots", c_int64),
    ]


class _Layer(Structure):
    """`Layer` of attention.c."""

    _fields_ = [
        ("q", c_void_p),
        ("k", c_void_p),
        ("v", c_void_p),
        ("out", c_void_p),
        ("keys", c_void_p),
        ("values", c_void_p),
        ("sinks", c_void_p),
        ("q_stride", c_int64),
        ("k_stride", c_int64),
        ("v_stride", c_int64),
        ("scale", c_float),
        ("softcap", c_float),
        ("window", c_int32),
    ]


def _rows(x: Tensor, dim: int, dtype: torch.dtype) -> Tensor:
    """`x` [T, heads, dim] with heads and dim contiguous; rows may be strided."""
    if x.dtype != dtype:
        x = x.to(dtype)
    if x.stride(2) != 1 or (x.stride(1) != dim and x.shape[1] != 1):
        x = x.contiguous()
    return x


class CAttention(KvPool):
    """Attention over the KV pool through the C kernel; raises `CompilerUnavailable`."""

    name = "c"
    deterministic = True
    parallel_work = 1 << 22
    """Query-key products of one pass and layer from which on several threads are used."""

    def __init__(
        self, spec: ModelSpec, slots: int, dtype: torch.dtype, *, threads: int | None = None
    ) -> None:
        if dtype not in DTYPES:
            raise ValueError(f"the C attention kernel takes float32 and bfloat16, not {dtype}")
        if spec.head_dim > MAX_DIM:
            raise ValueError(f"head_dim {spec.head_dim} is above {MAX_DIM}")
        super().__init__(spec, slots, torch.device("cpu"), dtype)
        library = load_library()
        self._attend = library.sglc_attend
        self._check = library.sglc_check
        self._layers = [
            (self.keys[n].data_ptr(), self.values[n].data_ptr()) for n in range(spec.num_layers)
        ]
        count = torch.get_num_threads() if threads is None else threads
        self.threads = max(1, min(count, spec.num_kv_heads))
        self._executor = ThreadPoolExecutor(self.threads - 1) if self.threads > 1 else None

    def bind(self, batch: Batch) -> CBoundAttention:
        """Checked metadata of one batch; raises ValueError for runs outside batch or pool."""
        return CBoundAttention(self, batch)

    def attend(self, bound: _Pass, layer: _Layer, work: int) -> None:
        """Run the kernel, KV heads spread over threads when the work is worth it."""
        heads = self.spec.num_kv_heads
        if self._executor is None or work < self.parallel_work:
            status = self._attend(byref(bound), byref(layer), 0, heads)
        else:
            edges = [heads * n // self.threads for n in range(self.threads + 1)]
            others = [
                self._executor.submit(self._attend, byref(bound), byref(layer), start, end)
                for start, end in pairwise(edges[1:])
            ]
            status = self._attend(byref(bound), byref(layer), edges[0], edges[1])
            for other in others:
                status = max(status, other.result())
        if status:
            raise ValueError(_STATUS[status])


class CBoundAttention:
    """`Attention` of one batch."""

    def __init__(self, backend: CAttention, batch: Batch) -> None:
        self._backend = backend
        spec = backend.spec
        self._batch = batch  # keeps the tensors whose addresses are passed on
        self._runs = array("i", chain.from_iterable(batch.runs))
        self._rows = len(batch.ids)
        self._shape = (self._rows, spec.num_heads, spec.head_dim)
        for tensor in (batch.positions, batch.out_slots):
            if tensor.dtype != torch.int64 or not tensor.is_contiguous():
                raise ValueError("positions and out_slots have to be contiguous int64 tensors")
        self._pass = _Pass(
            batch.positions.data_ptr(),
            batch.out_slots.data_ptr(),
            self._runs.buffer_info()[0],
            self._rows,
            len(batch.runs),
            spec.num_heads,
            spec.num_kv_heads,
            spec.head_dim,
            backend.dtype == torch.bfloat16,
            backend.slots,
        )
        status = backend._check(byref(self._pass))
        if status:
            raise ValueError(_STATUS[status])
        keys = sum((run.row_end - run.row_start) * run.length for run in batch.runs)
        self._work = keys * spec.num_heads * spec.head_dim
        self._layer = _Layer()

    def __call__(
        self,
        layer: int,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        *,
        scale: float,
        window: int | None = None,
        softcap: float | None = None,
        sinks: Tensor | None = None,
    ) -> Tensor:
        """Store k and v, attend; see `Attention`. Returns contiguous [T, H, D] of q's dtype."""
        backend, dim = self._backend, self._shape[2]
        if q.shape != self._shape or k.shape[0] != self._rows or k.shape != v.shape:
            raise ValueError(f"q {tuple(q.shape)}, k {tuple(k.shape)} do not fit {self._shape}")
        kept = q, k, v = (
            _rows(q, dim, backend.dtype),
            _rows(k, dim, backend.dtype),
            _rows(v, dim, backend.dtype),
        )
        out = torch.empty(self._shape, dtype=backend.dtype)
        if sinks is not None:
            sinks = sinks.detach().to(torch.float32).contiguous()
        call = self._layer
        call.q, call.k, call.v = q.data_ptr(), k.data_ptr(), v.data_ptr()
        call.out = out.data_ptr()
        call.keys, call.values = backend._layers[layer]
        call.sinks = None if sinks is None else sinks.data_ptr()
        call.q_stride, call.k_stride, call.v_stride = q.stride(0), k.stride(0), v.stride(0)
        call.scale, call.softcap, call.window = scale, softcap or 0.0, window or 0
        backend.attend(self._pass, call, self._work)
        del kept
        return out


def available() -> str | None:
    """None when the kernel can be used here, else the reason why not."""
    from sglc_runtime.kernels.build import CompilerUnavailable

    try:
        load_library()
    except CompilerUnavailable as error:
        return str(error)
    return None if ctypes.sizeof(c_void_p) == 8 else "needs a 64-bit machine"
