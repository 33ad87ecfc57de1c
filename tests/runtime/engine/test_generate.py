"""Generation parameters: stops, lengths, penalties, noise, log probabilities, samples."""

from __future__ import annotations

import math
import re

import pytest
import torch

from sglc_runtime.engine import EngineLoop
from sglc_runtime.protocol import (
    Append,
    Delta,
    Generate,
    Generated,
    Ids,
    Sample,
    Sampling,
    Submit,
    Text,
)
from tests.runtime.engine.driving import (
    GREEDY,
    LogitsLog,
    failure,
    generate,
    make_engine,
    only,
    run,
)

PROMPT = "What is the capital of France? "


@pytest.fixture(scope="module")
def engine() -> EngineLoop:
    return make_engine()


def changed(sampling: Sampling = GREEDY, **changes: object) -> Sampling:
    """`sampling` with other values."""
    fields = {name: getattr(sampling, name) for name in sampling.__struct_fields__}
    return Sampling(**(fields | changes))


def whole(engine: EngineLoop) -> Sample:
    """A greedy sample without any stop."""
    return generate(engine, PROMPT, changed(max_new_tokens=30))[0]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_stop_string_cuts_the_text_and_keeps_whole_tokens(engine: EngineLoop, length: int) -> None:
    full = whole(engine)
    at = next(i for i in range(8, 40) if full.text.find(full.text[i : i + length]) == i)
    stop = full.text[at : at + length]
    sample = generate(engine, PROMPT, changed(max_new_tokens=30, stop=("never", stop)))[0]
    assert sample.text == full.text[:at]
    assert (sample.finish, sample.matched) == ("stop", stop)
    assert sample.ids == full.ids[: len(sample.ids)]
    decode = engine.context.tokenizer.decode
    assert decode(sample.ids) + sample.tail == sample.text
    assert sample.completion_tokens > len(sample.ids) or not sample.tail


def test_a_tail_opens_the_next_text_run(engine: EngineLoop) -> None:
    full = whole(engine)
    decode = engine.context.tokenizer.decode
    # A stop in the middle of a token leaves a tail.
    for size in range(2, len(full.ids)):
        piece = decode(full.ids[size - 1 : size])
        start = len(decode(full.ids[: size - 1]))
        if (
            len(piece) >= 3
            and piece.isascii()
            and full.text[start - 1].isascii()
            and full.text.find(piece[1:]) == start + 1
        ):
            break
    sampling = changed(max_new_tokens=30, stop=(piece[1:],))
    steps = (Generate(sampling), Append(" more"), Generate(GREEDY))
    first, second = only(run(engine, [Submit(0, (Text(PROMPT),), steps)]), Generated)
    (cut,) = first.samples
    assert cut.tail == piece[0]
    prefix = (Text(PROMPT), Ids(cut.ids), Text(cut.tail + " more"))
    (again,) = only(run(engine, [Submit(0, prefix, (Generate(GREEDY),))]), Generated)
    assert again.samples == second.samples
    assert again.prompt_tokens == second.prompt_tokens


def test_stop_token_ids_and_eos(engine: EngineLoop) -> None:
    full = whole(engine)
    token = full.ids[5]
    first = full.ids.index(token)
    (sample,) = generate(
        engine, PROMPT, changed(max_new_tokens=30, ignore_eos=False, stop_token_ids=(token,))
    )
    assert sample.ids == full.ids[:first]
    assert (sample.finish, sample.matched) == ("stop", token)
    assert sample.completion_tokens == first + 1
    # ignore_eos disables stop token ids too, as in SGLang.
    (kept,) = generate(engine, PROMPT, changed(max_new_tokens=30, stop_token_ids=(token,)))
    assert kept.ids == full.ids
    # min_new_tokens bans them before that many tokens, and nothing else.
    (late,) = generate(
        engine,
        PROMPT,
        changed(
            max_new_tokens=30, ignore_eos=False, stop_token_ids=(token,), min_new_tokens=first + 2
        ),
    )
    assert late.ids[:first] == full.ids[:first]
    assert token not in late.ids[: first + 2]
    assert late.completion_tokens >= first + 2


def test_stop_regex(engine: EngineLoop) -> None:
    full = whole(engine)
    (sample,) = generate(engine, PROMPT, changed(max_new_tokens=30, stop_regex=("[a-z]{2}",)))
    assert sample.matched == "[a-z]{2}"
    assert full.text.startswith(sample.text)
    assert sample.text[-2:].isalpha()


def test_streamed_text_is_the_text(engine: EngineLoop) -> None:
    full = whole(engine)
    stop = full.text[20:22]
    sampling = changed(max_new_tokens=30, stop=(stop, full.text[10] + "\0"))
    steps = (Generate(sampling), Append("!"), Generate(changed(n=2)))
    events = run(engine, [Submit(3, (Text(PROMPT),), steps, stream=True)])
    for step, result in zip((0, 2), only(events, Generated), strict=True):
        before = events[: events.index(result)]
        pieces = [d.text for d in only(before, Delta) if d.step == step]
        assert all(pieces)
        assert "".join(pieces) == result.samples[0].text
    assert len([d for d in only(events, Delta) if d.step == 0]) > 3


def test_length_is_limited_by_the_context(engine: EngineLoop) -> None:
    (sample,) = generate(engine, PROMPT * 16, changed(max_new_tokens=4000))
    prompt = len(engine.context.encode(PROMPT * 16, True))
    assert sample.finish == "length"
    assert prompt + len(sample.ids) == engine.context.context_length


def test_samples_differ_and_do_not_depend_on_n(engine: EngineLoop) -> None:
    sampling = changed(temperature=1.0, n=4)
    four = generate(engine, PROMPT, sampling, key=7)
    assert len({sample.ids for sample in four}) == 4
    assert generate(engine, PROMPT, changed(sampling, n=2), key=7) == four[:2]
    assert generate(engine, PROMPT, sampling, key=8) != four
    narrow = make_engine(max_running=1)
    assert generate(narrow, PROMPT, sampling, key=7) == four


def test_sampled_tokens_follow_the_models_distribution(engine: EngineLoop) -> None:
    log = LogitsLog(engine)
    draws = 600
    sampling = changed(temperature=2.0, max_new_tokens=1, n=draws)
    samples = generate(engine, PROMPT, sampling, key=1)
    engine.on_logits = None
    expected = (next(iter(log.rows.values())) / 2.0).softmax(-1)
    counts = torch.bincount(
        torch.tensor([sample.ids[0] for sample in samples]), minlength=len(expected)
    )
    common = expected > 0.01
    deviation = (counts[common] / draws - expected[common]).abs()
    bound = 4.5 * (expected[common] * (1 - expected[common]) / draws).sqrt()
    assert (deviation < bound).all()


def test_tiny_temperature_is_greedy(engine: EngineLoop) -> None:
    assert generate(engine, PROMPT, changed(temperature=1e-7)) == generate(engine, PROMPT)
    assert generate(engine, PROMPT, changed(temperature=3.0, top_k=1)) == generate(engine, PROMPT)


def test_logit_bias_decides(engine: EngineLoop) -> None:
    free = whole(engine)
    wanted = next(token for token in range(5, 400) if token not in free.ids)
    sampling = changed(max_new_tokens=3, logit_bias=((wanted, 1e4),))
    assert generate(engine, PROMPT, sampling)[0].ids == (wanted,) * 3
    place = max(i for i in range(len(free.ids)) if free.ids[i] not in free.ids[:i])
    sampling = changed(max_new_tokens=30, logit_bias=((free.ids[place], -1e4),))
    without = generate(engine, PROMPT, sampling)[0].ids
    assert without[:place] == free.ids[:place]
    assert free.ids[place] not in without


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"logit_bias": ((10**6, 1.0),)}, "no token 1000000"),
        ({"logit_bias": ((-1, 1.0),)}, "no token -1"),
        ({"logit_bias": ((5, math.inf),)}, "finite"),
        ({"repetition_penalty": 0.0}, "must be positive"),
        ({"repetition_penalty": math.nan}, "finite"),
    ],
)
def test_wrong_penalties_fail_their_request(
    engine: EngineLoop, wrong: dict[str, object], message: str
) -> None:
    events = run(engine, [Submit(0, (Text(PROMPT),), (Generate(changed(**wrong)),))])
    assert message in failure(events).message
    assert failure(events).kind == "bad_request"


def test_penalties_lower_what_was_generated(engine: EngineLoop) -> None:
    log = LogitsLog(engine)
    sampling = changed(max_new_tokens=20, frequency_penalty=1.5, presence_penalty=0.5)
    (sample,) = generate(engine, PROMPT, sampling)
    engine.on_logits = None
    start = min(position for *_, position in log.rows)
    for place, token in enumerate(sample.ids):
        row = log.rows[0, 0, 0, start + place].clone()
        for seen in set(sample.ids[:place]):
            row[seen] -= 0.5 + 1.5 * sample.ids[:place].count(seen)
        assert int(row.argmax()) == token
    assert sample.ids != whole(engine).ids[:20]


def test_logprobs_are_the_models_own(engine: EngineLoop) -> None:
    log = LogitsLog(engine)
    sampling = changed(temperature=0.7, top_p=0.5, logprobs=True, top_logprobs=3)
    (sample,) = generate(engine, PROMPT, sampling, key=5)
    engine.on_logits = None
    start = min(position for *_, position in log.rows)
    assert tuple(entry.id for entry in sample.logprobs) == sample.ids
    for place, entry in enumerate(sample.logprobs):
        row = log.rows[0, 0, 0, start + place].log_softmax(-1)
        assert entry.logprob == pytest.approx(float(row[entry.id]), abs=1e-6)
        values, ids = row.topk(3)
        assert [i for i, _, _ in entry.top] == ids.tolist()
        assert [v for _, _, v in entry.top] == pytest.approx(values.tolist(), abs=1e-6)


def test_prompt_logprobs_agree_with_generation_and_cache() -> None:
    engine = make_engine(chunk_tokens=7)
    (sample,) = generate(engine, PROMPT, changed(logprobs=True))
    prefix = (Text(PROMPT), Ids(sample.ids))
    ids = [*engine.context.encode(PROMPT, True), *sample.ids]
    start = len(ids) - len(sample.ids)

    def ask(first: int) -> Generated:
        sampling = changed(max_new_tokens=0, prompt_logprobs_from=first)
        (result,) = only(run(engine, [Submit(1, prefix, (Generate(sampling),))]), Generated)
        return result

    tail = ask(start).prompt_logprobs
    assert [entry.id for entry in tail] == list(sample.ids)
    generated = [entry.logprob for entry in sample.logprobs]
    assert [entry.logprob for entry in tail] == generated
    everything = ask(0)
    assert [entry.id for entry in everything.prompt_logprobs] == ids
    assert everything.prompt_logprobs[0].logprob is None
    assert everything.prompt_logprobs[start:] == tail
    assert all(
        entry.logprob is not None and entry.logprob < 0 and math.isfinite(entry.logprob)
        for entry in everything.prompt_logprobs[1:]
    )
    assert everything.samples[0].text == ""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperature": -1.0}, "temperature must not be negative"),
        ({"temperature": math.nan}, "finite"),
        ({"top_p": 0.0}, "top_p must be in"),
        ({"top_k": 0}, "top_k must be -1"),
        ({"min_p": 1.5}, "min_p"),
        ({"prompt_logprobs_from": -1}, "prompt_logprobs_from"),
        ({"n": 0}, "n must be at least 1"),
        ({"max_new_tokens": -1}, "max_new_tokens"),
        ({"min_new_tokens": 99}, "must not exceed max_new_tokens"),
        ({"stop": ("",)}, "must not be empty"),
        ({"stop_regex": ("(",)}, "invalid stop_regex: missing \\)"),
    ],
)
def test_bad_parameters_fail_only_their_request(
    engine: EngineLoop, changes: dict[str, object], message: str
) -> None:
    bad = Submit(1, (Text(PROMPT),), (Append("x"), Generate(changed(**changes))))
    good = Submit(2, (Text(PROMPT),), (Generate(GREEDY),))
    events = run(engine, [bad, good])
    failed = failure(events)
    assert (failed.id, failed.step, failed.kind) == (1, 1, "bad_request")
    assert re.search(message, failed.message)
    assert [event.id for event in only(events, Generated)] == [2]
