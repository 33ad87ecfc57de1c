"""Models of transformers in two processes, by its own plans."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sglc_runtime.config import EngineConfig
from sglc_runtime.errors import EngineError
from sglc_runtime.families.checkpoints import write_family
from sglc_runtime.families.compare import make_prompts
from sglc_runtime.families.table import FAMILIES
from sglc_runtime.models.errors import LoadError
from sglc_runtime.parallel.plan import require_plan
from sglc_runtime.parallel.team import Team
from sglc_runtime.start import start_engine
from tests.runtime.engine.driving import GREEDY, generate
from tests.runtime.models.driving import greedy
from tests.runtime.parallel.sharing import CPU, alone, shared

pytest.importorskip("accelerate", reason="transformers divides models with its help")
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
PROMPTS = make_prompts((3, 20, 41))
BY_NAME = {family.name: family for family in FAMILIES}
DIVIDED = {"Qwen 3 MoE": 2, "Phi-3": 1}
"""Some families, and among how many processes their plans divide the attention's heads."""


def folder_of(name: str, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return write_family(folder, BY_NAME[name])


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    team = Team(2, CPU, timeout=60.0)
    try:
        yield team
    finally:
        team.close()


@pytest.mark.parametrize("name", DIVIDED)
@torch.inference_mode()
def test_tokens_are_those_of_one_process(name: str, team: Team, tmp_path: Path) -> None:
    folder = folder_of(name, tmp_path)
    both = shared(team, folder, implementation="transformers")
    one = alone(folder, implementation="transformers")
    assert both[0].spec.num_heads * DIVIDED[name] == one[0].spec.num_heads
    assert greedy(*both, PROMPTS, 12) == greedy(*one, PROMPTS, 12)


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("GPT-2", 2, "transformers has no plan to divide models of type 'gpt2'"),
        ("Gemma", 2, "does not divide the model's 4 attention heads and 1 KV heads; use tp_size 1"),
        ("Granite", 3, "4 attention heads and 2 KV heads; tp_size 2 would work"),
    ],
)
def test_models_that_cannot_be_divided(name: str, size: int, said: str) -> None:
    from transformers import CONFIG_MAPPING

    family = BY_NAME[name]
    config = CONFIG_MAPPING[family.model_type](**family.config())
    with pytest.raises(LoadError, match=said):
        require_plan(config, Path("folder"), size)


@torch.inference_mode()
def test_a_model_without_a_plan_is_refused(team: Team, tmp_path: Path) -> None:
    """By every process alike; the followers end with it, so this team's place is free after it."""
    with pytest.raises(LoadError, match="transformers has no plan") as caught:
        shared(team, folder_of("GPT-2", tmp_path))
    assert caught.value.kind == "unsupported_model"
    with pytest.raises(EngineError):
        team.check()


def test_the_engine_answers_as_one_process(team: Team, tmp_path: Path) -> None:
    team.close()
    folder = folder_of("Granite", tmp_path)
    texts = []
    for size in (2, 1):
        config = EngineConfig(model=str(folder), tp_size=size, threads=1, kv_slots=1024)
        engine, info = start_engine(config)
        try:
            assert (info.implementation, info.tp_size) == ("transformers", size)
            texts.append(generate(engine, "The quick brown fox", GREEDY))
        finally:
            engine.close()
    assert texts[0] == texts[1]
