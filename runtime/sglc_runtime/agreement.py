"""
Whether greedy text is `transformers.generate`'s, token for token, however a request is run.

The same prompts run in five ways that a correct engine cannot tell apart: each alone, in batches of
mixed lengths, cut into small chunks, behind prefixes found in the cache, and in a pool so small
that sequences are evicted and preempted. Everything is float32, but for keys and values where
`kv_cache_dtype` rounds them: then the figures say what that changes. Logits of every way are
compared bitwise with those of running alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
import torch
from torch import Tensor

from sglc_runtime.config import EngineConfig
from sglc_runtime.engine import EngineLoop
from sglc_runtime.errors import EngineError
from sglc_runtime.models.load import EMBEDDED
from sglc_runtime.oracle import greedy
from sglc_runtime.protocol import (
    Failed,
    FlushCache,
    Generate,
    Generated,
    Sampling,
    Submit,
    Text,
)
from sglc_runtime.scheduler import Limits
from sglc_runtime.start import start_engine

SHARED = (
    "Q: What is the capital of France?\nA: Paris.\n\nQ: What is 7 * 8?\nA: 56.\n\n",
    "List tips for staying healthy. 1. Eat well. 2. Sleep well. 3. Drink water. ",
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n",
    "",
)
"""Beginnings that prompts have in common."""
QUESTIONS = (
    "Q: What is the capital of Italy?\nA:",
    "Tell me a story about a fox and a river.",
    "In summary,",
    "def add(left, right):\n    return",
    "Name three animals that can swim, and say where each of them lives.",
    "What is 12 * 12?",
    '{"name": "Ada", "age":',
    "The weather in the mountains was cold, and the road was long. Still,",
    "Q: Who wrote it?\nA: I do not know. Q: When was it written?\nA:",
    "Zürich, São Paulo and 東京 are",
    "It",
)
CHUNK = 5
BATCH = 16

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementOptions:
    """What to compare."""

    prompts: int = 48
    new_tokens: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of running the prompts, and how it compares."""

    name: str
    prompts_agree: int
    """Prompts whose every token is transformers' own."""
    tokens_agree: int
    """Tokens before the first difference, all prompts together."""
    logit_rows: int
    """Rows of logits that a token was chosen from."""
    logit_rows_equal: int
    """Of those, rows bitwise equal to the same row of running alone."""
    cached_tokens: int
    evicted_tokens: int
    preemptions: int


def make_prompts(count: int) -> list[str]:
    """Different prompts of 1 to about 80 words; many share a beginning."""
    prompts: list[str] = []
    for number in range(count):
        question = QUESTIONS[number % len(QUESTIONS)]
        again = number // (len(SHARED) * len(QUESTIONS))
        prompts.append(SHARED[number % len(SHARED)] + question * (again + 1))
    return prompts


def agreement(
    config: EngineConfig, options: AgreementOptions, progress: Progress | None = None
) -> dict[str, Any]:
    """Compare and return plain data, ready for JSON. Raises EngineError."""
    report = progress or (lambda message: None)
    if options.prompts < 1 or options.new_tokens < 1:
        raise EngineError("internal", "at least one prompt and one new token are needed")
    config = msgspec.structs.replace(config, dtype="float32")
    report("starting the engine")
    engine, info = start_engine(config)
    prompts = make_prompts(options.prompts)
    lengths = [len(engine.context.encode(prompt, True)) for prompt in prompts]
    if max(lengths) + options.new_tokens > info.context_length:
        raise EngineError("internal", f"context of {info.context_length} tokens is too short")
    usual = engine.limits
    outcomes: dict[str, _Outcome] = {}

    report("each alone")
    outcomes["alone"] = _run(engine, prompts, options.new_tokens, batch=1, flush=True)
    report(f"batches of {BATCH}")
    name = f"batches of {BATCH}, mixed lengths"
    outcomes[name] = _run(engine, prompts, options.new_tokens, batch=BATCH, flush=True)
    report(f"chunks of {CHUNK}")
    engine.limits = Limits(usual.max_running, CHUNK)
    name = f"chunks of {CHUNK} tokens"
    outcomes[name] = _run(engine, prompts, options.new_tokens, batch=BATCH, flush=True)
    engine.limits = usual
    report("shared prefixes")
    for _ in range(2):  # the second time everything is found, decoded ids included
        outcomes["shared prefixes"] = _run(
            engine, prompts, options.new_tokens, batch=len(prompts), flush=False
        )
    slots = max(lengths) + options.new_tokens + 2 * min(lengths) + 3 * BATCH
    report(f"a pool of {slots} slots")
    small, _ = start_engine(msgspec.structs.replace(config, kv_slots=slots))
    name = f"pool of {slots} slots"
    outcomes[name] = _run(small, prompts, options.new_tokens, batch=len(prompts), flush=False)

    report("transformers.generate")
    wanted = _generate(config, engine, prompts, options.new_tokens)
    alone = outcomes["alone"]
    return {
        "model": info.model,
        "implementation": info.implementation,
        "attention": info.attention,
        "dtype": info.dtype,
        "kv_cache_dtype": config.kv_cache_dtype,
        "threads": info.threads,
        "deterministic": info.deterministic,
        "prompts": len(prompts),
        "prompt_tokens": [min(lengths), max(lengths)],
        "tokens": len(prompts) * options.new_tokens,
        "ways": [
            asdict(_compare(name, outcome, alone, wanted)) for name, outcome in outcomes.items()
        ],
    }


@dataclass(frozen=True, slots=True)
class _Outcome:
    ids: list[tuple[int, ...]]
    rows: dict[tuple[int, int], Tensor]
    """Logits [vocab] by prompt and position."""
    cached: int
    evicted: int
    preemptions: int


def _run(
    engine: EngineLoop, prompts: Sequence[str], new: int, *, batch: int, flush: bool
) -> _Outcome:
    """Run prompts `batch` at a time; `flush` empties the cache before each batch."""
    rows: dict[tuple[int, int], Tensor] = {}

    def keep(request: int, step: int, sample: int, position: int, row: Tensor) -> None:
        rows[request, position] = row.clone()

    engine.submit([FlushCache()])
    before = engine.stats()
    engine.on_logits = keep
    sampling = Sampling(max_new_tokens=new, temperature=0.0, ignore_eos=True)
    found: dict[int, tuple[int, ...]] = {}
    for first in range(0, len(prompts), batch):
        if flush:
            engine.submit([FlushCache()])
        engine.submit(
            Submit(number, (Text(prompts[number]),), (Generate(sampling),))
            for number in range(first, min(first + batch, len(prompts)))
        )
        while engine.step():
            for event in engine.take_events():
                if isinstance(event, Failed):
                    raise EngineError(event.kind, event.message)
                if isinstance(event, Generated):
                    found[event.id] = event.samples[0].ids
    engine.on_logits = None
    after = engine.stats()
    return _Outcome(
        [found[number] for number in range(len(prompts))],
        rows,
        after.cached_tokens - before.cached_tokens,
        after.evicted_tokens - before.evicted_tokens,
        after.preemptions - before.preemptions,
    )


@torch.inference_mode()
def _generate(
    config: EngineConfig, engine: EngineLoop, prompts: Sequence[str], new: int
) -> list[tuple[int, ...]]:
    """What transformers says to each prompt alone, in float32 on the same device."""
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(
        config.model or EMBEDDED, dtype=torch.float32, trust_remote_code=config.trust_remote_code
    )
    model = model.to(engine.context.device).eval()
    model.generation_config.eos_token_id = None
    found: list[tuple[int, ...]] = []
    for prompt in prompts:
        ids = torch.tensor([engine.context.encode(prompt, True)], device=engine.context.device)
        output = greedy(model, ids, new)
        found.append(tuple(output[0, ids.shape[1] :].tolist()))
    return found


def _compare(
    name: str, outcome: _Outcome, alone: _Outcome, wanted: Sequence[tuple[int, ...]]
) -> Way:
    tokens = 0
    for got, want in zip(outcome.ids, wanted, strict=True):
        differ = (at for at, pair in enumerate(zip(got, want, strict=True)) if pair[0] != pair[1])
        tokens += next(differ, len(want))
    equal = sum(
        key in alone.rows and torch.equal(row, alone.rows[key]) for key, row in outcome.rows.items()
    )
    return Way(
        name=name,
        prompts_agree=sum(a == b for a, b in zip(outcome.ids, wanted, strict=True)),
        tokens_agree=tokens,
        logit_rows=len(outcome.rows),
        logit_rows_equal=equal,
        cached_tokens=outcome.cached,
        evicted_tokens=outcome.evicted,
        preemptions=outcome.preemptions,
    )
