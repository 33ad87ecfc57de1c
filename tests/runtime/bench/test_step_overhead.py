"""The measurement itself: it measures every step it says it does, and changes nothing."""

from __future__ import annotations

import pytest

from sglc_runtime.bench import step_overhead
from sglc_runtime.config import EngineConfig
from tests.runtime.engine.driving import checkpoint


def test_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_overhead, "REPEATS", 2)
    said: list[str] = []
    config = EngineConfig(model=str(checkpoint()), threads=1, kv_slots=4096)
    found = step_overhead.measure_step_overhead(config, said.append)
    assert set(found["kinds"]) == set(step_overhead.KINDS)
    for values in found["kinds"].values():
        # All but the first pass, which is the prompt's, and the last, which ends the sequences.
        assert values["turns"] == 2 * (step_overhead.NEW - 2)
        assert 0 < values["share"] < 1
        assert 0 < values["forward_ms"] < values["step_ms"]
    assert found["share"] == max(found["kinds"][kind]["share"] for kind in ("greedy", "sampled"))
    assert said
