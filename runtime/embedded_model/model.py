"""The training form of the model: a Llama decoder over packed rows."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EMBEDDING_STD = 0.03
CONSTANT = 0.1
SHARPNESS = 2.2
SHARP_FREQUENCIES = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the decoder, under the names that a Llama `config.json` uses."""

    vocab_size: int = 2048
    hidden_size: int = 192
    intermediate_size: int = 512
    num_hidden_layers: int = 5
    num_attention_heads: int = 6
    num_key_value_heads: int = 2
    head_dim: int = 32
    max_position_embeddings: int = 2048
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0

    def as_dict(self) -> dict[str, int | float]:
        """Return the fields as plain data."""
        return asdict(self)


def rope_tables(shape: Shape) -> tuple[Tensor, Tensor]:
    """Return cos and sin of the rotary angles, each `[positions, head_dim]`."""
    steps = torch.arange(0, shape.head_dim, 2).float() / shape.head_dim
    angles = torch.outer(
        torch.arange(shape.max_position_embeddings).float(), shape.rope_theta**-steps
    )
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


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
        u = F.rms_norm(h, (size,), self.input_norm, s.rms_norm_eps)
        weight = torch.cat([self.q, self.k, self.v])
        qkv = F.linear(u, weight).view(rows, width, heads + 2 * kv, s.head_dim).transpose(1, 2)
        qk = rotate(qkv[:, : heads + kv], cos, sin)
        q, k, v = qk[:, :heads], qk[:, heads:], qkv[:, heads + kv :]
        k = k.repeat_interleave(heads // kv, 1)
        v = v.repeat_interleave(heads // kv, 1)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        out = out.transpose(1, 2).reshape(rows, width, heads * s.head_dim)
        h = h + F.linear(out, self.o)
        u = F.rms_norm(h, (size,), self.post_norm, s.rms_norm_eps)
        gated = F.silu(F.linear(u, self.gate)) * F.linear(u, self.up)
        return h + F.linear(gated, self.down)


class Decoder(nn.Module):
    """A Llama decoder with tied embeddings that returns losses, not logits of every row."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed = nn.Parameter(torch.randn(shape.vocab_size, shape.hidden_size) * EMBEDDING_STD)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.num_hidden_layers))
        self.norm = nn.Parameter(torch.ones(shape.hidden_size))
        self.tables = rope_tables(shape)
        self.start_with_previous_tokens()

    def forward(self, ids: Tensor, mask: Tensor, chosen: Tensor) -> Tensor:
        """Return fp32 logits `[len(chosen), vocab]` of the flat positions in `chosen`."""
        width = ids.shape[1]
        cos, sin = self.tables[0][:width], self.tables[1][:width]
        h = F.embedding(ids, self.embed)
        for layer in self.layers:
            h = layer(h, mask, cos, sin)
        h = h.reshape(-1, self.shape.hidden_size).index_select(0, chosen)
        h = F.rms_norm(h, (self.shape.hidden_size,), self.norm, self.shape.rms_norm_eps)
        return F.linear(h, self.embed)

    @torch.no_grad()
    def start_with_previous_tokens(self) -> None:
        """
        Let the heads of layer 0's first group look one, two, ... tokens back from the start.

        Copying needs a head that finds what followed an earlier occurrence, and that head can only
        form once another one has written each token's predecessor into the stream. Every embedding
        gets a constant component; queries that see only it, rotated by d positions, match the keys
        d tokens back. Training is free to change all of it.
        """
        shape, layer = self.shape, self.layers[0]
        assert isinstance(layer, Layer)
        half = shape.head_dim // 2
        self.embed[:, 0] = CONSTANT
        for head in range(shape.num_attention_heads // shape.num_key_value_heads):
            for f in range(SHARP_FREQUENCIES):
                angle = (head + 1) * shape.rope_theta ** (-f / half)
                row = head * shape.head_dim + f
                layer.q[row, 0] = SHARPNESS * math.cos(angle)
                layer.q[row + half, 0] = -SHARPNESS * math.sin(angle)
                layer.k[f, 0] = SHARPNESS
        nn.init.normal_(layer.v[: shape.head_dim], std=shape.hidden_size**-0.5)

    def matrices(self) -> list[nn.Parameter]:
        """Return the hidden matrices: what Muon updates."""
        return [p for p in self.layers.parameters() if p.ndim == 2]

    def others(self) -> list[nn.Parameter]:
        """Return the embedding and the norms: what AdamW updates."""
        return [self.embed, self.norm, *(p for p in self.layers.parameters() if p.ndim == 1)]
