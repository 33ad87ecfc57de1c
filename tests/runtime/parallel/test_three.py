"""Three processes: sums in a fixed order, a vocabulary that does not divide, a shared KV head."""

from __future__ import annotations

from pathlib import Path

import torch

from sglc_runtime.families.compare import make_prompts
from sglc_runtime.models.self_check import self_check
from sglc_runtime.parallel.team import Team
from tests.runtime.models.driving import greedy
from tests.runtime.parallel.sharing import CPU, alone, shared
from tests.runtime.tiny_checkpoints import write_checkpoint


@torch.inference_mode()
def test_tokens_are_those_of_one_process_and_rows_are_independent(tmp_path: Path) -> None:
    shapes = {"num_attention_heads": 6, "head_dim": 16, "vocab_size": 388}
    team = Team(3, CPU, timeout=60.0)
    try:
        for kv_heads in (1, 6):
            settings = shapes | {"num_key_value_heads": kv_heads}
            folder = write_checkpoint(tmp_path / str(kv_heads), "llama", **settings)
            divided, whole = shared(team, folder), alone(folder)
            assert divided[0].spec.num_kv_heads == max(1, kv_heads // 3)
            prompts = make_prompts((3, 20))
            assert greedy(*divided, prompts, 12) == greedy(*whole, prompts, 12)
            assert self_check(*divided)
    finally:
        team.close()
