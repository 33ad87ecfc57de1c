"""How many threads a model gets."""

from __future__ import annotations

import os

import pytest
import torch

from sglc_runtime.kernels.library import load_library
from sglc_runtime.models import threads
from sglc_runtime.models.threads import choose_threads, free_cores, use_threads


def test_chosen_from_free_cores_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "free_cores", lambda: 6)
    assert [choose_threads(size) for size in (0, 2_400_000, 35_000_000, 600_000_000)] == [
        1,
        1,
        3,
        6,
    ]
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert [choose_threads(size) for size in (0, 600_000_000)] == [2, 2]
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert choose_threads(600_000_000) == 6


def test_busy_cores_are_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(threads, "_cgroup_limit", lambda: None)
    found = []
    for load in (0.2, 2.7, 30.0):
        monkeypatch.setattr(os, "getloadavg", lambda load=load: (load, load, load))
        found.append(free_cores())
    assert found == [8, 5, 1]
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    monkeypatch.setattr(threads, "_cgroup_limit", lambda: 3)
    assert free_cores() == 3


def test_beside_the_c_decoder_torch_has_one() -> None:
    library = load_library()
    before = torch.get_num_threads(), library.sglc_threads()
    try:
        use_threads(3, torch_too=False)
        assert (torch.get_num_threads(), library.sglc_threads()) == (1, 3)
        use_threads(2, torch_too=True)
        assert (torch.get_num_threads(), library.sglc_threads()) == (2, 2)
    finally:
        torch.set_num_threads(before[0])
        library.sglc_set_threads(before[1])
