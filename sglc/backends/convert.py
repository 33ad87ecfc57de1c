"""Between the driver's requests and the engine's messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sglc.execution.errors import GenerationError
from sglc.execution.requests import (
    AppendStep,
    GenResult,
    GenStep,
    Media,
    Piece,
    Produced,
    SelectResult,
    SelectStep,
    Step,
)
from sglc.language.choices import TokenLogprobs, method_name
from sglc.language.sampling import GenParams, as_tuple, constrain_by_dtype

if TYPE_CHECKING:
    from sglc_runtime import protocol

GREEDY = 1e-5
"""Temperatures up to this select the most likely choice."""


def to_segments(pieces: Sequence[Piece]) -> tuple[protocol.Segment, ...]:
    """A prompt as path segments; GenerationError for an image."""
    from sglc_runtime.protocol import Ids, Segment, Text

    segments: list[Segment] = []
    for piece in pieces:
        if isinstance(piece, Media):
            raise GenerationError("this backend takes no images or videos", kind="bad_request")
        if isinstance(piece, Produced):
            segments.append(Text(piece.text) if piece.ids is None else Ids(piece.ids))
        elif piece:
            segments.append(Text(piece))
    return tuple(segments)


def to_step(step: Step) -> protocol.Step:
    """A step as the engine takes it; GenerationError for what it cannot do."""
    from sglc_runtime.protocol import Append, Generate, Score

    if isinstance(step, AppendStep):
        _check_text(step.text)
        return Append(step.text)
    if isinstance(step, SelectStep):
        if step.temperature > GREEDY:
            raise GenerationError(
                f"select needs temperature 0, not {step.temperature}", kind="bad_request"
            )
        for choice in step.choices:
            _check_text(choice)
        name: Any = method_name(step.method)
        if name is None and step.method.requires_unconditional_logprobs:
            name = "unconditional_likelihood_normalized"
        return Score(step.choices, name or "token_length_normalized")
    return Generate(to_sampling(step.params), step.key)


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise GenerationError(f"text is not Unicode: {error}", kind="bad_request") from None


def to_sampling(params: GenParams) -> protocol.Sampling:
    """Resolved parameters as the engine takes them; GenerationError for values out of range."""
    from sglc_runtime.protocol import Sampling

    params = constrain_by_dtype(params)
    start = params.logprob_start_len
    values: dict[str, Any] = {
        name: getattr(params, name)
        for name in (
            "max_new_tokens",
            "min_new_tokens",
            "n",
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "frequency_penalty",
            "presence_penalty",
            "ignore_eos",
            "regex",
            "json_schema",
            "ebnf",
        )
    }
    penalty = params.repetition_penalty
    values["repetition_penalty"] = 1.0 if penalty is None else penalty
    for name in ("max_new_tokens", "min_new_tokens", "n", "top_k"):
        if isinstance(values[name], bool) or not isinstance(values[name], int):
            raise GenerationError(
                f"{name} must be an integer, not {values[name]!r}", kind="bad_request"
            )
    for name in (
        *("temperature", "top_p", "min_p"),
        *("frequency_penalty", "presence_penalty", "repetition_penalty"),
    ):
        if not isinstance(values[name], int | float):
            raise GenerationError(
                f"{name} must be a number, not {values[name]!r}", kind="bad_request"
            )
    return Sampling(
        **values,
        logit_bias=_logit_bias(params.logit_bias),
        stop=as_tuple(params.stop),
        stop_token_ids=tuple(params.stop_token_ids or ()),
        stop_regex=as_tuple(params.stop_regex),
        logprobs=bool(params.return_logprob),
        top_logprobs=(params.top_logprobs_num or 0) if params.return_logprob else 0,
        prompt_logprobs_from=(
            start if params.return_logprob and start is not None and start >= 0 else None
        ),
    )


def _logit_bias(bias: object) -> tuple[tuple[int, float], ...]:
    """(id, bias) pairs; ids may be written as strings, as in JSON."""
    if bias is None:
        return ()
    try:
        if not isinstance(bias, Mapping):
            raise TypeError("not a mapping")
        return tuple((int(token), float(value)) for token, value in bias.items())
    except (TypeError, ValueError):
        raise GenerationError(
            f"logit_bias maps token ids to numbers, not {bias!r}", kind="bad_request"
        ) from None


def _finish(sample: protocol.Sample, params: GenParams) -> dict[str, Any]:
    if sample.finish == "length":
        return {"type": "length", "length": params.max_new_tokens}
    return {"type": "stop", "matched": sample.matched}


def _logprobs(
    tokens: Sequence[protocol.TokenLogprob], with_text: bool | None
) -> list[tuple[float | None, int, str | None]]:
    return [(t.logprob, t.id, t.text if with_text else None) for t in tokens]


def _tops(tokens: Sequence[protocol.TokenLogprob], with_text: bool | None) -> list[Any]:
    return [
        [(logprob, token, text if with_text else None) for token, text, logprob in t.top] or None
        for t in tokens
    ]


def generated_result(step: GenStep, event: protocol.Generated) -> GenResult:
    """An engine's `Generated` with the meta information that SGLang's server gives."""
    params = step.params
    metas = []
    for number, sample in enumerate(event.samples):
        meta: dict[str, Any] = {
            "id": f"{event.id}-{event.step}-{number}",
            "finish_reason": _finish(sample, params),
            "prompt_tokens": event.prompt_tokens,
            "completion_tokens": sample.completion_tokens,
            "cached_tokens": event.cached_tokens,
        }
        if params.return_logprob:
            text = params.return_text_in_logprobs
            meta["output_token_logprobs"] = _logprobs(sample.logprobs, text)
            meta["input_token_logprobs"] = _logprobs(event.prompt_logprobs, text)
            if params.top_logprobs_num:
                meta["output_top_logprobs"] = _tops(sample.logprobs, text)
                meta["input_top_logprobs"] = _tops(event.prompt_logprobs, text)
        metas.append(meta)
    first = event.samples[0]
    many = (params.n or 1) > 1
    return GenResult(
        tuple(sample.text for sample in event.samples),
        metas if many else metas[0],
        many=many,
        ids=first.ids,
        tail=first.tail,
    )


def choice_result(step: SelectStep, event: protocol.Scored) -> SelectResult:
    """
    An engine's `Scored` as SGLang's decision.

    The engine chose for its own methods; a user's method chooses here, from the same scores.
    """
    inputs: list[TokenLogprobs] = []
    alone: list[TokenLogprobs] = []
    for score in event.scores:
        pairs = zip(score.logprobs, score.ids, strict=True)
        inputs.append([[logprob, token, None] for logprob, token in pairs])
        free = zip(score.unconditional, score.ids, strict=False)
        alone.append([[logprob, token, None] for logprob, token in free])
    decision = step.method(
        choices=list(step.choices),
        normalized_prompt_logprobs=[score.normalized for score in event.scores],
        input_token_logprobs=inputs,
        output_token_logprobs=[[] for _ in event.scores],
        unconditional_token_logprobs=alone if any(alone) else None,
    )
    chosen = decision.decision if method_name(step.method) is None else step.choices[event.winner]
    ids = None
    if chosen in step.choices:
        ids = event.scores[step.choices.index(chosen)].ids
    meta = {
        **decision.meta_info,
        "prompt_tokens": event.prompt_tokens,
        "cached_tokens": event.cached_tokens,
    }
    return SelectResult(chosen, meta, ids)
