"""
The native decoder: Llama, Mistral, Qwen2 and Qwen3 in one forward pass.

Pre-norm transformer (Llama: arXiv 2302.13971) with grouped-query attention, RMSNorm, rotary
embeddings and SwiGLU. Query, key and value are one projection, gate and up another. Numbers follow
transformers' implementations, which are the oracle of the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from sglc_runtime.models.base import Attention, Batch, ModelSpec
from sglc_runtime.models.checkpoint import Checkpoint
from sglc_runtime.models.config import DecoderConfig, parse_decoder, read_config
from sglc_runtime.models.dtypes import choose_dtype
from sglc_runtime.models.linear import MIN_ROWS, Linear
from sglc_runtime.models.rope import rope_tables


@dataclass(frozen=True, slots=True)
class _Layer:
    window: int | None
    input_norm: Tensor
    qkv: Linear
    q_norm: Tensor | None
    k_norm: Tensor | None
    o: Linear
    post_norm: Tensor
    gate_up: Linear
    down: Linear


class NativeModel:
    """A decoder with its weights; create with `load_native`."""

    implementation = "native"

    def __init__(
        self,
        config: DecoderConfig,
        embedding: Tensor,
        layers: tuple[_Layer, ...],
        norm: Tensor,
        head: Linear,
    ) -> None:
        self.config = config
        self.spec = ModelSpec(
            architecture=config.architecture,
            num_layers=config.num_layers,
            num_heads=config.num_heads,
            num_kv_heads=config.num_kv_heads,
            head_dim=config.head_dim,
            vocab_size=config.vocab_size,
            context_length=config.context_length,
            dtype=embedding.dtype,
            windows=config.windows,
            eos_ids=config.eos_ids,
            bos_id=config.bos_id,
        )
        self._embedding = embedding
        self._layers = layers
        self._norm = norm
        self._head = head
        self._scale = config.head_dim**-0.5
        self._cos, self._sin = rope_tables(
            config.rope, config.head_dim, config.context_length, embedding.dtype, embedding.device
        )

    def _rms(self, x: Tensor, weight: Tensor) -> Tensor:
        """RMSNorm over the last dimension (arXiv 1910.07467)."""
        if x.dtype == torch.float32:
            return F.rms_norm(x, weight.shape, weight, self.config.norm_eps)
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.config.norm_eps)
        return weight * wide.to(x.dtype)

    @torch.no_grad()
    def forward(self, batch: Batch, attention: Attention) -> Tensor:
        """Logits [R, vocab] (float32) of `batch.rows`."""
        heads, kv_heads = self.spec.num_heads, self.spec.num_kv_heads
        dim, rows = self.spec.head_dim, len(batch.ids)
        x = F.embedding(batch.ids, self._embedding)
        cos, sin = self._cos[batch.positions, None], self._sin[batch.positions, None]
        if rows < MIN_ROWS:
            x = x.expand(MIN_ROWS, -1).contiguous()
        for index, layer in enumerate(self._layers):
            qkv = layer.qkv(self._rms(x, layer.input_norm))[:rows]
            qkv = qkv.view(rows, heads + 2 * kv_heads, dim)
            qk, v = qkv[:, : heads + kv_heads], qkv[:, heads + kv_heads :]
            if layer.q_norm is not None and layer.k_norm is not None:
                q, k = qk[:, :heads], qk[:, heads:]
                qk = torch.cat([self._rms(q, layer.q_norm), self._rms(k, layer.k_norm)], 1)
            qk = qk * cos + qk.roll(dim // 2, -1) * sin
            out = attention(
                index, qk[:, :heads], qk[:, heads:], v, scale=self._scale, window=layer.window
            ).view(rows, heads * dim)
            if rows < MIN_ROWS:
                out = out.expand(MIN_ROWS, -1).contiguous()
            x = x + layer.o(out)
            gate, up = layer.gate_up(self._rms(x, layer.post_norm)).chunk(2, -1)
            x = x + layer.down(F.silu(gate) * up)
        x = x[batch.rows]
        if wanted := len(batch.rows):
            if wanted < MIN_ROWS:
                x = x.expand(MIN_ROWS, -1).contiguous()
            return self._head(self._rms(x, self._norm))[:wanted].float()
        return x.new_empty(0, self.spec.vocab_size, dtype=torch.float32)


def load_native(folder: Path, *, device: torch.device, dtype: str) -> NativeModel:
    """
    Read a folder's config.json and safetensors files.

    Raises `NotNative` for models this decoder does not implement and `LoadError` for broken ones.
    """
    config = parse_decoder(folder, read_config(folder))
    with Checkpoint(folder) as files, torch.no_grad():
        files.require(tensor_names(config))
        stored = files.stored_dtype("model.embed_tokens.weight")
        return _Reader(config, files, device, choose_dtype(dtype, stored, device)).model()


def tensor_names(config: DecoderConfig) -> list[str]:
    """All tensors that a checkpoint of `config` has to hold."""
    names = ["model.embed_tokens.weight", "model.norm.weight"]
    if not config.tied:
        names.append("lm_head.weight")
    weights = {
        "self_attn.q_proj": config.qkv_bias,
        "self_attn.k_proj": config.qkv_bias,
        "self_attn.v_proj": config.qkv_bias,
        "self_attn.o_proj": config.o_bias,
        "mlp.gate_proj": config.mlp_bias,
        "mlp.up_proj": config.mlp_bias,
        "mlp.down_proj": config.mlp_bias,
        "input_layernorm": False,
        "post_attention_layernorm": False,
    }
    if config.qk_norm:
        weights |= {"self_attn.q_norm": False, "self_attn.k_norm": False}
    for layer in range(config.num_layers):
        for name, bias in weights.items():
            names.append(f"model.layers.{layer}.{name}.weight")
            if bias:
                names.append(f"model.layers.{layer}.{name}.bias")
    return names


class _Reader:
    """Turns tensors of a checkpoint into layers, one layer's tensors in memory at a time."""

    def __init__(
        self, config: DecoderConfig, files: Checkpoint, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.config = config
        self.files = files
        self.device = device
        self.dtype = dtype

    def read(self, name: str, *shape: int) -> Tensor:
        return self.files.read(name, shape).to(self.device, self.dtype)

    def linear(self, names: list[str], rows: list[int], columns: int, bias: bool) -> Linear:
        """Projections `names` stacked into one, `rows[i]` outputs each."""
        sizes = list(zip(names, rows, strict=True))
        weight = torch.cat([self.read(f"{name}.weight", n, columns) for name, n in sizes])
        if not bias:
            return Linear(weight)
        return Linear(weight, torch.cat([self.read(f"{name}.bias", n) for name, n in sizes]))

    def layer(self, index: int) -> _Layer:
        c, at = self.config, f"model.layers.{index}."
        q, kv = c.num_heads * c.head_dim, c.num_kv_heads * c.head_dim
        attn, mlp = f"{at}self_attn.", f"{at}mlp."
        norm = c.qk_norm
        return _Layer(
            window=c.windows[index],
            input_norm=self.read(f"{at}input_layernorm.weight", c.hidden_size),
            qkv=self.linear(
                [f"{attn}{x}_proj" for x in "qkv"], [q, kv, kv], c.hidden_size, c.qkv_bias
            ),
            q_norm=self.read(f"{attn}q_norm.weight", c.head_dim) if norm else None,
            k_norm=self.read(f"{attn}k_norm.weight", c.head_dim) if norm else None,
            o=self.linear([f"{attn}o_proj"], [c.hidden_size], q, c.o_bias),
            post_norm=self.read(f"{at}post_attention_layernorm.weight", c.hidden_size),
            gate_up=self.linear(
                [f"{mlp}gate_proj", f"{mlp}up_proj"],
                [c.intermediate_size] * 2,
                c.hidden_size,
                c.mlp_bias,
            ),
            down=self.linear([f"{mlp}down_proj"], [c.hidden_size], c.intermediate_size, c.mlp_bias),
        )

    def model(self) -> NativeModel:
        c = self.config
        embedding = self.read("model.embed_tokens.weight", c.vocab_size, c.hidden_size)
        if c.tied:
            head = Linear(embedding, keep=True)
        else:
            head = Linear(self.read("lm_head.weight", c.vocab_size, c.hidden_size))
        return NativeModel(
            c,
            embedding,
            tuple(self.layer(index) for index in range(c.num_layers)),
            self.read("model.norm.weight", c.hidden_size),
            head,
        )
