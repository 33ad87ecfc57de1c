"""What an engine counts, from its start on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sglc_runtime.protocol import Stats

if TYPE_CHECKING:
    from sglc_runtime.kv import KVCache


@dataclass(slots=True)
class Counters:
    """Counters of one engine; those of the cache are the cache's own."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    computed_tokens: int = 0
    completion_tokens: int = 0
    steps: int = 0
    preemptions: int = 0
    busy_seconds: float = 0.0
    drafted_tokens: int = 0
    accepted_tokens: int = 0

    def stats(self, cache: KVCache, running: int, waiting: int) -> Stats:
        """All together, as an event."""
        evicted = cache.evicted
        return Stats(
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            computed_tokens=self.computed_tokens,
            completion_tokens=self.completion_tokens,
            steps=self.steps,
            preemptions=self.preemptions,
            evicted_tokens=evicted["prompt"] + evicted["decode"],
            busy_seconds=self.busy_seconds,
            peak_slots=cache.peak,
            evicted_for_prompts=evicted["prompt"],
            evicted_for_decoding=evicted["decode"],
            flushed_tokens=evicted["flush"],
            lost_tokens=evicted["failure"],
            tree_tokens=cache.tree.size,
            tree_nodes=cache.tree.count,
            evictable_tokens=cache.tree.evictable,
            pinned_tokens=cache.pins.tokens,
            running=running,
            waiting=waiting,
            drafted_tokens=self.drafted_tokens,
            accepted_tokens=self.accepted_tokens,
        )
