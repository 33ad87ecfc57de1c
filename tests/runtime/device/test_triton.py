"""The whole step on the Triton kernels: attention over shared pieces, in several buckets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sglc_runtime.attention.shared_plan import TreeShape
from sglc_runtime.device import make
from sglc_runtime.device.shared import SharingBackend, tree_shape
from sglc_runtime.protocol import Generate, Sampling, Submit, Text
from tests.runtime.device.comparing import said
from tests.runtime.device.stepping import Watched, ahead_engine
from tests.runtime.engine.driving import make_engine, run
from tests.runtime.tiny_checkpoints import write_checkpoint

PREFIX = "It is a sunny day in Paris"
BRANCHES = Sampling(max_new_tokens=3, temperature=0.9, n=2, ignore_eos=True)


def everything(attention: SharingBackend) -> TreeShape:
    """Plans in which every shared prefix is read apart, in small pieces."""
    return replace(tree_shape(attention), worth=0, shortest=16, block=16)


def test_tokens_are_those_of_ordinary_passes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = str(write_checkpoint(tmp_path, num_hidden_layers=1))
    monkeypatch.setattr(make, "tree_shape", everything)
    submit = Submit(0, (Text(PREFIX),), (Generate(BRANCHES, key=3),))
    engine = ahead_engine(model=model, attention="triton", kv_slots=256)
    watched = Watched(engine)
    want, got = run(make_engine(model=model), [submit]), run(engine, [submit])
    assert said(got, 0)[0] == said(want, 0)[0]
    assert len(watched.steps) >= 2
    forms = watched.inner._buckets
    assert any(form.shared for form in forms)
    shared = watched.inner._shared
    assert shared is not None
    assert shared.block[0] > 0
