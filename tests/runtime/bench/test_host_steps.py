"""The host's share of a step on a device, measured without one."""

from __future__ import annotations

import pytest

from sglc_runtime.bench import host_steps
from sglc_runtime.bench.step_overhead import KINDS, NEW
from sglc_runtime.config import EngineConfig
from tests.runtime.engine.driving import checkpoint


def test_steps_of_all_sequences_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_steps, "REPEATS", 1)
    config = EngineConfig(model=str(checkpoint()), kv_slots=1024, max_running=4, threads=1)
    found = host_steps.measure_host_steps(4, config)
    assert set(found) == set(KINDS)
    for figures in found.values():
        assert 0 < figures.fastest <= figures.median
        # The prompts give the first token, one step is launched without another on its way, and
        # with the last all end.
        assert figures.steps == NEW - 3
