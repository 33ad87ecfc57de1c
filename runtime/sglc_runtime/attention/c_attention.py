"""
CPU attention in C: bitwise independent of batch, chunking, fork points, shared extents, threads.

The kernel (`kernels/attention.c`) is called through ctypes with plain pointers, which releases the
GIL for the time of a call.
"""

from __future__ import annotations

import ctypes
from array import array
from ctypes import Structure, addressof, c_float, c_int32, c_int64, c_void_p
from itertools import chain

import torch
from torch import Tensor

from sglc_runtime.attention.pool import KvPool
from sglc_runtime.kernels.library import load_library
from sglc_runtime.models.base import Batch, ModelSpec

DTYPES = (torch.float32, torch.bfloat16)
MAX_DIM = 1024
_STATUS = {
    1: "the runs of a row have a gap or end before its position",
    3: "runs, slots or positions lie outside the batch or the KV pool",
}


class _Pass(Structure):
    """`AttentionPass` of attention.h."""

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
    """`AttentionLayer` of attention.h."""

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
        ("q_head", c_int64),
        ("k_head", c_int64),
        ("v_head", c_int64),
        ("scale", c_float),
        ("softcap", c_float),
        ("window", c_int32),
        ("bf16", c_int32),
    ]


def _check(status: int) -> None:
    if status == 2:
        raise MemoryError("out of memory in the attention kernel")
    if status:
        raise ValueError(_STATUS[status])


class CAttention(KvPool):
    """
    Attention over the KV pool through the C kernel, on the threads of the kernels' pool.

    The pool's data type is independent of that of q, k and v, which may be float32 or bfloat16.
    Raises `CompilerUnavailable`.
    """

    name = "c"
    deterministic = True

    def __init__(self, spec: ModelSpec, slots: int, dtype: torch.dtype) -> None:
        if dtype not in DTYPES:
            raise ValueError(f"the C attention kernel takes float32 and bfloat16, not {dtype}")
        if spec.head_dim > MAX_DIM:
            raise ValueError(f"head_dim {spec.head_dim} is above {MAX_DIM}")
        super().__init__(spec, slots, torch.device("cpu"), dtype)
        library = load_library()
        self.attend = library.sglc_attend
        self.plan = library.sglc_attention_plan
        self._new_plan = library.sglc_attention_plan_new
        self._free_plan = library.sglc_attention_plan_free
        self._plans: list[int] = []
        self.layers = [
            (self.keys[n].data_ptr(), self.values[n].data_ptr()) for n in range(spec.num_layers)
        ]
        """Addresses of the keys and values of each layer."""

    def __del__(self) -> None:
        for plan in getattr(self, "_plans", ()):
            self._free_plan(plan)

    def bind(self, batch: Batch) -> CBoundAttention:
        """Checked plan of one batch; raises ValueError for runs outside batch or pool."""
        return CBoundAttention(self, batch)

    def take_plan(self) -> int:
        """Address of a plan that nobody uses; its memory is that of earlier passes."""
        if self._plans:
            return self._plans.pop()
        plan: int | None = self._new_plan()
        if plan is None:
            raise MemoryError("out of memory in the attention kernel")
        return plan

    def return_plan(self, plan: int) -> None:
        """Give a plan back."""
        self._plans.append(plan)


class CBoundAttention:
    """`Attention` of one batch. C callers pass the address `plan` to `sglc_attend` themselves."""

    def __init__(self, backend: CAttention, batch: Batch) -> None:
        spec = backend.spec
        self._batch = batch  # keeps the tensors whose addresses are passed on
        self._runs = array("i", chain.from_iterable(batch.runs))
        for tensor in (batch.positions, batch.out_slots):
            if tensor.dtype != torch.int64 or not tensor.is_contiguous():
                raise ValueError("positions and out_slots have to be contiguous int64 tensors")
        rows = len(batch.positions)
        self._shape = (rows, spec.num_heads, spec.head_dim)
        self._kv_shape = (rows, spec.num_kv_heads, spec.head_dim)
        self._layers = backend.layers
        self._attend = backend.attend
        self._call = _Layer()
        self._call_at = addressof(self._call)
        self._inputs: tuple[Tensor | None, Tensor | None, Tensor | None] = (None, None, None)
        self._backend = backend
        self.plan = backend.take_plan()
        bound = _Pass(
            batch.positions.data_ptr(),
            batch.out_slots.data_ptr(),
            self._runs.buffer_info()[0],
            rows,
            len(batch.runs),
            spec.num_heads,
            spec.num_kv_heads,
            spec.head_dim,
            backend.dtype == torch.bfloat16,
            backend.slots,
        )
        _check(backend.plan(self.plan, addressof(bound)))

    def __del__(self) -> None:
        if hasattr(self, "plan"):
            self._backend.return_plan(self.plan)

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
        # A decoder that projects into one buffer passes the same tensors for every layer.
        last_q, last_k, last_v = self._inputs
        if q is not last_q or k is not last_k or v is not last_v:
            q, k, v = self._take(q, k, v)
        out = torch.empty(self._shape, dtype=q.dtype)
        call = self._call
        call.out = out.data_ptr()
        call.keys, call.values = self._layers[layer]
        call.scale, call.softcap, call.window = scale, softcap or 0.0, window or 0
        if sinks is not None:
            sinks = sinks.detach().to(torch.float32).contiguous()
        call.sinks = None if sinks is None else sinks.data_ptr()
        status = self._attend(self.plan, self._call_at)
        if status:
            _check(status)
        return out

    def _take(self, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Check q, k and v and note where they lie; they are kept until others come."""
        if q.shape != self._shape or k.shape != self._kv_shape or v.shape != self._kv_shape:
            raise ValueError(
                f"q {tuple(q.shape)}, k {tuple(k.shape)}, v {tuple(v.shape)} do not fit "
                f"{self._shape} and {self._kv_shape}"
            )
        dtype = q.dtype
        if dtype not in DTYPES or k.dtype != dtype or v.dtype != dtype:
            raise ValueError(f"q, k and v are {dtype}, {k.dtype} and {v.dtype}, not of one kind")
        if q.stride(2) != 1 or k.stride(2) != 1 or v.stride(2) != 1:
            q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
        call = self._call
        call.q, call.k, call.v = q.data_ptr(), k.data_ptr(), v.data_ptr()
        call.q_stride, call.q_head, _ = q.stride()
        call.k_stride, call.k_head, _ = k.stride()
        call.v_stride, call.v_head, _ = v.stride()
        call.bf16 = dtype == torch.bfloat16
        self._inputs = q, k, v
        return q, k, v


def available() -> str | None:
    """None when the kernel can be used here, else the reason why not."""
    from sglc_runtime.kernels.build import CompilerUnavailable

    try:
        load_library()
    except CompilerUnavailable as error:
        return str(error)
    return None if ctypes.sizeof(c_void_p) == 8 else "needs a 64-bit machine"
