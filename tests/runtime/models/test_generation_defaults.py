"""What generation_config.json recommends, and how it is used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sglc_runtime import Engine, Generate, Sampling
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.generation_defaults import RANGES, generation_defaults
from tests.runtime.tiny_checkpoints import write_checkpoint


def write(folder: Path, **config: Any) -> None:
    (folder / "generation_config.json").write_text(json.dumps(config))


def test_parameters_are_those_of_sampling(tmp_path: Path) -> None:
    assert generation_defaults(tmp_path) == {}
    recommended = {"temperature": 0.7, "top_p": 0.8, "top_k": 20, "repetition_penalty": 1.05}
    write(tmp_path, **recommended, min_p=None, do_sample=True, eos_token_id=[1, 2], max_length=20)
    assert generation_defaults(tmp_path) == recommended
    assert Sampling(**generation_defaults(tmp_path)).top_k == 20  # type: ignore[arg-type]
    assert set(RANGES) <= set(Sampling.__struct_fields__)
    write(tmp_path, top_k=0)
    assert generation_defaults(tmp_path) == {"top_k": -1}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -1),
        ("top_p", 0),
        ("top_p", 2.0),
        ("top_k", 1.5),
        ("min_p", "x"),
        ("repetition_penalty", True),
    ],
)
def test_values_out_of_range_are_named(name: str, value: object, tmp_path: Path) -> None:
    write(tmp_path, **{name: value})
    with pytest.raises(LoadError, match=rf"generation_config\.json: {name} is {value!r}"):
        generation_defaults(tmp_path)


def test_the_engine_says_them_and_applies_nothing(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, "llama")
    write(folder, temperature=0, top_k=5, eos_token_id=[1])
    with Engine(str(folder), process=False, kv_slots=256, threads=1) as engine:
        assert engine.info.sampling_defaults == {"temperature": 0, "top_k": 5}
        usual = Sampling(max_new_tokens=12, ignore_eos=True)
        asked = Sampling(max_new_tokens=12, ignore_eos=True, **engine.info.sampling_defaults)  # type: ignore[arg-type]
        plain, greedy, again = (
            engine.submit(["Once", Generate(sampling, key=key)]).result()
            for sampling, key in ((usual, 1), (asked, 1), (asked, 2))
        )
    assert greedy.text == again.text != plain.text
