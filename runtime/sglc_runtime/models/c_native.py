"""
The native decoder in C: float32 arithmetic on CPU threads, weights as stored or as integers.

Each layer is two calls of `kernels/decoder.c` and one of the attention backend. A row's logits are
bitwise independent of the other rows and of the number of threads.
"""

from __future__ import annotations

from ctypes import byref

import torch
import torch.nn.functional as F
from torch import Tensor

from sglc_runtime.kernels.library import load_library
from sglc_runtime.kernels.structs import Model
from sglc_runtime.models.base import Attention, Batch
from sglc_runtime.models.native import spec_of
from sglc_runtime.models.packing import QUANTIZED, Packer, Quantization
from sglc_runtime.models.rope import rope_tables
from sglc_runtime.models.weights import Projection, WeightReader

KEEP_FLOAT32 = 4_000_000
"""Models up to this many parameters stay in the cache as float32, which saves the widening."""


class CModel:
    """A decoder on CPU threads; create with `load_native`."""

    implementation = "native"

    def __init__(self, reader: WeightReader, quantization: Quantization = "none") -> None:
        """Read and pack layer by layer; `reader` gives weights as stored, or in bfloat16."""
        assert reader.device.type == "cpu"
        config = reader.config
        self.spec = spec_of(config, torch.float32)
        self.quantization = quantization
        library = load_library()
        self._before = library.sglc_before_attention
        self._after = library.sglc_after_attention
        self._head_logits = library.sglc_logits
        self._scratch_size = library.sglc_scratch_size
        self._embed = library.sglc_embed
        self._packer = Packer(
            library, narrow=config.parameters > KEEP_FLOAT32, quantization=quantization
        )
        self._kind = QUANTIZED.get(quantization, 0)
        self._load(reader)
        cos, sin = rope_tables(
            config.rope, config.head_dim, config.context_length, torch.float32, reader.device
        )
        self._model = Model(
            self._packer.keep(cos),
            self._packer.keep(sin),
            None,
            config.hidden_size,
            config.num_heads,
            config.num_kv_heads,
            config.head_dim,
            config.intermediate_size,
            config.context_length,
            config.norm_eps,
        )
        self._scale = config.head_dim**-0.5
        self._scratch = torch.empty(0, dtype=torch.uint8)

    def _load(self, reader: WeightReader) -> None:
        embedding, head = reader.embedding(), reader.head()
        self._head = self._packer.linear(Projection(embedding if head is None else head, None))
        # A packed head that is tied serves as the embedding too, unless it was rounded.
        tied = head is None and self._kind == 0
        self._embedding = None if tied else embedding
        del embedding, head
        self._norm = self._packer.keep(reader.norm())
        self._layers = [
            (byref(self._packer.layer(weights)), weights.window) for weights in reader.layers()
        ]

    @property
    def weight_bytes(self) -> int:
        """Memory that weights and tables take."""
        table = 0 if self._embedding is None else self._embedding.nbytes
        return self._packer.bytes + table

    def _embedded(self, ids: Tensor) -> Tensor:
        """Embeddings [T, hidden] of ids [T] as float32, newly allocated."""
        if self._embedding is not None:
            return F.embedding(ids, self._embedding).float()
        x = torch.empty(len(ids), self._model.hidden)
        ids = ids.contiguous()
        _check(self._embed(byref(self._head), ids.data_ptr(), len(ids), x.data_ptr()))
        return x

    def _reserve(self, rows: int) -> None:
        size = self._scratch_size(byref(self._model), self._kind, rows)
        if size > len(self._scratch):
            self._scratch = torch.empty(size, dtype=torch.uint8)
            self._model.scratch = self._scratch.data_ptr()

    @torch.no_grad()
    def forward(self, batch: Batch, attention: Attention) -> Tensor:
        """Logits [R, vocab] (float32) of `batch.rows`."""
        spec, model = self.spec, byref(self._model)
        rows, wanted = len(batch.ids), len(batch.rows)
        positions, last = batch.positions.contiguous(), batch.rows.contiguous()
        self._reserve(max(rows, wanted))
        x = self._embedded(batch.ids)
        qkv = torch.empty(rows, spec.num_heads + 2 * spec.num_kv_heads, spec.head_dim)
        q, k, v = torch.split(qkv, [spec.num_heads, spec.num_kv_heads, spec.num_kv_heads], 1)
        x_at, qkv_at, positions_at = x.data_ptr(), qkv.data_ptr(), positions.data_ptr()
        for index, (layer, window) in enumerate(self._layers):
            _check(self._before(model, layer, x_at, positions_at, rows, qkv_at))
            out = attention(index, q, k, v, scale=self._scale, window=window).contiguous()
            _check(self._after(model, layer, out.data_ptr(), rows, x_at))
        logits = torch.empty(wanted, spec.vocab_size)
        head, at = byref(self._head), logits.data_ptr()
        _check(self._head_logits(model, self._norm, head, x_at, rows, last.data_ptr(), wanted, at))
        return logits


def _check(status: int) -> None:
    if status:
        raise ValueError(
            "ids lie outside the vocabulary, positions outside the model's context,"
            " or rows outside the batch"
        )
