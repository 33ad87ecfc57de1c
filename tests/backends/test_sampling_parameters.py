"""Sampling parameters from a program to the engine, against transformers and float64."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import transformers

import sglc as sgl
from sglc.execution.errors import GenerationError
from sglc.runtime import Runtime
from tests.runtime.engine.driving import checkpoint

PROMPT = "It is a sunny day"


@pytest.fixture(scope="module")
def engine() -> Iterator[Runtime]:
    made = Runtime(str(checkpoint()), inline=True, threads=1, kv_slots=4096)
    yield made
    made.shutdown()


@cache
def reference() -> tuple[Any, Any]:
    folder = str(checkpoint())
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return model, transformers.AutoTokenizer.from_pretrained(folder)


def prompt_ids() -> list[int]:
    ids: list[int] = reference()[1](PROMPT).input_ids
    return ids


@torch.inference_mode()
def logits(ids: list[int]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Float64 logits [T, vocab] of transformers' model."""
    found: np.ndarray[Any, np.dtype[np.float64]] = (
        reference()[0](torch.tensor([ids])).logits[0].double().numpy()
    )
    return found


def logprobs(ids: list[int]) -> np.ndarray[Any, np.dtype[np.float64]]:
    rows = logits(ids)
    rows = rows - rows.max(-1, keepdims=True)
    found: np.ndarray[Any, np.dtype[np.float64]] = rows - np.log(
        np.exp(rows).sum(-1, keepdims=True)
    )
    return found


@sgl.function
def ask(s, params):  # type: ignore[no-untyped-def]
    s += PROMPT
    s += sgl.gen("x", max_tokens=8, **params)


@sgl.function
def penalised(s):  # type: ignore[no-untyped-def]
    s += PROMPT
    s += sgl.gen(
        "x", max_tokens=8, temperature=0, ignore_eos=True, repetition_penalty=1.7,
        logit_bias={"7": 3.5, 9: -100},
    )  # fmt: skip


def generated(engine: Runtime, **params: Any) -> dict[str, Any]:
    """Text and meta information through `Engine.generate`, and the same through `sgl.gen`."""
    params = {"temperature": 0, "ignore_eos": True, **params}
    reply: dict[str, Any] = sgl.Engine.generate(engine, PROMPT, {"max_new_tokens": 8, **params})
    if "sampling_seed" not in params:
        short = {{"min_new_tokens": "min_tokens"}.get(k, k): v for k, v in params.items()}
        for compiled in (True, False):
            state = ask.run(short, backend=engine, compiled=compiled)
            assert state["x"] == reply["text"]
            ours = state.get_meta_info("x")
            for name in ("output_token_logprobs", "input_token_logprobs", "output_top_logprobs"):
                assert ours.get(name) == reply["meta_info"].get(name)
    return reply


def ids_of(reply: dict[str, Any]) -> list[int]:
    return [token for _, token, _ in reply["meta_info"]["output_token_logprobs"]]


def test_logprobs_of_prompt_and_answer(engine: Runtime) -> None:
    reply = generated(engine, return_logprob=True, logprob_start_len=0, top_logprobs_num=3)
    meta = reply["meta_info"]
    prompt, answer = prompt_ids(), ids_of(reply)
    expected = logprobs(prompt + answer)
    (first, first_id, _), *inputs = meta["input_token_logprobs"]
    assert (first, first_id) == (None, prompt[0])
    assert [token for _, token, _ in inputs] == prompt[1:]
    found = [value for value, _, _ in inputs + meta["output_token_logprobs"]]
    wanted = [expected[i, token] for i, token in enumerate((prompt + answer)[1:])]
    assert found == pytest.approx(wanted, abs=1e-4)
    for i, top in enumerate(meta["output_top_logprobs"]):
        row = expected[len(prompt) - 1 + i]
        assert [token for _, token, _ in top] == np.argsort(-row, kind="stable")[:3].tolist()
        assert [value for value, _, _ in top] == pytest.approx(np.sort(row)[::-1][:3], abs=1e-4)
    later = generated(engine, return_logprob=True, logprob_start_len=len(prompt) - 1)
    assert len(later["meta_info"]["input_token_logprobs"]) == 1


@pytest.mark.parametrize(
    "params",
    [
        {"repetition_penalty": 0.3},
        {"repetition_penalty": 0.6},
        {"logit_bias": {7: 2.5, 9: -100.0, 11: 2.5}},
        {"repetition_penalty": 0.8, "logit_bias": {"325": -50.0}},
    ],
)
def test_penalty_and_bias_are_those_of_transformers(engine: Runtime, params: Any) -> None:
    model, _ = reference()
    bias = {(int(token),): value for token, value in params.get("logit_bias", {}).items()}
    output = model.generate(
        torch.tensor([prompt_ids()]),
        attention_mask=torch.ones(1, len(prompt_ids()), dtype=torch.long),
        max_new_tokens=8,
        min_new_tokens=8,
        do_sample=False,
        pad_token_id=0,
        repetition_penalty=params.get("repetition_penalty", 1.0),
        sequence_bias=bias or None,
    )
    reply = generated(engine, return_logprob=True, **params)
    assert ids_of(reply) == output[0, len(prompt_ids()) :].tolist()
    assert ids_of(reply) != ids_of(generated(engine, return_logprob=True))


def test_constants_in_a_program(engine: Runtime) -> None:
    state = penalised.run(backend=engine)
    expected = generated(engine, repetition_penalty=1.7, logit_bias={7: 3.5, 9: -100})
    assert state["x"] == expected["text"]
    assert penalised.run(backend=engine, compiled=False)["x"] == state["x"]


def test_frequency_and_presence_count_the_answer(engine: Runtime) -> None:
    reply = generated(engine, frequency_penalty=0.7, presence_penalty=1.1, return_logprob=True)
    ids, counts = prompt_ids(), {}  # type: ignore[var-annotated]
    for token in ids_of(reply):
        row = logits(ids)[-1]
        for seen, count in counts.items():
            row[seen] -= 0.7 * count + 1.1
        assert int(row.argmax()) == token
        ids.append(token)
        counts[token] = counts.get(token, 0) + 1


def test_min_tokens_and_stops(engine: Runtime) -> None:
    free = generated(engine, return_logprob=True)
    first = ids_of(free)[0]
    stopped = generated(engine, stop_token_ids=[first], ignore_eos=False)
    assert stopped["meta_info"]["finish_reason"] == {"type": "stop", "matched": first}
    longer = generated(engine, stop_token_ids=[first], ignore_eos=False, min_new_tokens=3)
    assert longer["meta_info"]["completion_tokens"] >= 3
    row = logits(prompt_ids())[-1]
    row[first] = -math.inf
    for eos in (reference()[0].generation_config.eos_token_id,):
        row[eos] = -math.inf
    got = generated(
        engine, stop_token_ids=[first], ignore_eos=False, min_new_tokens=3, return_logprob=True
    )
    assert ids_of(got)[0] == int(row.argmax())
    text = free["text"]
    cut = generated(engine, stop_regex="[a-z]{2}")
    import re

    hit = re.search("[a-z]{2}", text)
    assert cut["text"] == (text if hit is None else text[: hit.end()])


def test_a_seed_gives_the_same_whatever_the_batch(engine: Runtime) -> None:
    params = {"temperature": 1.0, "sampling_seed": 5, "max_new_tokens": 12, "ignore_eos": True}
    alone: dict[str, Any] = sgl.Engine.generate(engine, PROMPT, params)
    crowd: list[dict[str, Any]] = sgl.Engine.generate(
        engine, [PROMPT, "x", PROMPT, "y" * 30, *(["z"] * 9)], params
    )
    assert crowd[0]["text"] == crowd[2]["text"] == alone["text"]
    other: dict[str, Any] = sgl.Engine.generate(engine, PROMPT, {**params, "sampling_seed": 6})
    assert other["text"] != alone["text"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"repetition_penalty": 0}, "repetition_penalty must be positive"),
        ({"repetition_penalty": "a"}, "repetition_penalty must be a number"),
        ({"logit_bias": {10**6: 1.0}}, "no token 1000000"),
        ({"logit_bias": {"a": 1.0}}, "maps token ids to numbers"),
        ({"logit_bias": [3]}, "maps token ids to numbers"),
        ({"min_new_tokens": 9}, "min_new_tokens"),
    ],
)
def test_bad_values(engine: Runtime, params: Any, message: str) -> None:
    with pytest.raises(GenerationError, match=message) as caught:
        generated(engine, **params)
    assert caught.value.kind == "bad_request"
