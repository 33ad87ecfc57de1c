"""An engine of two processes answers as one of one does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sglc_runtime import Append, Engine, Fork, Generate, Sampling, Score
from sglc_runtime.api.composing import AnyStep
from sglc_runtime.config import EngineConfig
from sglc_runtime.engine import EngineLoop
from sglc_runtime.errors import EngineError
from sglc_runtime.parallel.model import ParallelModel
from sglc_runtime.protocol import (
    Command,
    Delta,
    Done,
    EngineInfo,
    Generated,
    Submit,
    Text,
)
from sglc_runtime.start import start_engine
from tests.runtime.engine.driving import GREEDY, LogitsLog, checkpoint, only, results, run

PROMPT = "The quick brown fox"
SAMPLED = Sampling(max_new_tokens=12, n=3, temperature=0.9, top_p=0.95, ignore_eos=True)
DIGITS = Sampling(max_new_tokens=12, temperature=0.7, regex=r"[0-9]{3}-[a-f]+")
PENALTIES = Sampling(
    max_new_tokens=12, temperature=0.0, ignore_eos=True, repetition_penalty=1.3, top_logprobs=3
)


def config(tp_size: int) -> EngineConfig:
    # Chunks cut prompts, and several sequences share a pass.
    return EngineConfig(
        model=str(checkpoint()), kv_slots=2048, chunk_tokens=16, threads=1, tp_size=tp_size
    )


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[EngineLoop, EngineInfo]]:
    engine, info = start_engine(config(2))
    try:
        yield engine, info
    finally:
        engine.close()


@pytest.fixture(scope="module")
def one() -> EngineLoop:
    return start_engine(config(1))[0]


def commands() -> list[Command]:
    choices = (" 56", " fifty six", " The answer is 56", " no")
    prefix = "Q: 7 * 8 = ?\nA: it is a long question. " * 2
    return [
        Submit(0, (Text(PROMPT),), (Generate(GREEDY, 1),)),
        Submit(1, (Text(PROMPT),), (Generate(SAMPLED, 2), Append(" and"), Generate(GREEDY, 3))),
        Submit(2, (Text(prefix),), (Score(choices), Generate(GREEDY, 4))),
        Submit(3, (Text(prefix),), (Score(choices, "unconditional_likelihood_normalized"),)),
        Submit(4, (Text("number: "),), (Generate(DIGITS, 5),)),
        Submit(5, (Text(prefix),), (Generate(PENALTIES, 6),)),
        Submit(6, (Text(prefix),), (Generate(GREEDY, 7),), stream=True),
    ]


def told(engine: EngineLoop) -> dict[tuple[int, int], object]:
    """Ids and winners of every step; log probabilities differ in their last digits."""
    found: dict[tuple[int, int], object] = {}
    for key, value in results(run(engine, commands())).items():
        step = value[0] if isinstance(value, tuple) and isinstance(value[0], int) else None
        samples = [] if step is not None else [sample.ids for sample in value]  # type: ignore[attr-defined]
        found[key] = step if step is not None else samples
    return found


def test_info_says_how_many_processes(both: tuple[EngineLoop, EngineInfo]) -> None:
    engine, info = both
    assert (info.tp_size, info.implementation, info.deterministic) == (2, "native", True)
    assert isinstance(engine.model, ParallelModel)
    assert (engine.model.spec.num_heads, engine.model.spec.num_kv_heads) == (2, 1)


def test_every_kind_of_step_says_the_same(
    both: tuple[EngineLoop, EngineInfo], one: EngineLoop
) -> None:
    """Greedy, sampled, several samples, select, constraint, penalties, chains, in one batch."""
    assert told(both[0]) == told(one)


def test_logits_are_near_those_of_one_process(
    both: tuple[EngineLoop, EngineInfo], one: EngineLoop
) -> None:
    rows = []
    for engine in (both[0], one):
        log = LogitsLog(engine)
        run(engine, [Submit(0, (Text(PROMPT),), (Generate(GREEDY, 1),))])
        engine.on_logits = None
        rows.append(log.rows)
    assert rows[0].keys() == rows[1].keys()
    for key, row in rows[0].items():
        assert float((row - rows[1][key]).abs().max()) < 1e-4 * float(row.abs().max())


def test_streamed_text_is_the_text(both: tuple[EngineLoop, EngineInfo]) -> None:
    events = run(both[0], [Submit(0, (Text(PROMPT),), (Generate(GREEDY, 1),), stream=True)])
    pieces = [event.text for event in only(events, Delta)]
    assert len(pieces) > 1
    assert "".join(pieces) == only(events, Generated)[0].samples[0].text
    assert len(only(events, Done)) == 1


def test_a_second_team_in_the_same_process_is_refused(
    both: tuple[EngineLoop, EngineInfo],
) -> None:
    with pytest.raises(EngineError, match="this process uses it already"):
        start_engine(config(2))
    assert told(both[0])


FORKED: list[AnyStep] = [
    "Hello ",
    Generate(GREEDY),
    Fork(
        [[Append(f" {i} "), Generate(Sampling(max_new_tokens=6, ignore_eos=True))] for i in (0, 1)]
    ),
    Score((" good", " bad")),
]


def test_a_program_with_forks_and_guesses_in_an_engine_process() -> None:
    """The public engine, with guesses that rank 0 makes and all processes check."""
    texts = []
    guessing: dict[str, Any] = {"tp_size": 2, "speculation": "ngram"}
    for options in (guessing, {"process": False}):
        with Engine(checkpoint(), threads=1, kv_slots=2048, **options) as engine:
            assert engine.info.tp_size == options.get("tp_size", 1)
            result = engine.submit(FORKED, seed=3).result(60)
            texts.append([result.texts, [branch.texts for branch in result.branches]])
    assert texts[0] == texts[1]
