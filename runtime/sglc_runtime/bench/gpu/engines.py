"""Our engine and transformers on the same made-up weights, which are never in a file."""

from __future__ import annotations

import gc
import random
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import torch

from sglc_runtime.bench.engine_side import EngineSide, checked
from sglc_runtime.bench.gpu.settings import GpuSettings
from sglc_runtime.bench.shapes import Shape, description
from sglc_runtime.bench.sides import Prompt, Told
from sglc_runtime.bench.transformers_side import GenerateSide, batching_config
from sglc_runtime.config import EngineConfig
from sglc_runtime.models.dummy import made
from sglc_runtime.protocol import FlushCache, Generate, Generated, Sampling
from sglc_runtime.start import start_engine

DTYPE = torch.bfloat16


def engine_of(
    shape: Shape, settings: GpuSettings, *, slots: int, rows: int = 1, **options: Any
) -> EngineSide:
    """An engine for up to `rows` sequences with room for `slots` tokens; graphs are captured."""
    config = EngineConfig(
        model=str(description(shape)),
        load_format="dummy",
        dtype="bfloat16",
        device=settings.device,
        kv_slots=slots,
        max_running=rows,
        warmup=True,
        **options,
    )
    return EngineSide(*start_engine(config))


def transformers_of(shape: Shape, settings: GpuSettings) -> GenerateSide:
    """Transformers' model of the same shape with the same weights."""
    import transformers

    folder = description(shape)
    config = transformers.AutoConfig.from_pretrained(folder)
    with torch.device(settings.torch_device):
        model: Any = transformers.AutoModelForCausalLM.from_config(config, dtype=DTYPE)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.copy_(made(name, weight.shape, DTYPE, settings.torch_device))
    return GenerateSide.around(model, DTYPE, device=settings.device)


def run_each(side: EngineSide, prompts: Sequence[Prompt], new: Sequence[int]) -> Told:
    """Like `EngineSide.run`, with a number of tokens for each prompt."""
    side.engine.submit([FlushCache()])
    events, whole = side.finish(
        side.request(
            number,
            prompt,
            (Generate(Sampling(max_new_tokens=count, temperature=0.0, ignore_eos=True)),),
        )
        for number, (prompt, count) in enumerate(zip(prompts, new, strict=True))
    )
    found = {event.id: event for event in checked(events) if isinstance(event, Generated)}
    ids = [list(found[number].samples[0].ids) for number in range(len(prompts))]
    return Told(ids, whole, whole)


def drawn(shape: Shape, side: EngineSide, length: int, *, seed: int) -> Prompt:
    """A prompt of random ids that begins as every path of the engine does."""
    numbers = random.Random(seed)
    low, high = shape.vocabulary // 8, shape.vocabulary // 2
    return side.head + [numbers.randrange(low, high) for _ in range(length - len(side.head))]


def release(device: torch.device) -> None:
    """Give back the memory of what is no longer referred to."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def batch_of_requests(
    side: GenerateSide, prompts: Sequence[Prompt], new: Sequence[int]
) -> tuple[Told, dict[str, Any]]:
    """
    What `generate_batch` does, with a number of tokens for each request, and its time.

    `generate_batch` itself takes one number for all. Captures of graphs are not timed. Raises
    RuntimeError where a request is not answered.
    """
    from transformers import GenerationConfig
    from transformers.generation import ContinuousBatchingConfig
    from transformers.generation.continuous_batching.utils import WorkloadHints

    model = side.model
    settings = GenerationConfig(
        max_new_tokens=max(new), do_sample=False, eos_token_id=-1, pad_token_id=0
    )
    batching = ContinuousBatchingConfig()  # it fits itself to a GPU, and to nothing else
    if model.device.type != "cuda":
        tokens = sum(len(prompt) + count for prompt, count in zip(prompts, new, strict=True))
        batching = batching_config(32, tokens // 32 + 2 * len(prompts), 128)
    before = model.config._attn_implementation
    outputs: dict[str, list[int]] = {}
    try:
        with model.continuous_batching_context_manager(
            generation_config=settings,
            continuous_batching_config=batching,
            workload_hints=WorkloadHints(max(map(len, prompts)), max(new), len(prompts)),
            warmup=side.model.device.type == "cuda",
            timeout=5,
        ) as manager:
            attention = model.config._attn_implementation
            began = perf_counter()
            names = [
                manager.add_request([*prompt], request_id=f"r{number}", max_new_tokens=count)
                for number, (prompt, count) in enumerate(zip(prompts, new, strict=True))
            ]
            while len(outputs) < len(prompts):
                result = manager.get_result(timeout=1)
                if result is None:
                    if not manager.is_running():
                        raise RuntimeError("transformers' generation thread ended early")
                elif result.is_finished():
                    outputs[result.request_id] = list(result.generated_tokens)
            whole = perf_counter() - began
    finally:
        model.set_attn_implementation(before)
    return Told([outputs[name] for name in names], whole, whole), {"attention": attention}
