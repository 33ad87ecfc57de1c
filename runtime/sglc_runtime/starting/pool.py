"""The pool of keys and values of an engine, and attention over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from sglc_runtime.attention.make import (
    AttentionUnavailable,
    PooledAttention,
    attention_for,
    bytes_per_slot,
)
from sglc_runtime.attention.pool import pool_dtype
from sglc_runtime.attention.sizing import default_share, pass_bytes, pool_slots
from sglc_runtime.config import EngineConfig
from sglc_runtime.device.memory import advice
from sglc_runtime.errors import EngineError
from sglc_runtime.models.base import ModelSpec
from sglc_runtime.models.self_check import SLOTS as CHECK_SLOTS
from sglc_runtime.parallel.start import free_for_each, make_pools, with_their_pools

if TYPE_CHECKING:
    from sglc_runtime.parallel.team import Team


def make_pool(
    config: EngineConfig,
    spec: ModelSpec,
    device: torch.device,
    team: Team | None,
    before: int | None,
    *,
    spare: int = 0,
) -> tuple[int, PooledAttention]:
    """
    How many slots the engine hands out, and attention with at least `spare` more than that.

    `before` is what was free on a GPU before the weights came.
    """
    share = config.mem_fraction_static
    if share is None:
        # Without a limit, one prompt as long as the context counts.
        rows = min(config.most_rows, max(spec.context_length, 8192))
        needed = pass_bytes(spec, rows, config.most_running)
        share = default_share(before, needed)
    try:
        slots = pool_slots(
            bytes_per_slot(spec, pool_dtype(config.kv_cache_dtype, spec)),
            free_for_each(team, device),
            kv_slots=config.kv_slots,
            mem_fraction_static=share,
            before=before,
            most=config.most_running * spec.context_length,
        )
    except ValueError as error:
        raise EngineError("internal", str(error)) from error
    try:
        # The start-up check needs a few slots more than a very small pool has.
        room = max(slots + spare, CHECK_SLOTS)
        make_pools(team, room)
        attention = attention_for(config, spec, room, device)
        return slots, with_their_pools(team, attention, device)
    except (AttentionUnavailable, ValueError) as error:
        raise EngineError("internal", str(error)) from error
    except (RuntimeError, MemoryError) as error:
        raise EngineError("internal", advice("pool", error)) from error
