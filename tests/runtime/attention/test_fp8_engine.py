"""Engines with keys and values of 8 bits: sizes, reuse, decode steps on a device, errors."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from sglc_runtime.attention.pool import FP8
from sglc_runtime.config import EngineConfig
from sglc_runtime.engine import EngineLoop
from sglc_runtime.errors import EngineError
from sglc_runtime.protocol import Generate, Generated, Sampling, Submit, Text
from sglc_runtime.start import start_engine
from tests.runtime.engine.driving import checkpoint, only, run

GREEDY = Sampling(max_new_tokens=10, temperature=0.0, ignore_eos=True)
SHARED = "It is a sunny day, and it's 23 degrees outside. "
PROMPTS = (SHARED + "Where", SHARED + "Who is", "Another day", SHARED)
NAMES = pytest.mark.parametrize("name", FP8)


def engine_of(name: str, *, run_ahead: bool = False, **options: Any) -> EngineLoop:
    given: dict[str, Any] = {"model": str(checkpoint()), "kv_cache_dtype": name} | options
    config = EngineConfig(device="cpu", kv_slots=512, threads=1, **given)
    return start_engine(config, run_ahead=run_ahead)[0]


def submits(first: int = 0) -> list[Submit]:
    return [
        Submit(first + number, (Text(prompt),), (Generate(GREEDY),))
        for number, prompt in enumerate(PROMPTS)
    ]


def ids(engine: EngineLoop, asked: list[Submit]) -> list[tuple[int, ...]]:
    events = sorted(only(run(engine, asked), Generated), key=lambda event: event.id)
    return [event.samples[0].ids for event in events]


@NAMES
def test_what_is_found_in_the_cache_changes_nothing(name: str) -> None:
    """Prefixes that are shared, found again, computed in chunks, and computed for each alone."""
    engine = engine_of(name)
    assert engine.attention.keys.dtype == FP8[name]
    together = ids(engine, submits())
    again = ids(engine, submits(10))
    assert engine.stats().cached_tokens > 3 * len(SHARED.split())
    engine.check_integrity()
    chunked = ids(engine_of(name, chunk_tokens=5), submits())
    alone = [ids(engine_of(name, disable_radix_cache=True), [each])[0] for each in submits()]
    assert together == again == chunked == alone


def test_decode_steps_over_tensors_read_the_same_pool() -> None:
    assert ids(engine_of("fp8_e4m3", run_ahead=True), submits()) == ids(
        engine_of("fp8_e4m3"), submits()
    )


def test_a_pool_sized_from_memory_holds_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sglc_runtime.parallel.start.free_memory", lambda device: 4 << 20)
    slots = []
    for name in ("auto", "fp8_e5m2"):
        given: dict[str, Any] = {"model": str(checkpoint()), "kv_cache_dtype": name}
        slots.append(start_engine(EngineConfig(device="cpu", threads=1, **given))[1].kv_slots)
    assert slots[1] == 4 * slots[0]


def test_the_c_kernel_is_refused() -> None:
    with pytest.raises(EngineError, match=r"C attention kernel cannot be used.*float8_e4m3fn"):
        engine_of("fp8_e4m3", attention="c")
    with pytest.raises(EngineError, match="kv_cache_dtype"):
        engine_of("fp4")


@NAMES
@pytest.mark.skipif(
    not torch.cuda.is_available(),
    reason="the interpreter's matrix product gives a row other bits at another place of the tile",
)
def test_the_promise_of_fixed_cuts_is_kept(name: str) -> None:
    given: dict[str, Any] = {"model": str(checkpoint()), "kv_cache_dtype": name}
    config = EngineConfig(device="cuda", dtype="float32", deterministic=True, kv_slots=512, **given)
    assert start_engine(config)[1].deterministic
