"""An engine that samples in kernels says what one says that samples in C."""

from __future__ import annotations

import pytest
import torch

from sglc_runtime.protocol import Generate, Sampling, Submit, Text
from tests.runtime.device.comparing import said
from tests.runtime.device.stepping import Watched, kernel_engine
from tests.runtime.engine.driving import make_engine, run

ASKED = (
    Sampling(max_new_tokens=4, temperature=0.0, ignore_eos=True),
    Sampling(max_new_tokens=3, temperature=0.9, n=2, ignore_eos=True),
    Sampling(max_new_tokens=4, temperature=1.2, top_p=0.9, top_k=40, min_new_tokens=3),
    Sampling(max_new_tokens=4, temperature=1.0, regex="[a-z]{6}"),
)


@pytest.mark.skipif(torch.cuda.is_available(), reason="the interpreter's test")
def test_greedy_plain_truncated_and_constrained_samples() -> None:
    engine = kernel_engine()
    watched = Watched(engine)
    submits = [
        Submit(number, (Text("The fox and the river."),), (Generate(sampling, key=number),))
        for number, sampling in enumerate(ASKED)
    ]
    want, got = run(make_engine(), submits), run(engine, submits)
    for submit in submits:
        assert said(got, submit.id)[0] == said(want, submit.id)[0]
    assert watched.steps
