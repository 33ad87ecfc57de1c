"""Starting an engine: what it says about itself, and what it refuses."""

from __future__ import annotations

import pytest
import torch

from sglc_runtime import EngineConfig, EngineError, InlineEngine, start_engine
from sglc_runtime.bench.generate import BenchOptions, bench
from sglc_runtime.protocol import Done, Generate, Sampling, Submit, Text
from tests.runtime.engine.driving import checkpoint


def test_what_was_started() -> None:
    config = EngineConfig(model=str(checkpoint()), kv_slots=99, threads=1)
    engine, info = start_engine(config)
    assert info.model == config.model
    assert (info.architecture, info.context_length) == ("LlamaForCausalLM", 512)
    assert (info.dtype, info.device, info.threads) == ("float32", "cpu", 1)
    assert info.kv_slots == engine.cache.allocator.num_slots == 99
    assert info.deterministic
    assert engine.cache.allocator.free == 99


def test_the_default_is_the_embedded_model_on_few_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    client = InlineEngine()
    assert client.info.threads == torch.get_num_threads() == 1
    assert client.info.dtype == "float32"
    client.submit([Submit(1, (Text("Hi"),), (Generate(Sampling(max_new_tokens=2)),))])
    assert client.poll()
    assert client.poll() in ([], [Done(1)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device": "cuda:9"}, "GPU|CUDA|device"),
        ({"device": "abacus"}, "abacus|device"),
        ({"kv_slots": 0}, "kv_slots"),
        ({"max_running": 0}, "max_running"),
        ({"chunk_tokens": 0}, "chunk_tokens"),
        ({"threads": 0}, "threads"),
        ({"cuda_graph_max_bs": 0}, "cuda_graph_max_bs"),
        ({"mem_fraction_static": 0.0}, "mem_fraction_static"),
        ({"attention": "triton"}, "Triton|triton"),
        ({"device": "meta"}, "use cpu or cuda"),
        ({"kv_slots": "many"}, r"kv_slots"),
        ({"kv_slots": 2**70}, "kv_slots must be at most"),
        ({"threads": 10**6}, "threads must be at most"),
        ({"attention": "psychic"}, "attention"),
        ({"model": 5}, "model"),
    ],
)
def test_bad_configurations_say_what_is_wrong(
    changes: dict[str, object], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    config = EngineConfig(**({"model": str(checkpoint()), "threads": 1} | changes))  # type: ignore[arg-type]
    with pytest.raises(EngineError, match=message):
        start_engine(config)


@pytest.mark.slow
def test_bench_compares_like_with_like() -> None:
    options = BenchOptions(new_tokens=4, prefix_tokens=40, branches=3, repeats=1)
    result = bench(EngineConfig(model=str(checkpoint()), threads=1), options)
    assert [case["sequences"] for case in result["cases"]] == [1, 1, 3]
    for case in result["cases"]:
        assert case["same_tokens"]
        assert case["speedup"] > 0
