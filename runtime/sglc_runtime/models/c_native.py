"""
The native decoder in C: float32 on one CPU core, for models too small to spread over several.

At this size a library call costs more than its work. Each layer is two calls of
`kernels/decoder.c` and one of the attention backend.
"""

from __future__ import annotations

from ctypes import Structure, byref, c_float, c_int32, c_void_p

import torch
import torch.nn.functional as F
from torch import Tensor

from sglc_runtime.kernels.library import load_library
from sglc_runtime.models.base import Attention, Batch
from sglc_runtime.models.native import spec_of
from sglc_runtime.models.rope import rope_tables
from sglc_runtime.models.weights import LayerWeights, Projection, WeightReader

KEEP_FLOAT32 = 4_000_000
"""Models up to this many parameters stay in the cache as float32, which saves the widening."""


class _Linear(Structure):
    """`Linear` of decoder.c."""

    _fields_ = [
        ("weight", c_void_p),
        ("bias", c_void_p),
        ("inputs", c_int32),
        ("outputs", c_int32),
        ("bf16", c_int32),
    ]


class _Layer(Structure):
    """`Layer` of decoder.c."""

    _fields_ = [
        ("qkv", _Linear),
        ("o", _Linear),
        ("gate_up", _Linear),
        ("down", _Linear),
        ("input_norm", c_void_p),
        ("post_norm", c_void_p),
        ("q_norm", c_void_p),
        ("k_norm", c_void_p),
    ]


class _Model(Structure):
    """`Model` of decoder.c."""

    _fields_ = [
        ("cos", c_void_p),
        ("sin", c_void_p),
        ("hidden", c_int32),
        ("heads", c_int32),
        ("kv_heads", c_int32),
        ("dim", c_int32),
        ("context", c_int32),
        ("eps", c_float),
    ]


class Kernels:
    """Functions of decoder.c; raises `CompilerUnavailable`."""

    def __init__(self) -> None:
        library = load_library()
        self.packed_size = library.sglc_packed_size
        self.pack = library.sglc_pack
        self.linear = library.sglc_linear
        self.before = library.sglc_before_attention
        self.after = library.sglc_after_attention
        self.logits = library.sglc_logits


class Packer:
    """Packs weights for the kernels and keeps the memory that they point to."""

    def __init__(self, kernels: Kernels, *, narrow: bool) -> None:
        self._kernels = kernels
        self._narrow = narrow
        self._kept: list[Tensor] = []

    def keep(self, tensor: Tensor) -> int:
        """Address of a contiguous float32 tensor that now stays alive."""
        tensor = tensor.to(torch.float32).contiguous()
        self._kept.append(tensor)
        return tensor.data_ptr()

    def linear(self, projection: Projection) -> _Linear:
        """A projection in the kernels' layout, as bfloat16 where that loses nothing."""
        weight = projection.weight.to(torch.float32).contiguous()
        outputs, inputs = weight.shape
        size = self._kernels.packed_size(inputs, outputs)
        wide = torch.empty(size, dtype=torch.float32)
        narrow = torch.empty(size, dtype=torch.int16) if self._narrow else None
        at = None if narrow is None else narrow.data_ptr()
        is_narrow = self._kernels.pack(weight.data_ptr(), inputs, outputs, wide.data_ptr(), at)
        packed = narrow if is_narrow and narrow is not None else wide
        self._kept.append(packed)
        bias = None if projection.bias is None else self.keep(projection.bias)
        return _Linear(packed.data_ptr(), bias, inputs, outputs, is_narrow)

    def layer(self, weights: LayerWeights) -> _Layer:
        """One transformer block."""
        return _Layer(
            self.linear(weights.qkv),
            self.linear(weights.o),
            self.linear(weights.gate_up),
            self.linear(weights.down),
            self.keep(weights.input_norm),
            self.keep(weights.post_norm),
            None if weights.q_norm is None else self.keep(weights.q_norm),
            None if weights.k_norm is None else self.keep(weights.k_norm),
        )


class CModel:
    """A float32 decoder on one CPU core; create with `load_native`."""

    implementation = "native"

    def __init__(self, reader: WeightReader) -> None:
        assert reader.dtype == torch.float32
        assert reader.device.type == "cpu"
        config = reader.config
        self.spec = spec_of(config, torch.float32)
        self._kernels = Kernels()
        self._packer = Packer(self._kernels, narrow=config.parameters > KEEP_FLOAT32)
        self._embedding = reader.embedding()
        head = reader.head()
        self._head = self._packer.linear(
            Projection(self._embedding if head is None else head, None)
        )
        self._norm = self._packer.keep(reader.norm())
        self._layers = [
            (byref(self._packer.layer(weights)), weights.window) for weights in reader.layers()
        ]
        cos, sin = rope_tables(
            config.rope, config.head_dim, config.context_length, torch.float32, reader.device
        )
        self._model = _Model(
            self._packer.keep(cos),
            self._packer.keep(sin),
            config.hidden_size,
            config.num_heads,
            config.num_kv_heads,
            config.head_dim,
            config.context_length,
            config.norm_eps,
        )
        self._scale = config.head_dim**-0.5

    @torch.no_grad()
    def forward(self, batch: Batch, attention: Attention) -> Tensor:
        """Logits [R, vocab] (float32) of `batch.rows`."""
        spec, model = self.spec, byref(self._model)
        rows, wanted = len(batch.ids), len(batch.rows)
        positions, last = batch.positions.contiguous(), batch.rows.contiguous()
        x = F.embedding(batch.ids, self._embedding)
        qkv = torch.empty(rows, spec.num_heads + 2 * spec.num_kv_heads, spec.head_dim)
        q, k, v = torch.split(qkv, [spec.num_heads, spec.num_kv_heads, spec.num_kv_heads], 1)
        x_at, qkv_at, positions_at = x.data_ptr(), qkv.data_ptr(), positions.data_ptr()
        for index, (layer, window) in enumerate(self._layers):
            _check(self._kernels.before(model, layer, x_at, positions_at, rows, qkv_at))
            out = attention(index, q, k, v, scale=self._scale, window=window).contiguous()
            _check(self._kernels.after(model, layer, out.data_ptr(), rows, x_at))
        logits = torch.empty(wanted, spec.vocab_size)
        head, at = byref(self._head), logits.data_ptr()
        _check(
            self._kernels.logits(model, self._norm, head, x_at, rows, last.data_ptr(), wanted, at)
        )
        return logits


def _check(status: int) -> None:
    if status == 1:
        raise MemoryError("out of memory in the decoder")
    if status:
        raise ValueError("positions lie outside the model's context, or rows outside the batch")
