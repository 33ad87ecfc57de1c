"""`transformers.generate` and `generate_batch`, given ids."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from time import perf_counter
from typing import Any, Self

import torch
from torch.nn import functional

from sglc_runtime.bench.sides import Prompt, Told
from sglc_runtime.oracle import greedy


class _Clock:
    """A streamer that only looks at the clock when the first generated token comes."""

    def __init__(self) -> None:
        self.began = perf_counter()
        self.first = 0.0
        self._calls = 0

    def put(self, value: Any) -> None:
        self._calls += 1
        if self._calls == 2:  # the first call brings the prompt
            self.first = perf_counter() - self.began

    def end(self) -> None:
        pass


class GenerateSide:
    """A checkpoint in `dtype` on the CPU or another device, continued by `generate`."""

    def __init__(
        self, folder: str | Path, dtype: torch.dtype, *, device: str = "cpu", trust: bool = False
    ) -> None:
        import transformers

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        model: Any = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, trust_remote_code=trust
        )
        self._hold(model, dtype, device)

    @classmethod
    def around(cls, model: Any, dtype: torch.dtype, *, device: str) -> Self:
        """Of a model that is loaded."""
        side = cls.__new__(cls)
        side._hold(model, dtype, device)
        return side

    def _hold(self, model: Any, dtype: torch.dtype, device: str) -> None:
        self.model = model.to(device).eval()
        self.model.generation_config.eos_token_id = None
        self.dtype = dtype
        self._device = device

    @torch.inference_mode()
    def run(self, prompts: Sequence[Prompt], new: int) -> Told:
        """One batch of prompts of equal length."""
        ids = torch.tensor([*prompts], device=self._device)
        clock = _Clock()
        output = greedy(self.model, ids, new, streamer=clock)
        whole = perf_counter() - clock.began
        return Told(output[:, ids.shape[1] :].tolist(), clock.first, whole)


class GenerateBatchSide:
    """The same model by `generate_batch`: continuous batching that may share blocks."""

    def __init__(self, side: GenerateSide, *, page: int = 32) -> None:
        self._model = side.model
        self._page = page

    def run(self, prompts: Sequence[Prompt], new: int) -> Told:
        """All prompts as requests of one call; the time of the first token is not known."""
        from transformers import GenerationConfig

        blocks = sum(-(-(len(prompt) + new) // self._page) + 1 for prompt in prompts)
        settings = GenerationConfig(
            max_new_tokens=new, do_sample=False, eos_token_id=-1, pad_token_id=0
        )
        batching = batching_config(self._page, blocks, max(map(len, prompts)))
        logging.getLogger("ContinuousBatchingLogger").setLevel(logging.ERROR)
        before = self._model.config._attn_implementation
        began = perf_counter()
        try:
            found = self._model.generate_batch(
                [*prompts],
                generation_config=settings,
                continuous_batching_config=batching,
                warmup=False,
            )
        finally:
            self._model.set_attn_implementation(before)
        whole = perf_counter() - began
        outputs = sorted(found.values(), key=lambda output: _number(output.request_id))
        return Told([list(output.generated_tokens) for output in outputs], whole, whole)


def batching_config(page: int, blocks: int, tokens: int) -> Any:
    """
    Settings of continuous batching: tokens of a page, pages, and tokens of a pass.

    What is `page_size` was `block_size` in transformers 5.17.
    """
    from transformers.generation import ContinuousBatchingConfig

    known = {field.name for field in fields(ContinuousBatchingConfig)}
    size = {"page_size" if "page_size" in known else "block_size": page}
    return ContinuousBatchingConfig(
        num_blocks=blocks, max_batch_tokens=tokens, allow_block_sharing=True, **size
    )


def _number(request: str) -> int:
    return int("".join(filter(str.isdigit, request)) or 0)


def fastest_dtype(rows: int, *, width: int = 1024, height: int = 3072) -> torch.dtype:
    """
    The type in which torch multiplies this many rows fastest here, by a linear of one layer's size.

    Without bfloat16 instructions torch has no fast matrix product in it, but may have a fast
    product with one row.
    """
    return min(
        (torch.bfloat16, torch.float32), key=lambda dtype: _linear(dtype, rows, width, height)
    )


@torch.inference_mode()
def _linear(dtype: torch.dtype, rows: int, width: int, height: int) -> float:
    # For one row as many matrices as no cache holds: a model's are read from memory. Several rows
    # may take seconds for each matrix.
    weights = [torch.randn(height, width).to(dtype) for _ in range(16 if rows == 1 else 1)]
    given = torch.randn(rows, width).to(dtype)
    functional.linear(given, weights[0])
    best = float("inf")
    for _ in range(2):
        began = perf_counter()
        for weight in weights:
            functional.linear(given, weight)
        best = min(best, perf_counter() - began)
    return best
