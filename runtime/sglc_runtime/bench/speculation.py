"""What guessing tokens ahead gains or costs: engines with and without it, side by side."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any, Literal

import msgspec

from sglc_runtime.bench.turns import take_turns
from sglc_runtime.config import EngineConfig
from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import (
    FlushCache,
    Generate,
    Generated,
    Ids,
    Sampling,
    Segment,
    Submit,
    Text,
)
from sglc_runtime.start import start_engine

Kind = Literal["off", "ngram", "draft", "auto"]
ROUNDS = 7
NEW_TOKENS = 96
LOSS = 0.98
"""A speed-up below this is called a loss."""
CHAT = (
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)
README = (
    "Here are two tips for staying healthy: 1. Balanced Diet. 2. Regular Exercise.\n\nTip 1:",
    "Once upon a time,",
    CHAT.format("What is gravity?"),
    CHAT.format("What is the capital of the United States?"),
    "Q: What is the IP address of the Google DNS servers?\nA:",
)
RECORD = '{"name": "Ada", "age": 36, "city": "London", "job": "engineer"}\n'


@dataclass(frozen=True, slots=True)
class Case:
    """Requests that run together, and what is to be seen on them."""

    name: str
    prompts: tuple[tuple[Segment, ...], ...]
    temperature: float = 0.0
    repeated: bool = False
    """The cache knows them already: the radix tree guesses."""
    ignore_eos: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """One side's run of one case."""

    seconds: float
    tokens: int
    drafted: int
    accepted: int
    said: tuple[tuple[int, ...], ...]


def cases(vocab_size: int) -> tuple[Case, ...]:
    """What is measured: typical programs, copies, repeats, a batch, and text nobody can guess."""
    draw = random.Random(7)
    noise = tuple(draw.randrange(8, vocab_size) for _ in range(64))
    readme = tuple((Text(text),) for text in README)
    branches = tuple((Text(README[0] + f" {number}."),) for number in range(16))
    return (
        Case("readme programs", readme),
        Case("readme programs, temperature 0.8", readme, 0.8),
        Case("copies", ((Text(RECORD * 4),), (Text("A rose is a rose. " * 6),)), ignore_eos=True),
        Case("repeated", readme, repeated=True),
        Case("16 branches", branches),
        Case("random text, temperature 1.5", ((Ids(noise),),), 1.5, ignore_eos=True),
    )


def measure_speculation(
    config: EngineConfig, progress: Callable[[str], object], rounds: int = ROUNDS
) -> dict[str, Any]:
    """
    Speed and acceptance of every kind of speculation beside none, for the model of `config`.

    `cases` has, by case and kind, the speed-up in every round and the share of guesses that were
    kept; `speedup` and the tokens a second are those of `auto` on the README's programs. Requests
    of a case run one after another, only branches together. Raises AssertionError where a kind
    changes any token.
    """
    kinds: list[Kind] = ["off", "ngram", "auto"]
    if config.model is None or config.draft_model is not None:
        kinds.insert(2, "draft")
    engines: dict[str, EngineLoop] = {}
    for kind in kinds:
        engines[kind], info = start_engine(msgspec.structs.replace(config, speculation=kind))
    found: dict[str, Any] = {}
    notes: list[str] = []
    for case in cases(info.vocab_size):
        progress(f"speculation: {case.name}")
        found[case.name] = _measure(case, engines, rounds, notes)
    main = found["readme programs"]
    return {
        "speedup": main["auto"]["speedup"],
        "tokens_per_second": main["auto"]["tokens_per_second"],
        "plain_tokens_per_second": main["off"]["tokens_per_second"],
        "cases": found,
        "notes": notes,
    }


def _measure(
    case: Case, engines: dict[str, EngineLoop], rounds: int, notes: list[str]
) -> dict[str, Any]:
    sides = {kind: _side(engine, case) for kind, engine in engines.items()}
    for side in sides.values():
        side()
        side()
    turns = take_turns(sides, rounds).given
    found: dict[str, Any] = {}
    for kind, own in turns.items():
        plain = turns["off"]
        assert all(a.said == b.said for a, b in zip(own, plain, strict=True)), "output changed"
        drafted = sum(turn.drafted for turn in own)
        speedup = [b.seconds / a.seconds for a, b in zip(own, plain, strict=True)]
        found[kind] = {
            "tokens_per_second": [turn.tokens / turn.seconds for turn in own],
            "speedup": speedup,
            "drafted": drafted,
            "acceptance": sum(turn.accepted for turn in own) / drafted if drafted else None,
        }
        if kind != "off":
            notes.append(_note(case.name, kind, median(speedup), found[kind]["acceptance"]))
    return found


def _note(case: str, kind: str, speedup: float, acceptance: float | None) -> str:
    kept = "nothing guessed" if acceptance is None else f"{acceptance:.0%} of guesses kept"
    loss = ": a loss" if speedup < LOSS else ""
    return f"{case}, {kind}: {speedup:.2f}x, {kept}{loss}"


def _side(engine: EngineLoop, case: Case) -> Callable[[], Turn]:
    sampling = Sampling(
        max_new_tokens=NEW_TOKENS, temperature=case.temperature, ignore_eos=case.ignore_eos
    )
    submits = [
        Submit(number, prompt, (Generate(sampling, key=number),))
        for number, prompt in enumerate(case.prompts)
    ]
    groups = [submits] if len(submits) > len(README) else [[submit] for submit in submits]

    def turn() -> Turn:
        before = engine.stats()
        seconds = 0.0
        said: list[tuple[int, ...]] = []
        tokens = 0
        for group in groups:
            if not case.repeated:
                engine.submit([FlushCache()])
            began = perf_counter()
            engine.submit(group)
            while engine.step():
                pass
            seconds += perf_counter() - began
            done = [event for event in engine.take_events() if isinstance(event, Generated)]
            done.sort(key=lambda event: event.id)
            said += [event.samples[0].ids for event in done]
            tokens += sum(event.samples[0].completion_tokens for event in done)
        after = engine.stats()
        return Turn(
            seconds,
            tokens,
            after.drafted_tokens - before.drafted_tokens,
            after.accepted_tokens - before.accepted_tokens,
            tuple(said),
        )

    return turn
