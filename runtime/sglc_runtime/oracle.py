"""`transformers.generate` as what everything else is compared with."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def greedy(model: Any, ids: Tensor, new: int, **options: Any) -> Any:
    """
    Exactly `new` greedy tokens after `ids` [B, T], what `model.generate` returns.

    The caller has cleared `model.generation_config.eos_token_id`, so that nothing ends early.
    """
    return model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=new,
        min_new_tokens=new,
        do_sample=False,
        pad_token_id=0,
        **options,
    )
