"""Decode steps of the native decoders can be captured in CUDA graphs: checked without a GPU."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import torch

from sglc_runtime.attention.decode_inputs import DecodeInputs
from sglc_runtime.attention.torch_attention import TorchAttention
from sglc_runtime.attention.triton_attention import TritonAttention
from sglc_runtime.device.step import DecodeBackend
from sglc_runtime.device.torch_decode import TorchDecode
from sglc_runtime.kernels.triton.launch import recording
from sglc_runtime.models.base import Batch
from sglc_runtime.models.fused import FusedModel
from sglc_runtime.models.load_native import load_native
from tests.runtime.capture_check import GPU, Captured, capturable
from tests.runtime.tiny_checkpoints import Family, config_of, write_checkpoint

LAYERS = 3


def decode_inputs(rows: int) -> DecodeInputs:
    long, short = (torch.empty(rows, dtype=t, device=GPU) for t in (torch.int64, torch.int32))
    table = torch.empty(8, 128, dtype=torch.int32, device=GPU)
    return DecodeInputs(long, long.clone(), short, table, short.clone())


def captured_forward(
    folder: Path, rows: int, *, triton: bool, slots: int = 64
) -> tuple[Captured, torch.Tensor]:
    """What a decode step does, and its logits without values."""
    model = load_native(folder, device=GPU, dtype="bfloat16", fused=True, dummy=True)
    assert isinstance(model, FusedModel)
    backend: DecodeBackend
    if triton:
        backend = TritonAttention(model.spec, slots, GPU, torch.bfloat16, programs=16)
    else:
        backend = TorchDecode(TorchAttention(model.spec, slots, GPU, torch.bfloat16))
    inputs = decode_inputs(rows)
    attention = backend.bind_decode(inputs)
    ids, every = inputs.positions.clone(), torch.arange(rows, device=GPU)
    batch = Batch(ids, inputs.positions, inputs.out_slots, every, ())
    with recording():
        model.forward(batch, attention)  # what is allocated once is allocated now
    with capturable() as captured:
        logits = model.forward(batch, attention)
    return captured, logits


@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "qwen3"])
def test_a_step_can_be_captured(family: Family, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, family, num_hidden_layers=LAYERS)
    captured, logits = captured_forward(folder, 4, triton=True)
    assert logits.shape == (4, 384)
    assert logits.dtype == torch.float32
    kernels = Counter(captured.kernels)
    assert kernels["rope_store_kernel"] == kernels["swiglu_kernel"] == LAYERS
    assert kernels["norm_kernel"] == 2 * LAYERS + 1
    assert not kernels["store_kernel"]
    # Four products a layer and that with the output weights; little else is left to torch.
    products = [name for name in captured.operations if name.startswith(("aten.mm", "aten.addmm"))]
    assert len(products) == 4 * LAYERS + 1
    others = {name.split(".")[1] for name in captured.operations} - {"mm", "addmm"}
    assert others <= {
        "embedding",
        "t",
        "view",
        "_unsafe_view",
        "new_empty",
        "empty",
        "_to_copy",
        "select",
        "slice",
        "reshape",
        "detach",
        "transpose",
        "_reshape_alias",
    }


def test_attention_that_stores_by_itself_can_be_captured(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, "qwen3", num_hidden_layers=1)
    captured, _ = captured_forward(folder, 2, triton=False)
    assert "rope_store_kernel" not in captured.kernels


@pytest.mark.parametrize("rows", [1, 256])
def test_a_step_of_a_large_model_can_be_captured(rows: int, tmp_path: Path) -> None:
    """Two layers of Llama 3.1 8B, with more numbers in the pool than 32 bits count."""
    config = config_of(
        "llama", hidden_size=4096, intermediate_size=14336, num_hidden_layers=2,
        num_attention_heads=32, num_key_value_heads=8, vocab_size=128256,
    )  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config | {"torch_dtype": "bfloat16"}))
    captured, logits = captured_forward(tmp_path, rows, triton=True, slots=4_000_000)
    assert logits.shape == (rows, 128256)
    assert len(captured.launches) > 10
