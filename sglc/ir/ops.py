"""
Every op of the IR, declared once. Read top to bottom: this is the language's reference.

The first operand of most `lm` ops is the prompt. In handle form it is a `handle` and the results
are as declared. After `promote` it is a `state`, and an op that moves the prompt has the next state
as an extra *first* result. Borrows (`lm.read`, `lm.observe`) leave it in place in both forms.

Values are visible in nested regions, except states, which enter a region as its arguments:
`cf.if(%c, %s) ^then(%t: state) {... cf.yield(%t2)} ^else(%u: state) {... cf.yield(%u)} -> %s2`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sglc.ir.attrs import (
    BOOL,
    DATA,
    DICT,
    INT,
    NAMES,
    NULL,
    NUMBER,
    STR,
    STRS,
    SYMBOL,
    AttrType,
    list_of,
    one_of,
)
from sglc.ir.spec import AttrSpec, Effect, Operand, OpSpec, RegionSpec, Result

_LEAVE = frozenset({"cf.return", "cf.raise", "cf.break", "cf.continue"})
_YIELD = _LEAVE | {"cf.yield"}
FUNC_ENDS = frozenset({"cf.return", "cf.raise"})
"""Ops that may end a function's body."""

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
_GEN_ATTRS: tuple[AttrSpec, ...] = (
    AttrSpec("name", STR | NULL, doc="variable that holds the result"),
    AttrSpec("args", STRS, doc="parameter names of the operands after the prompt, in order"),
    *(AttrSpec(name, type) for name, type in _SAMPLING),
    AttrSpec("regex", STR | NULL),
    AttrSpec("json_schema", STR | DICT | SYMBOL | NULL, doc="text, a schema, or one by name"),
    AttrSpec("dtype", one_of("int", "float", "str", "bool") | NULL),
)
_SELECT_ATTRS: tuple[AttrSpec, ...] = (
    AttrSpec("name", STR | NULL, doc="variable that holds the result"),
    AttrSpec("args", STRS, doc="parameter names of the operands after the prompt, in order"),
    AttrSpec("choices", STRS),
    AttrSpec("choices_method", METHODS),
    AttrSpec("temperature", NUMBER | NULL),
)
_PROMPT = Operand("prompt", "prompt")
_PARAMS = Operand("params", "val", variadic=True)
_CARRIED = Operand("carried", "any", variadic=True)
_OUT = Result("results", "any", variadic=True)
_PARALLEL = AttrSpec("parallel", BOOL, doc="bodies are independent; set by fork-parallel")


def _effects(*names: Effect) -> frozenset[Effect]:
    return frozenset(names)


_LM: tuple[OpSpec, ...] = (
    OpSpec(
        "lm.new",
        "a new, empty prompt",
        results=(Result("prompt", "prompt"),),
        effects=_effects("state"),
    ),
    OpSpec(
        "lm.text",
        "append constants interleaved with operands; one constant more than operands",
        operands=(_PROMPT, Operand("values", "val", variadic=True)),
        attrs=(
            AttrSpec("text", STRS, required=True, doc="the constants"),
            AttrSpec(
                "format", one_of("sgl", "str"), doc="how operands become text; `str` must be one"
            ),
        ),
        effects=_effects("state"),
        moves=True,
    ),
    OpSpec(
        "lm.append",
        "append whatever the value is at run time, as `s += value` does",
        operands=(_PROMPT, Operand("value", "any")),
        effects=_effects("state", "sample", "host"),
        moves=True,
    ),
    OpSpec(
        "lm.role_begin",
        "open a role",
        operands=(_PROMPT, Operand("name", "val", optional=True)),
        attrs=(AttrSpec("role", STR),),
        effects=_effects("state"),
        moves=True,
    ),
    OpSpec(
        "lm.role_end",
        "close the open role",
        operands=(_PROMPT, Operand("name", "val", optional=True)),
        attrs=(AttrSpec("role", STR | NULL),),
        effects=_effects("state"),
        moves=True,
    ),
    OpSpec(
        "lm.gen",
        "generate text; constant parameters are attributes, the others operands",
        operands=(_PROMPT, _PARAMS),
        results=(Result("value"),),
        attrs=_GEN_ATTRS,
        effects=_effects("state", "sample"),
        moves=True,
    ),
    OpSpec(
        "lm.select",
        "choose one of the choices by the model's score",
        operands=(_PROMPT, _PARAMS),
        results=(Result("value"),),
        attrs=_SELECT_ATTRS,
        effects=_effects("state", "sample"),
        moves=True,
    ),
    OpSpec(
        "lm.fork",
        "branch a prompt: a list of handles, or, with a branch region, a list of records",
        operands=(_PROMPT, Operand("items", "iterable", optional=True)),
        results=(Result("forks", "any"),),
        attrs=(
            AttrSpec("size", INT, doc="number of branches when constant; no branch region"),
            AttrSpec("fields", STRS, doc="names of what a branch yields"),
            _PARALLEL,
            AttrSpec("hoist", BOOL, doc="compute the branches' common ids once; by prefix-hoist"),
            AttrSpec("common", STR, doc="constant text every branch starts with; by prefix-hoist"),
        ),
        regions=(
            RegionSpec(
                "branch",
                frozenset({"cf.yield", "cf.raise"}),
                optional=True,
                args="branch: prompt, item: val",
            ),
        ),
        effects=_effects("state", "control"),
        moves=True,
    ),
    OpSpec(
        "lm.item",
        "one branch of a fork",
        operands=(Operand("forks", "list"), Operand("index", "val")),
        results=(Result("branch", "handle"),),
        effects=_effects("pure"),
    ),
    OpSpec(
        "lm.join",
        "bring branches' variables, or their prompts, back into the prompt",
        operands=(_PROMPT, Operand("forks", "list")),
        attrs=(AttrSpec("mode", one_of("gather_variable", "concate_and_append"), required=True),),
        effects=_effects("state"),
        moves=True,
    ),
    OpSpec(
        "lm.var_scope",
        "name the text that the body appends",
        operands=(_PROMPT, _CARRIED),
        results=(_OUT,),
        attrs=(AttrSpec("name", STR, required=True),),
        regions=(RegionSpec("body", _YIELD, args="the operands that are carried"),),
        effects=_effects("state", "control"),
    ),
    OpSpec(
        "lm.image",
        "append an image",
        operands=(_PROMPT, Operand("image", "val", optional=True)),
        attrs=(AttrSpec("path", STR),),
        effects=_effects("state"),
        moves=True,
    ),
    OpSpec(
        "lm.video",
        "append frames of a video",
        operands=(_PROMPT, Operand("video", "val", optional=True)),
        attrs=(AttrSpec("path", STR), AttrSpec("num_frames", INT)),
        effects=_effects("state"),
        moves=True,
    ),
    OpSpec(
        "lm.reasoning",
        "split what a model wrote into its answer and its reasoning",
        operands=(_PROMPT,),
        attrs=(AttrSpec("name", STR | NULL), AttrSpec("model_type", STR | NULL)),
        effects=_effects("state"),
        moves=True,
    ),
    OpSpec(
        "lm.read",
        "a variable of the prompt; pending until someone waits for it",
        operands=(_PROMPT, Operand("name", "val", optional=True)),
        results=(Result("value"),),
        attrs=(AttrSpec("name", STR),),
        effects=_effects("observe"),
    ),
    OpSpec(
        "lm.observe",
        "text, messages, errors or meta data of the prompt, or that it settled",
        operands=(_PROMPT, Operand("name", "val", optional=True)),
        results=(Result("value"),),
        attrs=(
            AttrSpec("what", one_of("text", "messages", "sync", "error", "meta"), required=True),
            AttrSpec("name", STR),
        ),
        effects=_effects("observe"),
    ),
    OpSpec(
        "lm.run",
        "call a function on a new prompt",
        operands=(Operand("arguments", "any", variadic=True),),
        results=(Result("value"),),
        attrs=(
            AttrSpec("callee", SYMBOL, required=True),
            AttrSpec("args", NAMES, doc="parameter names of the operands, null when positional"),
            _PARALLEL,
        ),
        effects=_effects("state", "sample", "control"),
    ),
)

_IF_ARGS = "the operands after the condition"
_CF: tuple[OpSpec, ...] = (
    OpSpec(
        "cf.call",
        "call a function that works on the caller's prompt",
        operands=(_PROMPT, Operand("arguments", "any", variadic=True)),
        results=(Result("value"),),
        attrs=(
            AttrSpec("callee", SYMBOL, required=True),
            AttrSpec("args", NAMES, doc="parameter names of the operands after the prompt"),
        ),
        effects=_effects("state", "sample", "control"),
        moves=True,
    ),
    OpSpec(
        "cf.if",
        "run one of two regions; waits for the condition",
        operands=(Operand("condition", "val"), _CARRIED),
        results=(_OUT,),
        regions=(
            RegionSpec("then", _YIELD, args=_IF_ARGS),
            RegionSpec("else", _YIELD, optional=True, args=_IF_ARGS),
        ),
        effects=_effects("control"),
    ),
    OpSpec(
        "cf.while",
        "run the body while the condition region says so",
        operands=(_CARRIED,),
        results=(_OUT,),
        regions=(
            RegionSpec("cond", _LEAVE | {"cf.condition"}, args="carried"),
            RegionSpec("body", _YIELD, args="carried"),
            RegionSpec("else", _YIELD, optional=True, args="carried"),
        ),
        effects=_effects("control"),
    ),
    OpSpec(
        "cf.for",
        "run the body once for each item",
        operands=(Operand("iterable", "iterable"), _CARRIED),
        results=(_OUT,),
        attrs=(_PARALLEL,),
        regions=(
            RegionSpec("body", _YIELD, args="item, carried"),
            RegionSpec("else", _YIELD, optional=True, args="carried"),
        ),
        effects=_effects("control"),
    ),
    OpSpec(
        "cf.try",
        "run the body; a handler region takes over when it raises",
        operands=(_CARRIED,),
        results=(_OUT,),
        attrs=(
            AttrSpec(
                "kinds",
                list_of(STRS),
                doc="for each `except` region the kinds it handles; empty means all",
            ),
        ),
        regions=(
            RegionSpec("body", _YIELD, args="carried"),
            RegionSpec("except", _YIELD, optional=True, repeated=True, args="exception, carried"),
            RegionSpec("else", _YIELD, optional=True, args="carried, after the body"),
            RegionSpec("finally", _YIELD, optional=True, args="carried"),
        ),
        effects=_effects("control"),
    ),
    OpSpec(
        "cf.checkpoint",
        "remember a try's carried values, for its handlers; borrows states",
        operands=(_CARRIED,),
        attrs=(AttrSpec("level", INT, doc="which try around: 0 is the innermost"),),
        effects=_effects("control"),
    ),
    OpSpec(
        "cf.with",
        "run the body inside a context manager",
        operands=(Operand("context", "val"), _CARRIED),
        results=(_OUT,),
        regions=(RegionSpec("body", _YIELD, args="target, carried"),),
        effects=_effects("control", "host"),
    ),
    OpSpec(
        "cf.yield",
        "end a region and hand over its results",
        operands=(_CARRIED,),
        effects=_effects("control"),
        terminator=True,
    ),
    OpSpec(
        "cf.condition",
        "end a condition region: go on or not",
        operands=(Operand("condition", "val"), _CARRIED),
        effects=_effects("control"),
        terminator=True,
    ),
    OpSpec(
        "cf.break",
        "leave the innermost loop with these carried values",
        operands=(_CARRIED,),
        effects=_effects("control"),
        terminator=True,
    ),
    OpSpec(
        "cf.continue",
        "next turn of the innermost loop with these carried values",
        operands=(_CARRIED,),
        effects=_effects("control"),
        terminator=True,
    ),
    OpSpec(
        "cf.return",
        "leave the function; a promoted prompt keeps its last state",
        operands=(Operand("value", "any", optional=True),),
        effects=_effects("control"),
        terminator=True,
    ),
    OpSpec(
        "cf.raise",
        "raise the value, or the exception being handled",
        operands=(Operand("exception", "val", optional=True),),
        effects=_effects("control"),
        terminator=True,
    ),
)

_HOST_OPERANDS = (Operand("values", "any", variadic=True),)
_PIECE = (
    AttrSpec("src", STR, required=True, doc="source text, for readers; never executed from here"),
    AttrSpec("piece", INT, doc="number of the host piece in the function"),
    AttrSpec("reads", STRS, doc="local names it reads"),
)
_EX: tuple[OpSpec, ...] = (
    OpSpec(
        "ex.const",
        "a constant",
        results=(Result("value"),),
        attrs=(AttrSpec("value", DATA, required=True),),
        effects=_effects("pure"),
    ),
    OpSpec(
        "ex.unset",
        "the value of a variable that was never assigned; using it is an error",
        results=(Result("value"),),
        attrs=(AttrSpec("name", STR, required=True),),
        effects=_effects("pure"),
    ),
    OpSpec(
        "ex.eval",
        "evaluate a script expression over named operands; waits for those it needs",
        operands=(Operand("values", "val", variadic=True),),
        results=(Result("value"),),
        attrs=(
            AttrSpec("src", STR, required=True),
            AttrSpec("names", STRS, required=True, doc="names of the operands, in order"),
        ),
        effects=_effects("pure"),
    ),
)
_PY: tuple[OpSpec, ...] = (
    OpSpec(
        "py.eval",
        "evaluate a host expression; a handle it can reach is an operand",
        operands=_HOST_OPERANDS,
        results=(Result("value", "any"),),
        attrs=_PIECE,
        effects=_effects("host"),
    ),
    OpSpec(
        "py.exec",
        "run host statements; a handle they can reach is an operand",
        operands=_HOST_OPERANDS,
        results=(Result("values", "any", variadic=True),),
        attrs=(*_PIECE, AttrSpec("writes", STRS, doc="local names it assigns")),
        effects=_effects("host"),
    ),
    OpSpec(
        "py.call",
        "call a host function that a script declared with `extern`",
        operands=_HOST_OPERANDS,
        results=(Result("value"),),
        attrs=(
            AttrSpec("target", STR, required=True, doc="`module:function`"),
            AttrSpec("args", NAMES, doc="parameter names of the operands, null when positional"),
            AttrSpec("returns", STR | NULL, doc="declared type of the result"),
        ),
        effects=_effects("host"),
    ),
)

OPS: Mapping[str, OpSpec] = MappingProxyType({s.name: s for s in (*_LM, *_CF, *_EX, *_PY)})
"""Every op by name."""

TERMINATORS = frozenset(s.name for s in OPS.values() if s.terminator)
LOOPS = frozenset({"cf.while", "cf.for"})
GEN_PARAMS = frozenset(a.name for a in _GEN_ATTRS) - {"args"}
SELECT_PARAMS = frozenset(a.name for a in _SELECT_ATTRS) - {"args"}
PARAMS: Mapping[str, frozenset[str]] = MappingProxyType(
    {"lm.gen": GEN_PARAMS, "lm.select": SELECT_PARAMS}
)
"""For ops whose parameters may be operands: the names that `args` may hold."""
