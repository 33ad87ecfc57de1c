"""Ops on prompts: text, roles, generation, forks, and reading what was generated."""

from __future__ import annotations

from sglc.ir.attrs import BOOL, INT, NAMES, NULL, STR, STRS, SYMBOL, one_of
from sglc.ir.lm_params import GEN_ATTRS, SELECT_ATTRS
from sglc.ir.op_parts import CARRIED, OUT, PARALLEL, PROMPT, YIELD, effects
from sglc.ir.spec import AttrSpec, Operand, OpSpec, RegionSpec, Result

_PARAMS = Operand("params", "val", variadic=True)

LM: tuple[OpSpec, ...] = (
    OpSpec(
        "lm.new",
        "a new, empty prompt",
        results=(Result("prompt", "prompt"),),
        effects=effects("state"),
    ),
    OpSpec(
        "lm.text",
        "append constants interleaved with operands; one constant more than operands",
        operands=(PROMPT, Operand("values", "val", variadic=True)),
        attrs=(
            AttrSpec("text", STRS, required=True, doc="the constants"),
            AttrSpec(
                "format", one_of("sgl", "str"), doc="how operands become text; `str` must be one"
            ),
        ),
        effects=effects("state"),
        moves=True,
    ),
    OpSpec(
        "lm.append",
        "append whatever the value is at run time, as `s += value` does",
        operands=(PROMPT, Operand("value", "any")),
        effects=effects("state", "sample", "host"),
        moves=True,
    ),
    OpSpec(
        "lm.role_begin",
        "open a role",
        operands=(PROMPT, Operand("name", "val", optional=True)),
        attrs=(AttrSpec("role", STR),),
        effects=effects("state"),
        moves=True,
    ),
    OpSpec(
        "lm.role_end",
        "close the open role",
        operands=(PROMPT, Operand("name", "val", optional=True)),
        attrs=(AttrSpec("role", STR | NULL),),
        effects=effects("state"),
        moves=True,
    ),
    OpSpec(
        "lm.gen",
        "generate text; constant parameters are attributes, the others operands",
        operands=(PROMPT, _PARAMS),
        results=(Result("value"),),
        attrs=GEN_ATTRS,
        effects=effects("state", "sample"),
        moves=True,
    ),
    OpSpec(
        "lm.select",
        "choose one of the choices by the model's score",
        operands=(PROMPT, _PARAMS),
        results=(Result("value"),),
        attrs=SELECT_ATTRS,
        effects=effects("state", "sample"),
        moves=True,
    ),
    OpSpec(
        "lm.fork",
        "branch a prompt: a list of handles, or, with a branch region, a list of records",
        operands=(PROMPT, Operand("items", "iterable", optional=True)),
        results=(Result("forks", "any"),),
        attrs=(
            AttrSpec("size", INT, doc="number of branches when constant; no branch region"),
            AttrSpec("fields", STRS, doc="names of what a branch yields"),
            PARALLEL,
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
        effects=effects("state", "control"),
        moves=True,
    ),
    OpSpec(
        "lm.item",
        "one branch of a fork",
        operands=(Operand("forks", "list"), Operand("index", "val")),
        results=(Result("branch", "handle"),),
        effects=effects("pure"),
    ),
    OpSpec(
        "lm.join",
        "bring branches' variables, or their prompts, back into the prompt",
        operands=(PROMPT, Operand("forks", "list")),
        attrs=(AttrSpec("mode", one_of("gather_variable", "concate_and_append"), required=True),),
        effects=effects("state"),
        moves=True,
    ),
    OpSpec(
        "lm.var_scope",
        "name the text that the body appends",
        operands=(PROMPT, CARRIED),
        results=(OUT,),
        attrs=(AttrSpec("name", STR, required=True),),
        regions=(RegionSpec("body", YIELD, args="the operands that are carried"),),
        effects=effects("state", "control"),
    ),
    OpSpec(
        "lm.image",
        "append an image",
        operands=(PROMPT, Operand("image", "val", optional=True)),
        attrs=(AttrSpec("path", STR),),
        effects=effects("state"),
        moves=True,
    ),
    OpSpec(
        "lm.video",
        "append frames of a video",
        operands=(PROMPT, Operand("video", "val", optional=True)),
        attrs=(AttrSpec("path", STR), AttrSpec("num_frames", INT)),
        effects=effects("state"),
        moves=True,
    ),
    OpSpec(
        "lm.reasoning",
        "split what a model wrote into its answer and its reasoning",
        operands=(PROMPT,),
        attrs=(AttrSpec("name", STR | NULL), AttrSpec("model_type", STR | NULL)),
        effects=effects("state"),
        moves=True,
    ),
    OpSpec(
        "lm.read",
        "a variable of the prompt; pending until someone waits for it",
        operands=(PROMPT, Operand("name", "val", optional=True)),
        results=(Result("value"),),
        attrs=(AttrSpec("name", STR),),
        effects=effects("observe"),
    ),
    OpSpec(
        "lm.observe",
        "text, messages, errors or meta data of the prompt, or that it settled",
        operands=(PROMPT, Operand("name", "val", optional=True)),
        results=(Result("value"),),
        attrs=(
            AttrSpec("what", one_of("text", "messages", "sync", "error", "meta"), required=True),
            AttrSpec("name", STR),
        ),
        effects=effects("observe"),
    ),
    OpSpec(
        "lm.run",
        "call a function on a new prompt",
        operands=(Operand("arguments", "any", variadic=True),),
        results=(Result("value"),),
        attrs=(
            AttrSpec("callee", SYMBOL, required=True),
            AttrSpec("args", NAMES, doc="parameter names of the operands, null when positional"),
            PARALLEL,
        ),
        effects=effects("state", "sample", "control"),
    ),
)
