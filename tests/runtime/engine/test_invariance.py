"""Nothing but a request's own path decides its result: not batch, chunks, cache or preemption."""

from __future__ import annotations

import pytest
import torch

from sglc_runtime.protocol import Append, Generate, Sampling, Score, Submit, Text
from tests.runtime.engine.driving import GREEDY, LogitsLog, make_engine, results, run

WORDS = "The quick brown fox jumps over the lazy dog, and it's a sunny day in Paris. "
PROMPTS = [WORDS[: 5 + 4 * i] * (1 + i % 3) + f" Q{i % 5}:" for i in range(16)]
LONG = Sampling(max_new_tokens=24, temperature=0.0, ignore_eos=True)
SAMPLED = Sampling(max_new_tokens=8, temperature=0.9, top_p=0.95, ignore_eos=True, n=2)


def requests() -> list[Submit]:
    """Sixteen chains of mixed lengths, many with common prefixes."""
    return [
        Submit(
            number,
            (Text(prompt),),
            (
                Generate(LONG),
                Append(" Then: "),
                Generate(SAMPLED, key=1000 + number),
                Append(" Is it"),
                Score((" true", " false", " not known at all")),
                Generate(GREEDY),
            ),
        )
        for number, prompt in enumerate(PROMPTS)
    ]


@pytest.fixture(scope="module")
def alone() -> tuple[dict[tuple[int, int], object], dict[tuple[int, int, int, int], torch.Tensor]]:
    found: dict[tuple[int, int], object] = {}
    logits: dict[tuple[int, int, int, int], torch.Tensor] = {}
    for request in requests():
        engine = make_engine()
        log = LogitsLog(engine)
        found |= results(run(engine, [request]))
        logits |= log.rows
    return found, logits


@pytest.mark.parametrize(
    ("setting", "preempts"),
    [
        ({}, False),
        ({"chunk_tokens": 5}, False),
        ({"chunk_tokens": 40, "max_running": 3}, False),
        ({"kv_slots": 400}, True),
        ({"kv_slots": 300, "chunk_tokens": 60}, True),
    ],
    ids=["batch", "chunks", "few", "pool", "pool-chunks"],
)
def test_results_and_logits_are_bitwise_those_of_running_alone(
    alone: tuple[dict[tuple[int, int], object], dict[tuple[int, int, int, int], torch.Tensor]],
    setting: dict[str, int],
    preempts: bool,
) -> None:
    engine = make_engine(**setting)  # type: ignore[arg-type]
    log = LogitsLog(engine)
    assert results(run(engine, requests())) == alone[0]
    assert log.rows.keys() == alone[1].keys()
    different = [at for at, row in log.rows.items() if not torch.equal(row, alone[1][at])]
    assert not different
    stats = engine.stats()
    assert bool(stats.preemptions) == preempts
    assert bool(stats.evicted_tokens) == preempts


def test_order_of_arrival_and_cache_hits_change_nothing(
    alone: tuple[dict[tuple[int, int], object], dict[tuple[int, int, int, int], torch.Tensor]],
) -> None:
    engine = make_engine()
    for _ in range(2):
        assert results(run(engine, requests()[::-1])) == alone[0]
    assert engine.stats().cached_tokens > engine.stats().prompt_tokens // 2


def test_shared_prefix_is_computed_once() -> None:
    engine = make_engine()
    prefix = WORDS * 4
    texts = [prefix + f" {number}" for number in range(8)]
    run(engine, [Submit(i, (Text(text),), (Generate(GREEDY),)) for i, text in enumerate(texts)])
    paths = [engine.context.encode(text, True) for text in texts]
    prefixes = {path[: n + 1] for path in paths for n in range(len(path))}
    stats = engine.stats()
    assert stats.computed_tokens == len(prefixes)
    assert stats.prompt_tokens == sum(map(len, paths))
    assert stats.cached_tokens == stats.prompt_tokens - len(prefixes)


def test_equal_requests_recompute_only_their_last_token() -> None:
    engine = make_engine()
    run(engine, [Submit(i, (Text(WORDS),), (Generate(GREEDY),)) for i in range(4)])
    length = len(engine.context.encode(WORDS, True))
    assert engine.stats().computed_tokens == length + 3
