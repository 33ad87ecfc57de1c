"""Greedy text of the engine beside `transformers.generate`, for one checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from sglc_runtime.attention.make import make_attention
from sglc_runtime.engine import EngineLoop
from sglc_runtime.errors import EngineError
from sglc_runtime.models.generic import load_generic
from sglc_runtime.models.load import LoadedModel, load_tokenizer
from sglc_runtime.models.load_native import load_native
from sglc_runtime.oracle import greedy
from sglc_runtime.protocol import Failed, Generate, Generated, Ids, Sampling, Submit

Implementation = Literal["native, C", "native, torch", "transformers"]
LENGTHS = (3, 9, 20, 33, 41, 60)
MARGIN = 0.07
"""In bfloat16 tokens may differ where the reference's two largest logits are this close."""
CHUNK = 24
"""Rows of a pass: prompts are cut, and prefill runs beside decoding."""

Tokens = list[tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one implementation compares; `margin` is the largest at a first difference."""

    implementation: Implementation
    prompts: int
    tokens: int
    """Tokens up to and with the first difference of each prompt."""
    equal: int
    margin: float


def make_prompts(lengths: Sequence[int] = LENGTHS, *, seed: int = 3) -> list[list[int]]:
    """Random prompts over the byte tokenizer's ids."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(0, 256, (length,), generator=generator).tolist() for length in lengths]


def load(folder: Path, implementation: Implementation, dtype: str) -> LoadedModel:
    """Load by exactly this implementation."""
    cpu = torch.device("cpu")
    if implementation == "transformers":
        return load_generic(folder, device=cpu, dtype=dtype)
    return load_native(folder, device=cpu, dtype=dtype, in_c=implementation == "native, C")


def run_engine(folder: Path, model: LoadedModel, prompts: list[list[int]], new: int) -> Tokens:
    """All prompts together through an engine of their own, cut into chunks."""
    slots = sum(map(len, prompts)) + (new + 1) * len(prompts)
    engine = EngineLoop(
        model,
        load_tokenizer(folder),
        make_attention("auto", model.spec, slots),
        kv_slots=slots,
        device=torch.device("cpu"),
        chunk_tokens=CHUNK,
    )
    sampling = Sampling(max_new_tokens=new, temperature=0.0, ignore_eos=True)
    engine.submit(
        Submit(number, (Ids(tuple(prompt)),), (Generate(sampling),))
        for number, prompt in enumerate(prompts)
    )
    found: dict[int, tuple[int, ...]] = {}
    while engine.step():
        for event in engine.take_events():
            if isinstance(event, Failed):
                raise EngineError(event.kind, event.message)
            if isinstance(event, Generated):
                found[event.id] = event.samples[0].ids
    return [found[number] for number in range(len(prompts))]


@torch.inference_mode()
def reference(
    folder: Path, prompts: list[list[int]], new: int, dtype: torch.dtype
) -> tuple[Tokens, list[list[float]]]:
    """Greedy tokens of `transformers.generate`, each prompt alone, and their top-2 margins."""
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager"
    ).eval()
    model.generation_config.eos_token_id = None
    tokens: Tokens = []
    margins: list[list[float]] = []
    for prompt in prompts:
        ids = torch.tensor([prompt])
        output = greedy(model, ids, new, output_logits=True, return_dict_in_generate=True)
        tokens.append(tuple(output.sequences[0, len(prompt) :].tolist()))
        tops = [row[0].float().topk(2).values for row in output.logits]
        margins.append([float(top[0] - top[1]) for top in tops])
    return tokens, margins


def judge(
    implementation: Implementation, got: Tokens, want: Tokens, margins: list[list[float]]
) -> Outcome:
    """Compare up to each prompt's first difference."""
    tokens = equal = 0
    largest = 0.0
    for mine, theirs, margin in zip(got, want, margins, strict=True):
        differ = [at for at, pair in enumerate(zip(mine, theirs, strict=True)) if len({*pair}) > 1]
        if not differ:
            tokens += len(theirs)
            equal += 1
        else:
            tokens += differ[0] + 1
            largest = max(largest, margin[differ[0]])
    return Outcome(
        implementation=implementation,
        prompts=len(want),
        tokens=tokens,
        equal=equal,
        margin=largest,
    )
