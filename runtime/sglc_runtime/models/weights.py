"""Weights of a native decoder, read from a checkpoint layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from sglc_runtime.models.checkpoint import Checkpoint
from sglc_runtime.models.config import DecoderConfig
from sglc_runtime.parallel.split import WHOLE, Part, Split


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

    With `split`, only this process's part of each is read, and `local` is the decoder that they
    make. Raises `LoadError` for tensors that are missing or have another shape than config.json
    says.
    """

    def __init__(
        self,
        config: DecoderConfig,
        files: Checkpoint,
        device: torch.device,
        dtype: torch.dtype | None,
        split: Split = WHOLE,
    ) -> None:
        """`dtype` None reads every tensor as it is stored."""
        files.require(tensor_names(config))
        self.config = config
        self.local = split.local(config)
        self.device = device
        self.dtype = dtype
        self._files = files
        self._split = split

    def _stored(self, name: str, *shape: int, part: Part | None = None) -> Tensor:
        """As it is in the file, on the CPU."""
        if part is None or self._split.size == 1:
            return self._files.read(name, shape)
        return self._files.read_part(name, shape, *part)

    def _read(self, name: str, *shape: int, part: Part | None = None) -> Tensor:
        tensor = self._stored(name, *shape, part=part)
        return tensor.to(self.device, self.dtype or tensor.dtype)

    def _stack(
        self, names: list[str], rows: list[int], parts: list[Part], columns: int, bias: bool
    ) -> Projection:
        """Projections divided by their outputs, each on its own and then stacked."""
        sizes = list(zip(names, rows, parts, strict=True))
        weights = (self._stored(f"{name}.weight", n, columns, part=p) for name, n, p in sizes)
        biases = (self._stored(f"{name}.bias", n, part=p) for name, n, p in sizes)
        return Projection(self._cat(weights), self._cat(biases) if bias else None)

    def _cat(self, stored: Iterator[Tensor]) -> Tensor:
        """One below the other on the device, where nothing is held twice."""
        if self.dtype is None:
            return torch.cat([tensor.to(self.device) for tensor in stored])
        tensors = list(stored)
        shape = sum(map(len, tensors)), *tensors[0].shape[1:]
        whole = torch.empty(shape, dtype=self.dtype, device=self.device)
        targets = torch.split(whole, [*map(len, tensors)])
        for target, tensor in zip(targets, tensors, strict=True):
            target.copy_(tensor)
        return whole

    def _back(self, name: str, inputs: int, part: Part, bias: bool) -> Projection:
        """A projection divided by its inputs; outputs are summed, so the bias is rank 0's."""
        hidden = self.config.hidden_size
        return Projection(
            self._read(f"{name}.weight", hidden, inputs, part=part),
            self._read(f"{name}.bias", hidden) if bias and self._split.rank == 0 else None,
        )

    def embedding(self) -> Tensor:
        """Token embedding [vocab, hidden]; of a split one [rows, hidden], padded with zeros."""
        return self._by_vocabulary("model.embed_tokens.weight")

    def _by_vocabulary(self, name: str) -> Tensor:
        c = self.config
        part = self._split.vocabulary(c)
        tensor = self._read(name, c.vocab_size, c.hidden_size, part=part)
        missing = self._split.rows(c) - len(tensor)
        return F.pad(tensor, (0, 0, 0, missing)) if missing else tensor

    def head(self) -> Tensor | None:
        """
        Output weight, as `embedding` gives it; None where it is the embedding.

        A checkpoint that says "tied" and stores another output weight means that one, as
        transformers reads it.
        """
        c = self.config
        if c.tied and "lm_head.weight" not in self._files.names():
            return None
        if c.tied:
            # Compared where they are read, so that a device need not hold both.
            part = self._split.vocabulary(c)
            head, embedding = (
                self._stored(name, c.vocab_size, c.hidden_size, part=part)
                for name in ("lm_head.weight", "model.embed_tokens.weight")
            )
            if head.dtype == embedding.dtype and torch.equal(head, embedding):
                return None
        return self._by_vocabulary("lm_head.weight")

    def norm(self) -> Tensor:
        """Weight of the last norm [hidden]."""
        return self._read("model.norm.weight", self.config.hidden_size)

    def layers(self) -> Iterator[LayerWeights]:
        """All blocks in order, read when asked for."""
        return map(self._layer, range(self.config.num_layers))

    def _layer(self, index: int) -> LayerWeights:
        c, at, split = self.config, f"model.layers.{index}.", self._split
        q, kv, inner = c.num_heads * c.head_dim, c.num_kv_heads * c.head_dim, c.intermediate_size
        attn, mlp = f"{at}self_attn.", f"{at}mlp."
        norm = c.qk_norm
        return LayerWeights(
            window=c.windows[index],
            input_norm=self._read(f"{at}input_layernorm.weight", c.hidden_size),
            qkv=self._stack(
                [f"{attn}{x}_proj" for x in "qkv"],
                [q, kv, kv],
                [split.heads(c), split.kv_heads(c), split.kv_heads(c)],
                c.hidden_size,
                c.qkv_bias,
            ),
            q_norm=self._read(f"{attn}q_norm.weight", c.head_dim) if norm else None,
            k_norm=self._read(f"{attn}k_norm.weight", c.head_dim) if norm else None,
            o=self._back(f"{attn}o_proj", q, split.heads(c, 1), c.o_bias),
            post_norm=self._read(f"{at}post_attention_layernorm.weight", c.hidden_size),
            gate_up=self._stack(
                [f"{mlp}gate_proj", f"{mlp}up_proj"],
                [inner] * 2,
                [split.inner(c)] * 2,
                c.hidden_size,
                c.mlp_bias,
            ),
            down=self._back(f"{mlp}down_proj", inner, split.inner(c, 1), c.mlp_bias),
        )
