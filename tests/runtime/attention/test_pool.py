"""The pool's size and memory: a share of what is free, taken when it is used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from sglc_runtime.attention.pool import KvPool
from sglc_runtime.attention.sizing import free_memory, pool_slots
from tests.runtime.attention.cases import make_spec

CPU = torch.device("cpu")


def slots(
    slot_bytes: int,
    free: int,
    *,
    kv_slots: int | None = None,
    share: float = 0.5,
    most: int = 10**6,
) -> int:
    return pool_slots(slot_bytes, free, kv_slots=kv_slots, mem_fraction_static=share, most=most)


def test_slots_are_a_share_of_what_is_free() -> None:
    assert slots(1000, 1_000_000) == 500
    assert slots(1000, 1_000_000, share=0.9) == 900
    assert slots(1000, 1_000_000, most=300) == 300
    assert slots(1000, 1_000_000, kv_slots=1000) == 1000


def test_errors_name_the_option_to_change() -> None:
    with pytest.raises(ValueError, match=r"takes 1\.1 MiB .* lower kv_slots, 1000 would fit"):
        slots(1000, 1_000_000, kv_slots=1200)
    with pytest.raises(ValueError, match=r"hold only 50 KV slots.*raise mem_fraction_static"):
        slots(10_000, 1_000_000)
    for share in (0.0, -1.0, 1.5, float("nan")):
        with pytest.raises(ValueError, match="mem_fraction_static must be"):
            slots(1000, 1_000_000, share=share)


def resident() -> int:
    """Bytes of this process in memory."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_unused_slots_take_no_memory() -> None:
    spec = make_spec(2, 2, 64, layers=2)
    count = 1 << 19
    before = resident()
    pool = KvPool(spec, count, CPU, torch.float32)
    assert pool.keys.nbytes == pool.values.nbytes == 2 * count * 2 * 64 * 4 == 1 << 29
    pool.keys[1, 77] = 3.0
    pool.values[:, count - 1] = 4.0
    assert resident() - before < 20 << 20
    assert pool.keys[1, 77].eq(3.0).all()
    assert pool.values[0, count - 1].eq(4.0).all()


def test_slots_of_a_head_are_neighbours() -> None:
    pool = KvPool(make_spec(4, 2, 8, layers=3), 10, CPU, torch.bfloat16)
    assert pool.keys.shape == (3, 10, 2, 8)
    assert pool.keys.stride() == (160, 8, 80, 1)


def test_free_memory_is_positive_and_no_more_than_there_is() -> None:
    assert 1 << 20 < free_memory(CPU) < 1 << 62
