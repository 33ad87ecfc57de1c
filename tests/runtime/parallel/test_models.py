"""Native decoders in two processes give what they give in one."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from sglc_runtime.families.compare import make_prompts
from sglc_runtime.models.base import Attention, Batch, Run
from sglc_runtime.models.lora import CONFIG, WEIGHTS
from sglc_runtime.models.self_check import SLOTS as CHECK_SLOTS
from sglc_runtime.models.self_check import self_check
from sglc_runtime.parallel.model import ParallelModel
from sglc_runtime.parallel.team import Team
from tests.runtime.models.driving import greedy
from tests.runtime.parallel.sharing import CPU, SLOTS, alone, shared
from tests.runtime.tiny_checkpoints import Family, write_checkpoint

PROMPTS = make_prompts((3, 20, 41))
NEW = 12
MODELS: dict[str, tuple[Family, dict[str, Any]]] = {
    "llama, biases": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "mistral, windows": ("mistral", {}),
    "qwen2, tied": ("qwen2", {"tie_word_embeddings": True}),
    "qwen3, norms": ("qwen3", {}),
    "one KV head for both": ("llama", {"num_key_value_heads": 1}),
    "odd vocabulary": ("llama", {"vocab_size": 385}),
}


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    team = Team(2, CPU, timeout=60.0)
    try:
        yield team
    finally:
        team.close()


def prefill(ids: list[int]) -> Batch:
    span = torch.arange(len(ids))
    return Batch(torch.tensor(ids), span, span, span, (Run(0, len(ids), 0, len(ids), 0),))


@pytest.mark.parametrize("name", MODELS)
@torch.inference_mode()
def test_tokens_and_logits_are_those_of_one_process(name: str, team: Team, tmp_path: Path) -> None:
    family, settings = MODELS[name]
    folder = write_checkpoint(tmp_path, family, **settings)
    both, one = shared(team, folder), alone(folder)
    assert both[0].spec.num_heads * 2 == one[0].spec.num_heads
    batch = prefill(PROMPTS[2])
    logits = [model.forward(batch, attention.bind(batch)) for model, attention in (both, one)]
    torch.testing.assert_close(logits[0], logits[1], rtol=1e-4, atol=1e-4)
    assert greedy(*both, PROMPTS, NEW) == greedy(*one, PROMPTS, NEW)


@torch.inference_mode()
def test_a_row_depends_on_its_own_path_alone(team: Team, tmp_path: Path) -> None:
    """A sum of two parts is the same whatever else is summed: the engine's check passes."""
    assert SLOTS >= CHECK_SLOTS
    assert self_check(*shared(team, write_checkpoint(tmp_path, "llama")))


@torch.inference_mode()
def test_bfloat16_stays_near_one_process(team: Team, tmp_path: Path) -> None:
    """Each half of a block is rounded once more, before the sum."""
    folder = write_checkpoint(tmp_path, "llama", dtype=torch.bfloat16)
    both, one = shared(team, folder, dtype="bfloat16"), alone(folder, dtype="float32")
    assert both[0].spec.dtype == torch.bfloat16
    batch = prefill(PROMPTS[1])
    got, want = (model.forward(batch, attention.bind(batch)) for model, attention in (both, one))
    assert (got - want).abs().median() < 0.05 * want.abs().max()


@torch.inference_mode()
def test_adapters_are_merged_into_the_parts(team: Team, tmp_path: Path) -> None:
    base, adapter = write_checkpoint(tmp_path / "base", "llama"), tmp_path / "adapter"
    write_lora(adapter)
    both = shared(team, base, lora_path=str(adapter))
    one = alone(base, lora=adapter)
    told = greedy(*one, PROMPTS, NEW)
    assert told != greedy(*alone(base), PROMPTS, NEW)
    assert greedy(*both, PROMPTS, NEW) == told


def write_lora(folder: Path) -> None:
    """An adapter, as PEFT stores it, of what is divided by outputs and what is by inputs."""
    generator = torch.Generator().manual_seed(3)
    weights = {}
    for module, columns in {"self_attn.q_proj": 64, "mlp.down_proj": 96}.items():
        for layer in range(4):
            at = f"base_model.model.model.layers.{layer}.{module}"
            weights[f"{at}.lora_A.weight"] = torch.randn(4, columns, generator=generator)
            weights[f"{at}.lora_B.weight"] = torch.randn(64, 4, generator=generator) * 0.2
    folder.mkdir()
    settings: dict[str, Any] = {"peft_type": "LORA", "r": 4, "lora_alpha": 4}
    settings["target_modules"] = ["q_proj", "down_proj"]
    (folder / CONFIG).write_text(json.dumps(settings), encoding="utf-8")
    save_file(weights, str(folder / WEIGHTS))


@torch.inference_mode()
def test_slots_are_copied_in_every_part(team: Team, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, "llama")
    model, attention = shared(team, folder)
    ids = PROMPTS[1]
    whole = prefill(ids)
    wanted = model.forward(whole, attention.bind(whole))[-1]
    head, last = len(ids) - 1, len(ids) - 1
    source, target = torch.arange(head), torch.arange(100, 100 + head)
    attention.copy_slots(source, target)
    # What was computed before is overwritten, so that only the copies can be right.
    other = prefill(PROMPTS[2])
    model.forward(other, attention.bind(other))
    batch = Batch(
        torch.tensor(ids[-1:]),
        torch.tensor([last]),
        torch.tensor([100 + last]),
        torch.tensor([0]),
        (Run(0, 1, 100, len(ids), 0),),
    )
    got = model.forward(batch, attention.bind(batch))[0]
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_ctrl_c_waits_for_the_end_of_a_pass(
    team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who leaves a pass early would take part in the wrong sum of the next."""
    model, attention = shared(team, write_checkpoint(tmp_path, "llama"))
    assert isinstance(model, ParallelModel)
    batch, forward = prefill(PROMPTS[1]), model.part.forward
    wanted = model.forward(batch, attention.bind(batch))

    def interrupted(batch: Batch, attention: Attention) -> Tensor:
        signal.raise_signal(signal.SIGINT)
        return forward(batch, attention)

    with monkeypatch.context() as patch:
        patch.setattr(model.part, "forward", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model.forward(batch, attention.bind(batch))
    assert torch.equal(model.forward(batch, attention.bind(batch)), wanted)


@pytest.mark.parametrize(
    ("ids", "position", "said"),
    [([384], 0, "ids lie outside"), ([-1], 0, "ids lie outside"), ([1], 512, "positions lie")],
)
@torch.inference_mode()
def test_a_bad_batch_is_refused_before_the_others_get_it(
    ids: list[int], position: int, said: str, team: Team, tmp_path: Path
) -> None:
    model, attention = shared(team, write_checkpoint(tmp_path, "llama"))
    good = prefill(PROMPTS[0])
    bound = attention.bind(good)
    wanted = model.forward(good, bound)
    zero = torch.tensor([0])
    bad = Batch(torch.tensor(ids), torch.tensor([position]), zero, zero, ())
    with pytest.raises(ValueError, match=said):
        model.forward(bad, bound)
    assert torch.equal(model.forward(good, attention.bind(good)), wanted)
