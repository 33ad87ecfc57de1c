"""What a program appends to have the model produce text. Signatures are SGLang's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sglc.language.choices import ChoicesSamplingMethod, token_length_normalized
from sglc.language.exprs import (
    SglExpr,
    SglExprList,
    SglGen,
    SglImage,
    SglSelect,
    SglSeparateReasoning,
    SglVideo,
)
from sglc.language.sampling import GenParams, Stops, check_json_schema, check_regex


def gen(
    name: str | None = None,
    max_tokens: int | None = None,
    min_tokens: int | None = None,
    n: int | None = None,
    stop: Stops = None,
    stop_token_ids: Sequence[int] | None = None,
    stop_regex: Stops = None,
    temperature: float | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    min_p: float | None = None,
    frequency_penalty: float | None = None,
    presence_penalty: float | None = None,
    ignore_eos: bool | None = None,
    return_logprob: bool | None = None,
    logprob_start_len: int | None = None,
    top_logprobs_num: int | None = None,
    return_text_in_logprobs: bool | None = None,
    dtype: type | str | None = None,
    choices: Sequence[str] | None = None,
    choices_method: ChoicesSamplingMethod | None = None,
    regex: str | None = None,
    json_schema: str | None = None,
    ebnf: str | None = None,
    repetition_penalty: float | None = None,
    logit_bias: Mapping[int | str, float] | None = None,
) -> SglExpr:
    """
    A generation, or with `choices` a selection, whose text becomes the variable `name`.

    What is None is taken from the run. `re.error` for a bad `regex`, ValueError for a
    `json_schema` that is not JSON.
    """
    if choices:
        return SglSelect(
            name,
            choices,
            0.0 if temperature is None else temperature,
            token_length_normalized if choices_method is None else choices_method,
        )
    check_regex(regex)
    check_json_schema(json_schema)
    return SglGen(
        name,
        GenParams(
            max_new_tokens=max_tokens,
            min_new_tokens=min_tokens,
            n=n,
            stop=stop,
            stop_token_ids=stop_token_ids,
            stop_regex=stop_regex,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            min_p=min_p,
            frequency_penalty=frequency_penalty,
            presence_penalty=presence_penalty,
            ignore_eos=ignore_eos,
            return_logprob=return_logprob,
            logprob_start_len=logprob_start_len,
            top_logprobs_num=top_logprobs_num,
            return_text_in_logprobs=return_text_in_logprobs,
            dtype=dtype,
            regex=regex,
            json_schema=json_schema,
            ebnf=ebnf,
            repetition_penalty=repetition_penalty,
            logit_bias=logit_bias,
        ),
    )


def gen_int(
    name: str | None = None,
    max_tokens: int | None = None,
    n: int | None = None,
    stop: Stops = None,
    stop_token_ids: Sequence[int] | None = None,
    stop_regex: Stops = None,
    temperature: float | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    min_p: float | None = None,
    frequency_penalty: float | None = None,
    presence_penalty: float | None = None,
    ignore_eos: bool | None = None,
    return_logprob: bool | None = None,
    logprob_start_len: int | None = None,
    top_logprobs_num: int | None = None,
    return_text_in_logprobs: bool | None = None,
) -> SglGen:
    """A generation constrained to an integer; the variable is its text."""
    return _typed(int, **locals())


def gen_string(
    name: str | None = None,
    max_tokens: int | None = None,
    n: int | None = None,
    stop: Stops = None,
    stop_token_ids: Sequence[int] | None = None,
    stop_regex: Stops = None,
    temperature: float | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    min_p: float | None = None,
    frequency_penalty: float | None = None,
    presence_penalty: float | None = None,
    ignore_eos: bool | None = None,
    return_logprob: bool | None = None,
    logprob_start_len: int | None = None,
    top_logprobs_num: int | None = None,
    return_text_in_logprobs: bool | None = None,
) -> SglGen:
    """A generation constrained to a string in double quotes; the quotes are part of it."""
    return _typed(str, **locals())


def _typed(kind: type, name: str | None, max_tokens: int | None, **params: Any) -> SglGen:
    return SglGen(name, GenParams(max_new_tokens=max_tokens, dtype=kind, **params))


def select(
    name: str | None = None,
    choices: Sequence[str] | None = None,
    temperature: float = 0.0,
    choices_method: ChoicesSamplingMethod = token_length_normalized,
) -> SglSelect:
    """The most likely of `choices`; it becomes the variable `name`."""
    assert choices is not None, "select needs choices"
    return SglSelect(name, choices, temperature, choices_method)


def image(expr: Any) -> SglImage:
    """An image: a local path, bytes of an image file, or a PIL image."""
    return SglImage(expr)


def video(path: str, num_frames: int) -> SglVideo:
    """`num_frames` frames of a local video file."""
    return SglVideo(path, num_frames)


def separate_reasoning(expr: SglExpr | None = None, model_type: str | None = None) -> SglExprList:
    """Split the reasoning of the last `gen` in `expr` off its variable."""
    if expr is None:
        raise ValueError("separate_reasoning needs an expression")
    return SglExprList([SglSeparateReasoning(model_type, expr)])
