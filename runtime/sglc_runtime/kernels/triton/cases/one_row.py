"""Cases of products of one row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from sglc_runtime.kernels.triton.cases.case import Case, Cost, Inputs, Outputs
from sglc_runtime.kernels.triton.cases.making import DTYPES, normal, poisoned
from sglc_runtime.kernels.triton.one_row import Norm, one_row


class _Form(NamedTuple):
    outputs: int
    inputs: int
    bias: bool = False
    normed: bool = False
    gated: bool = False
    residual: bool = False
    logits: bool = False

    @property
    def name(self) -> str:
        what = [
            word
            for word, used in (
                ("norm", self.normed), ("bias", self.bias), ("SwiGLU", self.gated),
                ("residual", self.residual), ("float32 out", self.logits),
            )
            if used
        ]  # fmt: skip
        return ", ".join([f"{self.inputs} to {self.outputs}", *what])


SMALL = (
    _Form(24, 64),
    _Form(30, 100, bias=True),
    _Form(17, 576, normed=True),
    _Form(20, 1024, normed=True, gated=True),
    _Form(6, 1100, bias=True, normed=True, gated=True),
    _Form(33, 96, residual=True),
    _Form(40, 2048, normed=True, logits=True),
)
LARGE = (
    _Form(4096, 1024, normed=True),
    _Form(1024, 2048, residual=True),
    _Form(3072, 1024, normed=True, gated=True),
    _Form(1024, 3072, residual=True),
    _Form(151936, 1024, normed=True, logits=True),
    _Form(6144, 4096, normed=True),
    _Form(4096, 4096, residual=True),
    _Form(14336, 4096, normed=True, gated=True),
    _Form(4096, 14336, residual=True),
    _Form(128256, 4096, normed=True, logits=True),
)
"""Layers of Qwen3-0.6B and Llama-3.1-8B."""


def cases() -> Iterator[Case]:
    """Sizes that are whole blocks and others, with everything that can be fused."""
    for dtype in DTYPES:
        for form in SMALL:
            yield _case(form, dtype, small=True)
    for form in LARGE:
        yield _case(form, torch.bfloat16, small=False)


def _case(form: _Form, dtype: torch.dtype, *, small: bool) -> Case:
    height = form.outputs * (2 if form.gated else 1)

    def inputs(device: torch.device) -> Inputs:
        made: Inputs = {
            "x": normal(device, dtype, 1, form.inputs, seed=1),
            # As of weights in models, so that results are about as large as what comes in.
            "weight": normal(
                device, dtype, height, form.inputs, seed=2, deviation=form.inputs**-0.5
            ),
            "out": poisoned(device, torch.float32 if form.logits else dtype, 1, form.outputs),
        }
        if form.bias:
            made["bias"] = normal(device, dtype, height, seed=3)
        if form.normed:
            made["norm"] = normal(device, dtype, form.inputs, seed=4)
        if form.residual:
            made["residual"] = normal(device, dtype, 1, form.outputs, seed=5)
        return made

    size = dtype.itemsize
    cost = Cost(
        bytes=height * form.inputs * size + (form.inputs + form.outputs) * size,
        flops=2 * height * form.inputs,
    )

    def run(given: Inputs) -> Outputs:
        norm = Norm(given["norm"], 1e-6) if form.normed else None
        one_row(
            given["x"], given["weight"], given["out"], bias=given.get("bias"), norm=norm,
            gated=form.gated, residual=given.get("residual"),
        )  # fmt: skip
        return {"out": given["out"]}

    def expect(given: Inputs) -> Outputs:
        return {"out": _exact(given, form)}

    return Case("one row", form.name, dtype, small, cost, inputs, run, expect)


def _exact(given: Inputs, form: _Form) -> Tensor:
    x: Tensor = given["x"].double()
    if form.normed:
        x = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * given["norm"].double()
    result: Tensor = x @ given["weight"].double().T
    if form.bias:
        result = result + given["bias"].double()
    if form.gated:
        gate, up = result.chunk(2, -1)
        result = gate * torch.sigmoid(gate) * up
    if form.residual:
        result += given["residual"].double()
    return result
