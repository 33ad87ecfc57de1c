"""Options by SGLang's names, and seeds of requests that bring none."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc_runtime import Engine, Generate, Sampling
from sglc_runtime.config import EngineConfig
from sglc_runtime.options import OURS, VALUES, engine_config
from sglc_runtime.seeds import SeedSource


def test_every_translation_ends_at_a_field_of_ours() -> None:
    known = set(EngineConfig.__struct_fields__)
    assert set(OURS.values()) <= known
    assert set(VALUES) <= known
    assert not set(OURS) & known


def test_sglang_names_and_values() -> None:
    config = engine_config(
        {
            "model_path": "folder",
            "max_total_tokens": 4096,
            "chunked_prefill_size": -1,
            "attention_backend": "torch_native",
            "max_running_requests": 8,
            "dtype": "half",
            "schedule_policy": "dfs-weight",
            "mem_fraction_static": None,
            "tp_size": 1,
            "disable_cuda_graph": True,
            "disable_radix_cache": True,
            "enable_torch_compile": True,
            "random_seed": 3,
        }
    )
    assert config == EngineConfig(
        model="folder",
        kv_slots=4096,
        chunk_tokens=2**31 - 1,
        attention="torch",
        max_running=8,
        dtype="float16",
        schedule_policy="dfs",
        disable_cuda_graph=True,
        disable_radix_cache=True,
        enable_torch_compile=True,
        random_seed=3,
    )


def test_our_names_stay() -> None:
    assert engine_config({"kv_slots": 100, "attention": "c"}) == EngineConfig(
        kv_slots=100, attention="c"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"max_total_token": 1},
            "unknown engine option 'max_total_token'; did you mean 'max_total_tokens'",
        ),
        ({"zzz": 1}, "unknown engine option 'zzz'$"),
        ({"kv_slots": 1, "max_total_tokens": 2}, "kv_slots and max_total_tokens are the same"),
        ({"tp": 1, "tp_size": 1}, "tp and tp_size are the same"),
    ],
)
def test_wrong_names(options: dict[str, int], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        engine_config(options)


def test_a_list_where_a_word_belongs_is_refused_by_the_engine() -> None:
    from sglc_runtime.errors import EngineError

    with pytest.raises(EngineError, match="invalid engine option"):
        Engine(process=False, dtype=["float32"])


@pytest.mark.parametrize("process", [False, True])
def test_a_wrong_value_is_answered_with_the_right_ones(process: bool) -> None:
    from sglc_runtime.errors import EngineError

    said = r"'fa3'.*; attention \(attention_backend\) is one of auto, c, torch, triton$"
    with pytest.raises(EngineError, match=said), Engine(process=process, attention="fa3") as engine:
        _ = engine.info
    with pytest.raises(EngineError, match=r"`\$\.kv_slots`$"):
        Engine(process=False, kv_slots="many")


def test_seeds_of_a_source_repeat() -> None:
    first, again, other = (SeedSource(seed) for seed in (7, 7, 8))
    drawn = [first.draw() for _ in range(5)]
    assert drawn == [again.draw() for _ in range(5)]
    assert len({*drawn, *(other.draw() for _ in range(5))}) == 10
    assert all(0 <= seed < 2**63 for seed in drawn)
    assert SeedSource(None).draw() != SeedSource(None).draw()


def test_requests_without_a_seed_repeat_with_random_seed() -> None:
    sampling = Sampling(temperature=3.0, max_new_tokens=12)

    def answers(random_seed: int) -> list[str]:
        with Engine(process=False, random_seed=random_seed) as engine:
            handles = [engine.submit(["Once upon", Generate(sampling)]) for _ in range(3)]
            return [handle.result().text for handle in handles]

    first = answers(5)
    assert len(set(first)) > 1
    assert answers(5) == first
    assert answers(6) != first


def test_docs_name_every_option() -> None:
    page = (Path(__file__).parents[2] / "docs" / "runtime.md").read_text(encoding="utf-8")
    table = page[page.index("## Engine options") :]
    for name in [*EngineConfig.__struct_fields__, *OURS]:
        if name not in ("model", "model_path", "implementation", "threads", "jump_forward"):
            assert f"`{name}`" in table, name
