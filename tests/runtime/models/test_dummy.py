"""Weights that are made up: the same ones for the same names, in the shapes of config.json."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sglc_runtime.bench.lab import TINY
from sglc_runtime.bench.shapes import sizes, write_description
from sglc_runtime.config import EngineConfig
from sglc_runtime.models.config import parse_decoder, read_config
from sglc_runtime.models.dummy import DEVIATION, MadeUpCheckpoint
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.load import load_model
from sglc_runtime.start import start_engine

CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_description(tmp_path, replace(TINY, tied=False))
    return tmp_path


def opened(folder: Path) -> MadeUpCheckpoint:
    return MadeUpCheckpoint(folder, parse_decoder(folder, read_config(folder)), CPU)


def test_every_tensor_of_the_shape_can_be_read(folder: Path) -> None:
    with opened(folder) as files:
        assert files.main_dtype() == torch.bfloat16
        for name, size in sizes(replace(TINY, tied=False)):
            tensor = files.read(name, size)
            assert (tuple(tensor.shape), tensor.dtype) == (size, torch.bfloat16)
            if len(size) == 1:
                assert bool((tensor == 1).all()), name
            else:
                assert float(tensor.float().std()) == pytest.approx(DEVIATION, rel=0.1)
        assert files.names() == {name for name, _ in sizes(replace(TINY, tied=False))}


def test_the_same_name_is_the_same_tensor(folder: Path) -> None:
    one, two = opened(folder), opened(folder)
    query, key = (f"model.layers.0.self_attn.{x}_proj.weight" for x in "qk")
    assert torch.equal(one.read(query, (64, 64)), two.read(query, (64, 64)))
    assert not torch.equal(one.read(query, (64, 64)), one.read(key, (64, 64)))
    whole = one.read(query, (64, 64))
    assert torch.equal(one.read_part(query, (64, 64), 1, 16, 48), whole[:, 16:48])


def test_a_tensor_that_the_model_lacks_is_refused(folder: Path) -> None:
    with pytest.raises(LoadError, match="lacks tensor nothing"):
        opened(folder).read("nothing", (2, 2))


def test_an_engine_starts_without_weights(folder: Path) -> None:
    config = EngineConfig(
        model=str(folder), load_format="dummy", device="cpu", kv_slots=256, threads=1
    )
    engine, info = start_engine(config)
    assert info.implementation == "native"
    assert engine.model.spec.vocab_size == TINY.vocabulary


def test_made_up_weights_take_no_adapter(folder: Path) -> None:
    with pytest.raises(ValueError, match="load_format dummy"):
        load_model(folder, load_format="dummy", implementation="transformers")
