"""Parameters of `gen` and `select`, as attributes of their ops."""

from __future__ import annotations

from sglc.ir.attrs import (
    BOOL,
    DICT,
    INT,
    NULL,
    NUMBER,
    STR,
    STRS,
    SYMBOL,
    AttrType,
    list_of,
    one_of,
)
from sglc.ir.spec import AttrSpec

_SAMPLING: tuple[tuple[str, AttrType], ...] = (
    ("max_tokens", INT | NULL),
    ("min_tokens", INT | NULL),
    ("n", INT | NULL),
    ("stop", STR | STRS | NULL),
    ("stop_token_ids", list_of(INT) | NULL),
    ("stop_regex", STR | STRS | NULL),
    ("temperature", NUMBER | NULL),
    ("top_p", NUMBER | NULL),
    ("top_k", INT | NULL),
    ("min_p", NUMBER | NULL),
    ("frequency_penalty", NUMBER | NULL),
    ("presence_penalty", NUMBER | NULL),
    ("ignore_eos", BOOL | NULL),
    ("return_logprob", BOOL | NULL),
    ("logprob_start_len", INT | NULL),
    ("top_logprobs_num", INT | NULL),
    ("return_text_in_logprobs", BOOL | NULL),
)
SAMPLING_PARAMS = frozenset(name for name, _ in _SAMPLING)
"""Parameters that a `gen` shares with a run's defaults."""

METHODS = one_of(
    "token_length_normalized",
    "greedy_token_selection",
    "unconditional_likelihood_normalized",
    "upstream",
)
GEN_ATTRS: tuple[AttrSpec, ...] = (
    AttrSpec("name", STR | NULL, doc="variable that holds the result"),
    AttrSpec("args", STRS, doc="parameter names of the operands after the prompt, in order"),
    *(AttrSpec(name, type) for name, type in _SAMPLING),
    AttrSpec("regex", STR | NULL),
    AttrSpec("json_schema", STR | DICT | SYMBOL | NULL, doc="text, a schema, or one by name"),
    AttrSpec("ebnf", STR | NULL, doc="a grammar in EBNF or Lark"),
    AttrSpec("repetition_penalty", NUMBER | NULL),
    AttrSpec("logit_bias", DICT | NULL, doc="what is added to the logits of ids"),
    AttrSpec("dtype", one_of("int", "float", "str", "bool") | NULL),
)
SELECT_ATTRS: tuple[AttrSpec, ...] = (
    AttrSpec("name", STR | NULL, doc="variable that holds the result"),
    AttrSpec("args", STRS, doc="parameter names of the operands after the prompt, in order"),
    AttrSpec("choices", STRS),
    AttrSpec("choices_method", METHODS),
    AttrSpec("temperature", NUMBER | NULL),
)
