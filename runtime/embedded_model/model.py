"""The training form of the model: a Llama decoder over packed rows, bfloat16 matmuls."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the decoder, under the names that a Llama `config.json` uses."""

    vocab_size: int = 2048
    hidden_size: int = 256
    intermediate_size: int = 704
    num_hidden_layers: int = 5
    num_attention_heads: int = 8
    num_key_value_heads: int = 4
    head_dim: int = 32
    max_position_embeddings: int = 2048
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0

    def as_dict(self) -> dict[str, int | float]:
        """Return the fields as plain data."""
        return asdict(self)


def rope_tables(shape: Shape) -> tuple[Tensor, Tensor]:
    """Return cos and sin of the rotary angles, each `[positions, head_dim]` in bfloat16."""
    steps = torch.arange(0, shape.head_dim, 2).float() / shape.head_dim
    angles = torch.outer(
        torch.arange(shape.max_position_embeddings).float(), shape.rope_theta**-steps
    )
    angles = torch.cat([angles, angles], -1)
    return angles.cos().bfloat16(), angles.sin().bfloat16()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Apply rotary position embedding to `x[..., T, head_dim]` (Su et al., 2021)."""
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


class Layer(nn.Module):
    """One decoder layer; its parameters are stacked, `export.py` splits them again."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        h, kv = shape.hidden_size, shape.num_key_value_heads * shape.head_dim
        inner = shape.num_attention_heads * shape.head_dim
        self.input_norm = nn.Parameter(torch.ones(h))
        self.post_norm = nn.Parameter(torch.ones(h))
        self.q = nn.Parameter(torch.randn(inner, h) * 0.02)
        self.k = nn.Parameter(torch.randn(kv, h) * 0.02)
        self.v = nn.Parameter(torch.randn(kv, h) * 0.02)
        residual = 0.02 / (2 * shape.num_hidden_layers) ** 0.5
        self.o = nn.Parameter(torch.randn(h, inner) * residual)
        self.gate = nn.Parameter(torch.randn(shape.intermediate_size, h) * 0.02)
        self.up = nn.Parameter(torch.randn(shape.intermediate_size, h) * 0.02)
        self.down = nn.Parameter(torch.randn(h, shape.intermediate_size) * residual)

    def forward(self, h: Tensor, mask: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return `h[B, T, hidden]` after attention and feed-forward; `mask` is `[B, 1, T, T]`."""
        s = self.shape
        rows, width, size = h.shape
        heads, kv = s.num_attention_heads, s.num_key_value_heads
        u = F.rms_norm(h, (size,), self.input_norm, s.rms_norm_eps).bfloat16()
        weight = torch.cat([self.q, self.k, self.v]).bfloat16()
        qkv = F.linear(u, weight).view(rows, width, heads + 2 * kv, s.head_dim).transpose(1, 2)
        qk = rotate(qkv[:, : heads + kv], cos, sin)
        q, k, v = qk[:, :heads], qk[:, heads:], qkv[:, heads + kv :]
        k = k.repeat_interleave(heads // kv, 1)
        v = v.repeat_interleave(heads // kv, 1)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        out = out.transpose(1, 2).reshape(rows, width, heads * s.head_dim)
        h = h + F.linear(out, self.o.bfloat16())
        u = F.rms_norm(h, (size,), self.post_norm, s.rms_norm_eps).bfloat16()
        gated = F.silu(F.linear(u, self.gate.bfloat16())) * F.linear(u, self.up.bfloat16())
        return h + F.linear(gated, self.down.bfloat16())


class Decoder(nn.Module):
    """A Llama decoder with tied embeddings that returns losses, not logits of every row."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed = nn.Parameter(torch.randn(shape.vocab_size, shape.hidden_size) * 0.02)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.num_hidden_layers))
        self.norm = nn.Parameter(torch.ones(shape.hidden_size))
        self.tables = rope_tables(shape)

    def forward(self, ids: Tensor, mask: Tensor, chosen: Tensor) -> Tensor:
        """Return fp32 logits `[len(chosen), vocab]` of the flat positions in `chosen`."""
        width = ids.shape[1]
        cos, sin = self.tables[0][:width], self.tables[1][:width]
        h = F.embedding(ids, self.embed)
        for layer in self.layers:
            h = layer(h, mask, cos, sin)
        h = h.reshape(-1, self.shape.hidden_size).index_select(0, chosen)
        h = F.rms_norm(h, (self.shape.hidden_size,), self.norm, self.shape.rms_norm_eps)
        return F.linear(h.bfloat16(), self.embed.bfloat16()).float()

    def matrices(self) -> list[nn.Parameter]:
        """Return the hidden matrices: what Muon updates."""
        return [p for p in self.layers.parameters() if p.ndim == 2]

    def others(self) -> list[nn.Parameter]:
        """Return the embedding and the norms: what AdamW updates."""
        return [self.embed, self.norm, *(p for p in self.layers.parameters() if p.ndim == 1)]
