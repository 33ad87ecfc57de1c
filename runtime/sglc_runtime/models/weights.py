"""Weights of a native decoder, read from a checkpoint layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sglc_runtime.models.checkpoint import Checkpoint
from sglc_runtime.models.config import DecoderConfig


@dataclass(frozen=True, slots=True)
class Projection:
    """Weight [out, in] and bias [out] of one linear layer, several projections stacked."""

    weight: Tensor
    bias: Tensor | None


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One transformer block."""

    window: int | None
    input_norm: Tensor
    qkv: Projection
    q_norm: Tensor | None
    k_norm: Tensor | None
    o: Projection
    post_norm: Tensor
    gate_up: Projection
    down: Projection


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


class WeightReader:
    """
    Reads weights with their shapes checked; one layer's tensors are in memory at a time.

    Raises `LoadError` for tensors that are missing or have another shape than config.json says.
    """

    def __init__(
        self,
        config: DecoderConfig,
        files: Checkpoint,
        device: torch.device,
        dtype: torch.dtype | None,
    ) -> None:
        """`dtype` None reads every tensor as it is stored."""
        files.require(tensor_names(config))
        self.config = config
        self.device = device
        self.dtype = dtype
        self._files = files

    def _read(self, name: str, *shape: int) -> Tensor:
        tensor = self._files.read(name, shape)
        return tensor.to(self.device, self.dtype or tensor.dtype)

    def _stack(self, names: list[str], rows: list[int], columns: int, bias: bool) -> Projection:
        sizes = list(zip(names, rows, strict=True))
        return Projection(
            torch.cat([self._read(f"{name}.weight", n, columns) for name, n in sizes]),
            torch.cat([self._read(f"{name}.bias", n) for name, n in sizes]) if bias else None,
        )

    def embedding(self) -> Tensor:
        """Token embedding [vocab, hidden]."""
        c = self.config
        return self._read("model.embed_tokens.weight", c.vocab_size, c.hidden_size)

    def head(self) -> Tensor | None:
        """
        Output weight [vocab, hidden]; None where it is the embedding.

        A checkpoint that says "tied" and stores another output weight means that one, as
        transformers reads it.
        """
        c = self.config
        if c.tied and "lm_head.weight" not in self._files.names():
            return None
        head = self._read("lm_head.weight", c.vocab_size, c.hidden_size)
        return None if c.tied and torch.equal(head, self.embedding()) else head

    def norm(self) -> Tensor:
        """Weight of the last norm [hidden]."""
        return self._read("model.norm.weight", self.config.hidden_size)

    def layers(self) -> Iterator[LayerWeights]:
        """All blocks in order, read when asked for."""
        return map(self._layer, range(self.config.num_layers))

    def _layer(self, index: int) -> LayerWeights:
        c, at = self.config, f"model.layers.{index}."
        q, kv = c.num_heads * c.head_dim, c.num_kv_heads * c.head_dim
        attn, mlp = f"{at}self_attn.", f"{at}mlp."
        norm = c.qk_norm
        return LayerWeights(
            window=c.windows[index],
            input_norm=self._read(f"{at}input_layernorm.weight", c.hidden_size),
            qkv=self._stack(
                [f"{attn}{x}_proj" for x in "qkv"], [q, kv, kv], c.hidden_size, c.qkv_bias
            ),
            q_norm=self._read(f"{attn}q_norm.weight", c.head_dim) if norm else None,
            k_norm=self._read(f"{attn}k_norm.weight", c.head_dim) if norm else None,
            o=self._stack([f"{attn}o_proj"], [c.hidden_size], q, c.o_bias),
            post_norm=self._read(f"{at}post_attention_layernorm.weight", c.hidden_size),
            gate_up=self._stack(
                [f"{mlp}gate_proj", f"{mlp}up_proj"],
                [c.intermediate_size] * 2,
                c.hidden_size,
                c.mlp_bias,
            ),
            down=self._stack([f"{mlp}down_proj"], [c.hidden_size], c.intermediate_size, c.mlp_bias),
        )
