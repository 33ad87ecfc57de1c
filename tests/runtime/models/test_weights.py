"""Weights go to their device one by one, and nothing is there twice."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sglc_runtime.models.checkpoint import Checkpoint
from sglc_runtime.models.config import parse_decoder, read_config
from sglc_runtime.models.load_native import load_native
from sglc_runtime.models.weights import WeightReader
from tests.runtime.capture_check import GPU
from tests.runtime.tiny_checkpoints import write_checkpoint, write_weights


class _Memory(TorchDispatchMode):
    """Bytes of tensors on `GPU`, now and at most; memory counts until its last tensor goes."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[int, int] = {}
        self.most = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor) and tensor.device == GPU:
                storage = tensor.untyped_storage()
                if (key := storage._cdata) not in self.held:
                    self.held[key] = storage.nbytes()
                    weakref.finalize(storage, self.held.pop, key, None)
        self.most = max(self.most, self.now)
        return out

    @property
    def now(self) -> int:
        return sum(self.held.values())


@pytest.mark.parametrize(
    ("tied", "repeated"), [(False, False), (True, False), (True, True)], ids=str
)
def test_a_device_never_holds_more_than_the_model(
    tied: bool, repeated: bool, tmp_path: Path
) -> None:
    """Some tied checkpoints store the embedding once more as the output weight."""
    folder = write_checkpoint(
        tmp_path, "qwen2", tie_word_embeddings=tied, dtype=torch.bfloat16,
        max_position_embeddings=16,
    )  # fmt: skip
    weights = load_file(folder / "model.safetensors")
    if tied and repeated:
        write_weights(
            folder, weights | {"lm_head.weight": weights["model.embed_tokens.weight"].clone()}
        )
    stored = sum(tensor.nbytes for tensor in weights.values())
    with _Memory() as memory:
        model = load_native(folder, device=GPU, dtype="bfloat16", fused=True)
    tables = sum(table.nbytes for table in (model._cos, model._sin))
    assert memory.now == stored + tables
    assert memory.most == memory.now


def test_an_output_weight_of_its_own_counts_in_a_tied_checkpoint(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, tie_word_embeddings=True)
    weights = load_file(folder / "model.safetensors")
    other = weights["model.embed_tokens.weight"] + 1
    write_weights(folder, weights | {"lm_head.weight": other})
    config = parse_decoder(folder, read_config(folder))
    with Checkpoint(folder) as files:
        head = WeightReader(config, files, torch.device("cpu"), torch.float32).head()
    assert head is not None
    assert torch.equal(head, other)


@pytest.mark.parametrize("dtype", [None, torch.float32, torch.bfloat16], ids=str)
def test_projections_are_stacked(dtype: torch.dtype | None, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, "qwen2", dtype=torch.float16)
    weights = load_file(folder / "model.safetensors")
    config = parse_decoder(folder, read_config(folder))
    with Checkpoint(folder) as files:
        first = next(WeightReader(config, files, torch.device("cpu"), dtype).layers())
    at = "model.layers.0.self_attn."
    for kind, got in (("weight", first.qkv.weight), ("bias", first.qkv.bias)):
        want = torch.cat([weights[f"{at}{x}_proj.{kind}"] for x in "qkv"])
        assert got is not None
        assert torch.equal(got, want.to(dtype or torch.float16))
