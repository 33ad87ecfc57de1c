"""Rotary embeddings of every kind: frequencies are transformers' own, and so is greedy text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from sglc_runtime.families.compare import judge, load, make_prompts, reference, run_engine
from sglc_runtime.families.report import implementations
from sglc_runtime.families.table import Family
from sglc_runtime.models.errors import LoadError
from sglc_runtime.models.load_native import load_native
from sglc_runtime.models.rope import inverse_frequencies
from sglc_runtime.models.rope_config import parse_rope
from tests.runtime.tiny_checkpoints import write_checkpoint

FACTORS = {
    "short_factor": [1 + i / 8 for i in range(8)],
    "long_factor": [1.5 + i for i in range(8)],
}
LLAMA3 = {"low_freq_factor": 1.0, "high_freq_factor": 4.0}
KINDS: dict[str, dict[str, Any]] = {
    "linear": {"rope_type": "linear", "factor": 4.0},
    "llama3": {"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 64}
    | LLAMA3,
    "dynamic": {"rope_type": "dynamic", "factor": 4.0},
    "yarn": {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 64},
    "yarn, scaled as DeepSeek": {
        "rope_type": "yarn",
        "factor": 8.0,
        "original_max_position_embeddings": 64,
        "mscale": 0.7,
        "mscale_all_dim": 1.1,
        "beta_fast": 16.0,
        "beta_slow": 2.0,
        "truncate": False,
    },
    "yarn, attention factor": {"rope_type": "yarn", "factor": 2.0, "attention_factor": 1.3},
    "longrope, short": {"rope_type": "longrope", "original_max_position_embeddings": 256} | FACTORS,
    "longrope, long": {"rope_type": "longrope", "original_max_position_embeddings": 32} | FACTORS,
    "longrope, long, attention factor": {
        "rope_type": "longrope",
        "original_max_position_embeddings": 32,
        "attention_factor": 1.2,
        "factor": 8.0,
    }
    | FACTORS,
}
CONTEXT = 256


@pytest.mark.parametrize("name", list(KINDS))
@pytest.mark.parametrize("theta", [1e4, 5e5])
def test_frequencies_are_transformers_own(name: str, theta: float) -> None:
    scaling = KINDS[name] | {"rope_theta": theta}
    sizes = {"hidden_size": 64, "num_attention_heads": 4, "max_position_embeddings": CONTEXT}
    config: Any = LlamaConfig(**sizes, rope_parameters=dict(scaling))
    want, factor = ROPE_INIT_FUNCTIONS[scaling["rope_type"]](config, None, seq_len=CONTEXT)
    rope = parse_rope({**sizes, "rope_parameters": scaling}, CONTEXT)
    assert torch.equal(inverse_frequencies(rope, 16), want)
    assert rope.attention_factor == pytest.approx(factor, rel=1e-12)
    older = dict(scaling) | {"type": scaling["rope_type"]}
    del older["rope_type"], older["rope_theta"]
    assert parse_rope({"rope_scaling": older, "rope_theta": theta}, CONTEXT) == rope


@pytest.mark.parametrize(
    "name", ["dynamic", "yarn", "yarn, scaled as DeepSeek", "longrope, short", "longrope, long"]
)
def test_greedy_equals_transformers(name: str, tmp_path: Path) -> None:
    """All prompts lie beyond LongRoPE's original context, where transformers is at the long one."""
    from sglc_runtime.families.checkpoints import write_family

    scaling = KINDS[name] | {"rope_theta": 1e4}
    family = Family(name, "llama", {"rope_parameters": scaling}, native=True)
    write_family(tmp_path, family)
    prompts = make_prompts((33, 41, 60))
    want, margins = reference(tmp_path, prompts, 8, torch.float32)
    for implementation in implementations(family):
        got = run_engine(tmp_path, load(tmp_path, implementation, "float32"), prompts, 8)
        assert judge(implementation, got, want, margins).equal == 3, implementation


def test_scaling_matters() -> None:
    """Every kind but the frozen dynamic one turns otherwise than plain RoPE."""
    plain = inverse_frequencies(parse_rope({}, CONTEXT), 16)
    for name, kind in KINDS.items():
        scaled = inverse_frequencies(parse_rope({"rope_parameters": kind}, CONTEXT), 16)
        assert torch.equal(scaled, plain) == (name == "dynamic")


@pytest.mark.parametrize(
    ("scaling", "message"),
    [
        ({"rope_type": "longrope", "short_factor": [1.0], "long_factor": [1.0]}, "1 factors"),
        ({"rope_type": "longrope", "short_factor": "x"}, "short_factor has to list"),
        ({"rope_type": "yarn", "factor": -2.0}, "factor is -2.0, has to be positive"),
        ({"rope_type": "llama3", "factor": 8.0}, "low_freq_factor is missing"),
    ],
)
def test_broken_settings_are_named(scaling: dict[str, Any], message: str, tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "llama", rope_scaling=scaling)
    with pytest.raises(LoadError, match=message) as caught:
        load_native(tmp_path, device=torch.device("cpu"), dtype="auto")
    assert caught.value.kind == "bad_checkpoint"
