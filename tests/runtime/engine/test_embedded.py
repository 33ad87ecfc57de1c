"""The embedded model in the engine: greedy text of transformers, and sensible answers."""

from __future__ import annotations

import pytest
import torch

from sglc_runtime.engine import EngineLoop
from sglc_runtime.models.load import EMBEDDED
from sglc_runtime.models.self_check import self_check
from sglc_runtime.protocol import Generate, Generated, Sampling, Submit, Text
from tests.runtime.engine.driving import generate, make_engine, only, run

pytestmark = pytest.mark.engine

IP = r"((25[0-5]|2[0-4]\d|[01]?\d\d?).){3}(25[0-5]|2[0-4]\d|[01]?\d\d?)"
QUESTIONS = [
    "Q: What is the capital of France?\nA:",
    "Q: What is the IP address of the Google DNS servers?\nA:",
    "List two tips for staying healthy.\n1.",
    "<|im_start|>user\nWhat is 7 * 8?<|im_end|>\n<|im_start|>assistant\n",
]
PROMPTS = [question * (1 + i % 3) for i, question in enumerate(QUESTIONS * 3)]
NEW = 32


@pytest.fixture(scope="module")
def engine() -> EngineLoop:
    return make_engine(model=str(EMBEDDED))


def test_regex_of_sglangs_example(engine: EngineLoop) -> None:
    prompt = "Q: What is the IP address of the Google DNS servers?\nA: "
    (sample,) = generate(engine, prompt, Sampling(temperature=0.0, regex=IP))
    assert sample.text == "8.8.8.8"


@pytest.mark.parametrize("setting", [{}, {"chunk_tokens": 5}, {"kv_slots": 330}], ids=str)
def test_greedy_equals_generate(setting: dict[str, int]) -> None:
    from transformers import AutoModelForCausalLM

    engine = make_engine(model=str(EMBEDDED), **setting)  # type: ignore[arg-type]
    sampling = Sampling(max_new_tokens=NEW, temperature=0.0, ignore_eos=True)
    events = run(
        engine, [Submit(i, (Text(p),), (Generate(sampling),)) for i, p in enumerate(PROMPTS)]
    )
    got = {event.id: event.samples[0].ids for event in only(events, Generated)}
    reference = AutoModelForCausalLM.from_pretrained(EMBEDDED, dtype=torch.float32)
    reference.generation_config.eos_token_id = None
    for number, prompt in enumerate(PROMPTS):
        ids = torch.tensor([engine.context.encode(prompt, True)])
        want = reference.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=NEW,
            do_sample=False,
            pad_token_id=3,
        )
        assert got[number] == tuple(want[0, ids.shape[1] :].tolist())


def test_the_guarantee_is_claimed_and_can_fail(engine: EngineLoop) -> None:
    attention = engine.attention
    with torch.inference_mode():
        assert self_check(engine.model, attention)
        engine.cache.flush()
