"""Cases of sampling: all rows of one kind, and mixed, with and without masks."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from sglc_runtime.kernels.triton.cases.case import Case, Cost, Inputs, Outputs
from sglc_runtime.kernels.triton.cases.making import integers, normal, poisoned
from sglc_runtime.kernels.triton.cases.sampling_rows import Asked, ReferenceRow, key_without_ties
from sglc_runtime.sampling.inputs import SamplingInputs

KINDS: dict[str, tuple[Asked, ...]] = {
    "greedy": (Asked(0.0),),
    "plain": (Asked(1.0),),
    "top-k 50": (Asked(1.0, top_k=50),),
    "top-p 0.9": (Asked(1.25, top_p=0.9),),
    # Logits of deviation 1: searches have many candidates.
    "flat, top-p 0.9": (Asked(1 / 3, top_p=0.9),),
    "mixed": (
        Asked(0.0), Asked(1.0), Asked(1.5, top_k=20, top_p=0.95), Asked(1.0, min_p=0.05),
        Asked(0.5, top_p=0.99),
    ),
    "masked": (
        Asked(0.0, masked=True), Asked(1.0, top_p=0.9, masked=True), Asked(1.0, masked=True),
    ),
}  # fmt: skip
"""What the rows ask for, in turn."""
VOCAB = 151_936
"""Of Qwen3; Llama 3 has 128,256."""


def cases() -> Iterator[Case]:
    """Small ones in the types in which models give logits."""
    for kind in KINDS:
        yield _case(kind, min(3, len(KINDS[kind])), 333, torch.float32, small=True)
    yield _case("mixed", 5, 1000, torch.bfloat16, small=True)
    for rows in (1, 64, 256):
        for kind in KINDS:
            yield _case(kind, rows, VOCAB, torch.float32, small=False)
    yield _case("mixed", 64, 128_256, torch.float32, small=False)
    yield _case("greedy", 64, 128_256, torch.bfloat16, small=False)


def _case(kind: str, rows: int, vocab: int, dtype: torch.dtype, *, small: bool) -> Case:
    asked = [KINDS[kind][row % len(KINDS[kind])] for row in range(rows)]

    def inputs(device: torch.device) -> Inputs:
        logits = normal(device, dtype, rows, vocab, seed=1, deviation=3.0)
        words = -(-vocab // 32)
        masks = integers(device, 1 << 32, rows, words, seed=2).to(torch.int32)
        found = _parameters(asked, masks)
        if device.type != "meta":
            for row, reference in enumerate(_references(logits, found, asked)):
                found.keys[row] = key_without_ties(reference, row)
        # Imported late: what lists cases need not import Triton.
        from sglc_runtime.sampling.device import DeviceSampler

        return {
            "logits": logits,
            "inputs": found,
            "asked": asked,
            "out": poisoned(device, torch.int64, rows),
            "sampler": DeviceSampler(rows, vocab, device),
        }

    masked = sum(each.masked for each in asked)
    bytes = rows * vocab * dtype.itemsize + masked * vocab // 8
    shape = f"{kind}, {rows} rows of {vocab}"
    return Case("sample", shape, dtype, small, Cost(bytes), inputs, _run, _expect)


def _parameters(asked: list[Asked], masks: Tensor) -> SamplingInputs:
    """Parameters of rows, all with key 0."""
    rows, device = len(asked), masks.device

    def numbers(values: list[float] | list[int], dtype: torch.dtype) -> Tensor:
        return torch.tensor(values, dtype=dtype, device=device)

    return SamplingInputs(
        numbers([each.inverse for each in asked], torch.float32),
        numbers([each.top_k for each in asked], torch.int32),
        numbers([each.top_p for each in asked], torch.float32),
        numbers([each.min_p for each in asked], torch.float32),
        numbers([0] * rows, torch.int64),
        numbers(list(range(rows)), torch.int64),
        numbers([7 * row for row in range(rows)], torch.int64),
        numbers([int(each.masked) for each in asked], torch.int32),
        masks,
    )


def _references(
    logits: Tensor, inputs: SamplingInputs, asked: list[Asked]
) -> Iterator[ReferenceRow]:
    for row, each in enumerate(asked):
        yield ReferenceRow(logits[row], inputs.masks[row], each)


def _run(inputs: Inputs) -> Outputs:
    inputs["sampler"](inputs["logits"], inputs["inputs"], inputs["out"])
    return {"out": inputs["out"]}


def _expect(inputs: Inputs) -> Outputs:
    found: SamplingInputs = inputs["inputs"]
    tokens = [
        reference.token(reference.uniform(int(found.keys[row]), row))
        for row, reference in enumerate(_references(inputs["logits"], found, inputs["asked"]))
    ]
    return {"out": torch.tensor(tokens, device=inputs["out"].device)}
