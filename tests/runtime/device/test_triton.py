"""The whole step on the Triton kernels: attention over shared pieces, recorded and replayed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from sglc_runtime.attention.make import PooledAttention
from sglc_runtime.attention.shared_plan import TreeShape
from sglc_runtime.config import EngineConfig
from sglc_runtime.device import make
from sglc_runtime.device.graphs import Form, Graphs
from sglc_runtime.device.shared import SharingBackend, tree_shape
from sglc_runtime.kernels.triton.begin import begin
from sglc_runtime.models.load_native import load_native
from sglc_runtime.protocol import Generate, Sampling, Submit, Text
from sglc_runtime.sampling.device import DeviceSampler
from tests.runtime.device.comparing import said
from tests.runtime.device.late_lane import LateLane
from tests.runtime.device.replaying import ReplayCapture
from tests.runtime.device.stepping import CPU, ahead_engine
from tests.runtime.engine.driving import make_engine, run
from tests.runtime.tiny_checkpoints import write_checkpoint

pytestmark = pytest.mark.skipif(
    os.environ.get("TRITON_INTERPRET") != "1", reason="Triton was imported for a GPU"
)
PREFIX = "It is a sunny day in Paris"
BRANCHES = Sampling(max_new_tokens=3, temperature=0.9, n=2, ignore_eos=True)


def everything(attention: SharingBackend) -> TreeShape:
    """Plans in which every shared prefix is read apart, in small pieces."""
    return replace(tree_shape(attention), worth=0, shortest=16, block=4)


def test_all_kernels_replayed_on_a_late_device(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As on a GPU: ids, decoder, attention and sampling in kernels, recorded once per form."""
    folder = write_checkpoint(tmp_path, num_hidden_layers=1)
    monkeypatch.setattr(make, "tree_shape", everything)
    engine = ahead_engine(model=str(folder), attention="triton", kv_slots=256)
    lane, capture = LateLane(), ReplayCapture()
    graphs = Graphs(capture, 2)
    engine.model = load_native(folder, device=CPU, dtype="float32", in_c=False, fused=True)
    executor = make.make_executor(
        EngineConfig(max_running=2),
        engine.model,
        cast(PooledAttention, engine.attention),
        256,
        CPU,
        lane=lane,
        recorder=graphs,
        begin=begin,
        sample=DeviceSampler(2, engine.model.spec.vocab_size, CPU),
    )
    engine.executor = executor
    submit = Submit(0, (Text(PREFIX),), (Generate(BRANCHES, key=3),))
    want, got = run(make_engine(model=str(folder)), [submit]), run(engine, [submit])
    assert said(got, 0)[0] == said(want, 0)[0]
    assert Form(2, shared=True) in graphs.recorded
    assert capture.replays == 2
    assert capture.launches > 20
    assert executor._shared is not None
    assert executor._shared.block[0] > 0
    assert lane.waits
