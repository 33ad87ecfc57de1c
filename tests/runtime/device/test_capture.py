"""The whole step, sampling included, can be captured in a CUDA graph: checked without a GPU."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc_runtime.attention.triton_attention import TritonAttention
from sglc_runtime.config import EngineConfig
from sglc_runtime.device.graphs import Eager, Form
from sglc_runtime.device.lane import HostLane
from sglc_runtime.device.make import make_executor
from sglc_runtime.device.runner import DeviceExecutor
from sglc_runtime.kernels.triton.begin import begin
from sglc_runtime.kernels.triton.launch import recording
from sglc_runtime.models.load_native import load_native
from sglc_runtime.sampling.device import DeviceSampler
from tests.runtime.capture_check import GPU, Captured, capturable
from tests.runtime.tiny_checkpoints import Family, write_checkpoint

TORCH = {
    # the model's products and views
    "_to_copy",  # logits in float32
    "embedding", "mm", "t", "view", "_unsafe_view", "new_empty", "empty", "select", "slice",
}  # fmt: skip


def executor_of(folder: Path) -> DeviceExecutor:
    """As on a GPU, where there is none."""
    model = load_native(folder, device=GPU, dtype="bfloat16", fused=True, dummy=True)
    attention = TritonAttention(model.spec, 129, GPU, model.spec.dtype)
    sampler = DeviceSampler(4, model.spec.vocab_size, GPU)
    config = EngineConfig(max_running=4)
    return make_executor(
        config,
        model,
        attention,
        128,
        GPU,
        lane=HostLane(),
        recorder=Eager(),
        begin=begin,
        sample=sampler,
    )


@pytest.mark.parametrize(
    ("family", "shared"), [("qwen3", False), ("qwen3", True), ("mistral", True)]
)
def test_a_step_can_be_captured(family: Family, shared: bool, tmp_path: Path) -> None:
    executor = executor_of(write_checkpoint(tmp_path, family, num_hidden_layers=2))
    assert executor._shared is not None
    bucket = executor._make(Form(4, shared))
    with recording():
        executor._run(bucket)  # what is allocated once is allocated now
    with capturable() as captured:
        executor._run(bucket)
    names = {name.split(".")[1] for name in captured.operations}
    assert names <= TORCH
    check_kernels(captured)


def check_kernels(captured: Captured) -> None:
    """Attention shares its work out once, and sampling comes last."""
    kernels = captured.kernels
    assert kernels[0] == "begin_kernel"
    assert kernels.count("split_kernel") == 1
    assert kernels.count("rope_store_kernel") == 2
    last = max(place for place, name in enumerate(kernels) if name == "norm_kernel")
    assert len(kernels) > last + 1
