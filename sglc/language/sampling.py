"""Sampling parameters: what a program may leave open, and how the open places are filled."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter

REGEX_INT = r"[-+]?[0-9]+[ \n]*"
REGEX_FLOAT = r"[-+]?[0-9]*\.?[0-9]+[ \n]*"
REGEX_BOOL = r"(True|False)"
REGEX_STR = r"\"[\w\d\s]*\""
REGEX_STRING = REGEX_STR

Stops = str | Sequence[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenParams:
    """
    Sampling parameters of one `gen` (None: take the run's) or, without Nones, of a whole run.

    Field names and defaults follow SGLang's `SglSamplingParams`.
    """

    max_new_tokens: int | None = None
    min_new_tokens: int | None = None
    n: int | None = None
    stop: Stops = None
    stop_token_ids: Sequence[int] | None = None
    stop_regex: Stops = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    ignore_eos: bool | None = None
    return_logprob: bool | None = None
    logprob_start_len: int | None = None
    top_logprobs_num: int | None = None
    return_text_in_logprobs: bool | None = None
    json_schema: str | None = None
    dtype: type | str | None = None
    regex: str | None = None
    ebnf: str | None = None
    repetition_penalty: float | None = None
    logit_bias: Mapping[int | str, float] | None = None
    """Added to the logits of these ids; SGLang writes them as strings."""


SglSamplingParams = GenParams
SamplingDefaults = GenParams

DEFAULTS = GenParams(
    max_new_tokens=128,
    min_new_tokens=0,
    n=1,
    stop=(),
    stop_token_ids=(),
    stop_regex=(),
    temperature=1.0,
    top_p=1.0,
    top_k=-1,
    min_p=0.0,
    frequency_penalty=0.0,
    presence_penalty=0.0,
    ignore_eos=False,
)
"""What holds where neither the `gen` nor the run says anything."""

_NAMES = tuple(f.name for f in fields(GenParams))
_DEFAULTED = _NAMES.index("return_logprob")
"""Fields before this one have a default other than None."""


def overlay(base: GenParams, over: GenParams) -> GenParams:
    """`base` with every field that `over` sets."""
    changes = {name: v for name in _NAMES if (v := getattr(over, name)) is not None}
    return replace(base, **changes) if changes else base


def as_tuple(stop: Stops) -> tuple[str, ...]:
    """Stop strings as a tuple; a single string is one stop. ValueError for anything else."""
    if stop is None:
        return ()
    if isinstance(stop, str):
        return (stop,)
    if not isinstance(stop, Iterable) or not all(isinstance(s, str) for s in stop):
        raise ValueError(f"stop must be a string or a list of strings, not {stop!r}")
    return tuple(stop)


def resolve(run: GenParams, gen: GenParams, template_stop: Stops = ()) -> GenParams:
    """
    The parameters a `gen` runs with: its own, else the run's, else the defaults.

    The chat template's stop strings are appended to the program's, as SGLang does for every `gen`.
    Nothing the caller passed is changed. `gen`s with equal parameters share one result.
    """
    given, extra = _VALUES(gen), as_tuple(template_stop)
    # 1, 1.0 and True are equal, but a backend may tell them apart.
    key = (given, tuple(map(type, given)), id(run), extra)
    try:
        known = _resolved.get(key)
    except TypeError:  # a list among them
        return _resolve(run, gen, extra)
    if known is not None and known[0] is run:
        return known[1]
    resolved = _resolve(run, gen, extra)
    if len(_resolved) >= _MOST_RESOLVED:
        _resolved.clear()
    _resolved[key] = (run, resolved)
    return resolved


_VALUES = attrgetter(*_NAMES)
_MOST_RESOLVED = 512
_resolved: dict[tuple[object, ...], tuple[GenParams, GenParams]] = {}
"""What was resolved last; an entry keeps alive the run's parameters, which its key names by id."""


def _resolve(run: GenParams, gen: GenParams, template_stop: tuple[str, ...]) -> GenParams:
    values = {
        name: own if (own := getattr(gen, name)) is not None else getattr(run, name)
        for name in _NAMES
    }
    for name in _NAMES[:_DEFAULTED]:
        if values[name] is None:
            values[name] = getattr(DEFAULTS, name)
    own_stop = as_tuple(values["stop"])
    extra = tuple(s for s in template_stop if s not in own_stop)
    values["stop"] = own_stop + extra
    ids = values["stop_token_ids"]
    if not isinstance(ids, Iterable) or not all(isinstance(token, int) for token in ids):
        raise ValueError(f"stop_token_ids must be a list of integers, not {ids!r}")
    values["stop_token_ids"] = tuple(ids)
    values["stop_regex"] = as_tuple(values["stop_regex"])
    return GenParams(**values)


def check_regex(regex: str | None) -> None:
    """Raise `re.error` for a pattern that Python cannot compile."""
    if regex is not None:
        re.compile(regex)


def dtype_name(dtype: type | str) -> str:
    """Canonical name of a `dtype`; RuntimeError for one that is not supported, as SGLang."""
    names: dict[object, str] = {int: "int", float: "float", str: "str", bool: "bool"}
    name = names.get(dtype, dtype if isinstance(dtype, str) else None)
    if name not in ("int", "float", "str", "bool"):
        raise RuntimeError(f"Invalid dtype: {dtype}")
    return name


_DTYPE_REGEX = {"int": REGEX_INT, "float": REGEX_FLOAT, "str": REGEX_STR, "bool": REGEX_BOOL}


def constrain_by_dtype(params: GenParams) -> GenParams:
    """Turn `dtype` into a regex, and for numbers stop strings, as SGLang's endpoint does."""
    if params.dtype is None:
        return params
    name = dtype_name(params.dtype)
    stop = as_tuple(params.stop)
    if name in ("int", "float"):
        stop += tuple(s for s in (" ", "\n") if s not in stop)
    return replace(
        params, dtype=None, regex=_DTYPE_REGEX[name], json_schema=None, ebnf=None, stop=stop
    )


def check_json_schema(schema: str | None) -> None:
    """Raise ValueError for a schema that is not the JSON text of an object."""
    if schema is None:
        return
    if not isinstance(schema, str):
        raise ValueError(f"json_schema is JSON text, not {type(schema).__name__}")
    try:
        parsed = json.loads(schema)
    except json.JSONDecodeError as error:
        raise ValueError(f"json_schema is not JSON: {error}") from error
    if not isinstance(parsed, dict | bool):
        raise ValueError("json_schema must be an object")
