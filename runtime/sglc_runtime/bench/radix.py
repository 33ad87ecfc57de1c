"""
The radix tree's own cost: growth with what is cached, and its share of a run without any reuse.

Growth compares one token's share of `match`, `insert` and `evict` in a full pool of 10,000 tokens
with the same in one of 1,000,000. Both hold prompts of 1,024 tokens, eight of which begin with the
same 512, and are measured in turn. The share is the time inside the cache's methods while 100
requests of ShareGPT's lengths run through an engine that finds nothing to reuse, as in the SGLang
paper (Zheng et al., NeurIPS 2024, 5.3), here on the embedded model, whose passes are short.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

from sglc_runtime.config import EngineConfig
from sglc_runtime.engine import EngineLoop
from sglc_runtime.kv import ExtentAllocator, RadixTree
from sglc_runtime.protocol import Generate, Ids, Sampling, Submit, Text
from sglc_runtime.start import start_engine

SMALL, LARGE = 10_000, 1_000_000
PREFIX, TAIL, SHARERS = 512, 512, 8
VOCABULARY = 32_000
BLOCK = 8
"""Prompts between two readings of the clock."""
REQUESTS = 100
KINDS = ("match", "insert", "evict")
Progress = Callable[[str], None]


def measure_radix(progress: Progress, repeats: int = 60) -> dict[str, Any]:
    """
    Nanoseconds a token by size and kind, their ratios, and the share of a run, as plain data.

    `progress` is told what is measured. Takes about ten seconds.
    """
    random = Random(1)
    progress(f"radix tree: filling {SMALL:,} and {LARGE:,} tokens")
    trees = {size: _Forest(size, random) for size in (SMALL, LARGE)}
    readings: dict[int, dict[str, list[float]]] = {
        size: {kind: [] for kind in KINDS} for size in trees
    }
    progress("radix tree: match, insert and evict")
    for turn in range(repeats):
        for size in sorted(trees, reverse=bool(turn % 2)):
            for kind, seconds in trees[size].turn().items():
                readings[size][kind].append(seconds)
    nanoseconds = {
        size: {kind: median(values) * 1e9 for kind, values in kinds.items()}
        for size, kinds in readings.items()
    }
    return {
        "nanoseconds_per_token": nanoseconds,
        "ratios": {kind: nanoseconds[LARGE][kind] / nanoseconds[SMALL][kind] for kind in KINDS},
        "share": measure_share(progress),
    }


class _Forest:
    """A full pool: every insertion must evict as much."""

    def __init__(self, tokens: int, random: Random) -> None:
        self.random = random
        self.tree = RadixTree(ExtentAllocator(tokens))
        groups = max(1, tokens // (PREFIX + SHARERS * TAIL))
        self.prefixes = [self._ids(PREFIX) for _ in range(groups)]
        self.recent: list[list[int]] = []
        while self.tree.allocator.free >= PREFIX + TAIL:
            self._insert(self._prompt())

    def turn(self) -> dict[str, float]:
        """Seconds a token of each kind, over a block of prompts that are spread over the pool."""
        tree = self.tree
        known = self.recent[-max(BLOCK, len(self.recent) // 2) :]
        queries = [list(map(int, self.random.choice(known))) for _ in range(BLOCK)]
        began = perf_counter()
        for ids in queries:
            tree.match(ids)
        matched = perf_counter() - began
        prompts = [self._prompt() for _ in range(BLOCK)]
        freed, began = 0, perf_counter()
        for _ in range(BLOCK):
            freed += tree.evict(PREFIX + TAIL)
        evicted = perf_counter() - began
        began = perf_counter()
        for ids in prompts:
            self._insert(ids)
        inserted = perf_counter() - began
        length = PREFIX + TAIL
        return {
            "match": matched / (BLOCK * length),
            "insert": inserted / (BLOCK * length),
            "evict": evicted / freed,
        }

    def _insert(self, ids: list[int]) -> None:
        tree = self.tree
        node, length = tree.descend(tree.root, ids, 0)
        tree.lock(node)
        if length < len(ids):
            extents = tree.allocator.allocate(len(ids) - length)
            node, _ = tree.insert(node, ids, length, extents)
        tree.unlock(node)
        self.recent.append(ids)
        if len(self.recent) > tree.allocator.num_slots // TAIL:
            del self.recent[: len(self.recent) // 2]

    def _prompt(self) -> list[int]:
        # Ids of their own, as a tokenizer gives them: no two prompts share integer objects.
        return [int(token) for token in self.random.choice(self.prefixes)] + self._ids(TAIL)

    def _ids(self, count: int) -> list[int]:
        return [self.random.randrange(256, VOCABULARY) for _ in range(count)]


def measure_share(progress: Progress) -> dict[str, float]:
    """
    Seconds of `REQUESTS` requests without a common prefix, and the parts in tree and cache.

    `tree` is what the radix tree's methods take, `cache` all of the pool's book-keeping, which
    includes handing out slots.
    """
    progress(f"radix tree: {REQUESTS} requests without reuse")
    engine, info = start_engine(EngineConfig(threads=1, kv_slots=32_768))
    random = Random(2)
    most = info.context_length // 2 - 1
    commands = []
    for number in range(REQUESTS):
        # Means and spread of ShareGPT's first turns, cut at what the model takes.
        prompt = min(most, max(4, int(random.lognormvariate(4.8, 1.1))))
        answer = min(most, max(4, int(random.lognormvariate(4.9, 0.9))))
        ids = tuple(random.randrange(256, info.vocab_size) for _ in range(prompt))
        sampling = Sampling(max_new_tokens=answer, temperature=0.0, ignore_eos=True)
        commands.append(Submit(number, (Text(""), Ids(ids)), (Generate(sampling),)))
    clocks = _clocks(engine)
    began = perf_counter()
    engine.submit(commands)
    while engine.step():
        pass
    seconds = perf_counter() - began
    stats = engine.stats()
    return {
        "seconds": seconds,
        "tree": clocks["tree"].seconds / seconds,
        "cache": clocks["cache"].seconds / seconds,
        "prompt_tokens": stats.prompt_tokens,
        "cached_tokens": stats.cached_tokens,
        "completion_tokens": stats.completion_tokens,
    }


class _Clock:
    """Time inside the outermost of the calls it watches."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth = 0

    def watch(self, owner: object, *names: str) -> None:
        """Count the time of these methods of `owner`."""
        for name in names:
            setattr(owner, name, self._timed(getattr(owner, name)))

    def _timed(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            if self._depth:
                return method(*args, **kwargs)
            self._depth = 1
            began = perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                self.seconds += perf_counter() - began
                self._depth = 0

        return timed


def _clocks(engine: EngineLoop) -> dict[str, _Clock]:
    clocks = {"tree": _Clock(), "cache": _Clock()}
    clocks["tree"].watch(
        engine.cache.tree, "match", "descend", "insert", "lock", "unlock", "evict", "expect"
    )
    clocks["cache"].watch(engine.cache, "extend", "release", "share")
    return clocks
