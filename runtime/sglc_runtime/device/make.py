"""Makes the executor of an engine's decode steps, where there is something to gain from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

from sglc_runtime.attention.make import PooledAttention, why_not_triton
from sglc_runtime.attention.sizing import step_bytes
from sglc_runtime.device.buckets import bucket_sizes
from sglc_runtime.device.cuda_graphs import CudaCapture
from sglc_runtime.device.graphs import Eager, Graphs, Recorder
from sglc_runtime.device.lane import Lane, lane_of
from sglc_runtime.device.runner import DeviceExecutor
from sglc_runtime.device.shared import SharedTables, SharingBackend, tree_shape
from sglc_runtime.device.slot_table import SlotTable
from sglc_runtime.device.step import Begin, DecodeBackend, SampleOnDevice, begin_in_torch
from sglc_runtime.device.torch_decode import TorchDecode
from sglc_runtime.device.torch_sampling import sample_in_torch
from sglc_runtime.models.base import Model, ModelSpec

if TYPE_CHECKING:
    from sglc_runtime.config import EngineConfig


def make_executor(
    config: EngineConfig,
    model: Model,
    attention: PooledAttention,
    slots: int,
    device: torch.device,
    *,
    lane: Lane | None = None,
    recorder: Recorder | None = None,
    begin: Begin | None = None,
    sample: SampleOnDevice | None = None,
) -> DeviceExecutor:
    """
    An executor for steps of up to `config.most_running` sequences.

    `slots` are handed out; the pool of `attention` has at least one more, which padding rows use.
    `lane`, `recorder`, `begin` and `sample` are by default those of the device.
    """
    if attention.slots <= slots:
        raise ValueError("the pool has no slot for padding rows")
    rows = min(config.most_running, slots)
    table = SlotTable(rows, min(model.spec.context_length, slots), slots, device)
    return DeviceExecutor(
        model,
        backend_of(attention),
        sample or sampler_of(rows, model.spec.vocab_size, device),
        table,
        bucket_sizes(rows, config.cuda_graph_max_bs),
        lane=lane or lane_of(device),
        recorder=recorder or recorder_of(config, model.spec, device),
        begin=begin or begin_of(device),
        shared=shared_of(attention, table),
    )


def begin_of(device: torch.device) -> Begin:
    """What begins a step: a kernel on GPUs with Triton."""
    if device.type != "cuda" or why_not_triton(device) is not None:
        return begin_in_torch
    from sglc_runtime.kernels.triton.begin import begin

    return begin


def sampler_of(rows: int, vocab: int, device: torch.device) -> SampleOnDevice:
    """What chooses tokens: kernels on GPUs with Triton, for vocabularies that they take."""
    if device.type != "cuda" or why_not_triton(device) is not None:
        return sample_in_torch
    from sglc_runtime.sampling.device import LARGEST_VOCAB, DeviceSampler

    return sample_in_torch if vocab > LARGEST_VOCAB else DeviceSampler(rows, vocab, device)


def runs_decode(attention: PooledAttention) -> bool:
    """Whether a backend has kernels for decode steps."""
    return hasattr(attention, "bind_decode")


def backend_of(attention: PooledAttention) -> DecodeBackend:
    """Attention of decode steps: the backend's own, or torch over the backend's pool."""
    if runs_decode(attention):
        return cast(DecodeBackend, attention)
    return TorchDecode(attention)


def shared_of(attention: PooledAttention, table: SlotTable) -> SharedTables | None:
    """Tables of shared prefixes, where attention can read them and results may depend on it."""
    if attention.deterministic or not hasattr(attention, "shared_rows"):
        return None
    backend = cast(SharingBackend, attention)
    windows = [window for window in backend.spec.windows if window is not None]
    everything = len(windows) < len(backend.spec.windows)
    return SharedTables(
        table.rows,
        tree_shape(backend),
        table.width,
        None if everything else max(windows),
        table.tensor.device,
    )


def recorder_of(config: EngineConfig, spec: ModelSpec, device: torch.device) -> Recorder:
    """What runs steps on `device` as the configuration says."""
    if device.type != "cuda" or config.disable_cuda_graph:
        return Eager()
    most = min(config.cuda_graph_max_bs or config.most_running, config.most_running)
    return Graphs(CudaCapture(device, step_bytes(spec, most)), most)
