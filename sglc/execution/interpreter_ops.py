"""Ops that run in one piece: each gets all it needs before it changes anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sglc.diagnostics.core import ExecutionError
from sglc.execution.handle import Handle
from sglc.execution.interpreter_errors import script_error
from sglc.execution.interpreter_frame import Frame, convert_failure, plain, schemas_of
from sglc.execution.pending import Pending, gather
from sglc.execution.values import (
    NeedsValueError,
    PendingFailedError,
    force,
    pendings,
    settled,
    text_part,
)
from sglc.expressions.conversion import ConversionError, convert, self_contained
from sglc.expressions.evaluate import evaluate, parsed
from sglc.expressions.meter import TooLargeError
from sglc.expressions.nodes import Literal, Name, Text
from sglc.expressions.parameters import GEN, SELECT, check_parameter
from sglc.expressions.patterns import fault_of
from sglc.expressions.values import Unset, ValueFailedError, from_host, type_name
from sglc.ir.core import Op, Symbol
from sglc.language.exprs import SglImage, SglVideo
from sglc.language.sampling import GenParams

_GEN_FIELDS = {"max_tokens": "max_new_tokens", "min_tokens": "min_new_tokens"}


def _prompt(frame: Frame, op: Op) -> Handle:
    handle = frame.env[op.operands[0]]
    assert isinstance(handle, Handle)
    return handle


def _place(frame: Frame, op: Op) -> tuple[str, int] | None:
    span = frame.span(op.loc)
    return None if span is None else (span.file, span.line)


def _new(frame: Frame, op: Op) -> None:
    handle, frame.prompt = frame.prompt, None
    if handle is None:
        handle = frame.run.session.root(caller=frame.handle or frame.caller)
    if frame.handle is None:
        frame.handle = handle
    frame.env[op.results[0]] = handle


def _checkpoint(frame: Frame, op: Op) -> None:
    level = op.attrs.get("level", 0)
    assert isinstance(level, int)
    frame.checkpoints[-1 - level] = tuple(frame.env[v] for v in op.operands)


def _text(frame: Frame, op: Op) -> None:
    constants = op.attrs["text"]
    assert isinstance(constants, tuple)
    if len(constants) == 1:
        _prompt(frame, op).text([_appended(frame, str(constants[0]))], _place(frame, op))
        frame.bind(op)
        return
    as_is = op.attrs.get("format", "sgl") == "str"
    parts: list[str | Pending[str]] = [_appended(frame, str(constants[0]))]
    for operand, constant in zip(op.operands[1:], constants[1:], strict=True):
        value = frame.env[operand]
        parts.append(value if as_is else _shown(frame, op, value))
        parts.append(_appended(frame, str(constant)))
    _prompt(frame, op).text(parts, _place(frame, op))
    frame.bind(op)


def _shown(frame: Frame, op: Op, value: object) -> str | Pending[str]:
    """What `${value}` appends."""

    def fail(error: Exception) -> BaseException:
        return convert_failure(frame, error, op.loc)

    part = text_part(value, frame.run.values, fail)
    if isinstance(part, str):
        return _appended(frame, part)

    def count(text: str) -> str:
        try:
            return _appended(frame, text)
        except TooLargeError as error:
            raise fail(error) from None

    return part.map(count)


def _appended(frame: Frame, text: str) -> str:
    """The text, counted as a part of a prompt."""
    run = frame.run
    run.appended += len(text)
    if run.appended > run.limits.prompt:
        message = f"the program's prompts have more than {run.limits.prompt} characters"
        raise TooLargeError(message, "prompt")
    return text


def _append(frame: Frame, op: Op) -> None:
    _prompt(frame, op).append(frame.env[op.operands[1]], _place(frame, op))
    frame.bind(op)


def _role(frame: Frame, op: Op) -> str | None:
    if len(op.operands) > 1:
        return str(force(frame.env[op.operands[1]]))
    role = op.attrs.get("role")
    return None if role is None else str(role)


def _role_begin(frame: Frame, op: Op) -> None:
    role = _role(frame, op)
    assert role is not None
    _prompt(frame, op).role_begin(role, _place(frame, op))
    frame.bind(op)


def _role_end(frame: Frame, op: Op) -> None:
    _prompt(frame, op).role_end(_role(frame, op), _place(frame, op))
    frame.bind(op)


# ---- generation ----------------------------------------------------------------------------------


def _parameters(
    frame: Frame, op: Op, table: Mapping[str, dict[str, Any]], constants: Sequence[str]
) -> dict[str, Any]:
    """Constant parameters as they are; those computed at run time are checked."""
    values = {
        name: plain(op.attrs[name])
        for name in constants
        if name in op.attrs and not isinstance(op.attrs[name], Symbol)
    }
    names = op.attrs.get("args", ())
    assert isinstance(names, tuple)
    for name, operand in zip(names, op.operands[1:], strict=True):
        value = settled(frame.env[operand])
        if frame.run.script:
            try:
                value = check_parameter(_public(str(name)), value, table)
            except ConversionError as error:
                raise ValueFailedError(f"`{_public(str(name))}` {error}") from None
        values[str(name)] = value
    if frame.run.script:
        # A dump, and a pattern that the script puts together, were not checked before the run.
        for name in values.keys() & _PATTERNS:
            fault = fault_of(name, values[name])
            if fault is not None:
                raise ValueFailedError(f"`{name}`: {fault.message}")
    return values


_PATTERNS = frozenset({"regex", "stop_regex", "json_schema", "ebnf"})


def _public(name: str) -> str:
    return "method" if name == "choices_method" else name


_GEN_NAMES = (
    *(name for name in GEN if name != "json"),
    "return_logprob",
    "logprob_start_len",
    "top_logprobs_num",
    "return_text_in_logprobs",
)


def _gen(frame: Frame, op: Op) -> None:
    handle = _prompt(frame, op)
    values = _parameters(frame, op, GEN, _GEN_NAMES)
    schema = op.attrs.get("json_schema")
    record: str | None = None
    if isinstance(schema, Symbol):
        record = schema.name
        values["json_schema"] = self_contained(record, schemas_of(frame.run.module))
    elif isinstance(schema, Mapping):
        values["json_schema"] = json.dumps(plain(schema), ensure_ascii=False)
    _generate(frame, values.get("n") or 1)
    name = values.pop("name", op.attrs.get("name"))
    params = GenParams(**{_GEN_FIELDS.get(key, key): value for key, value in values.items()})
    value = handle.gen(name, params, _place(frame, op))
    frame.context.issued(value, frame.span(op.loc))
    if record is not None:
        value = _record(frame, value, record, many=(params.n or 1) > 1)
        frame.context.issued(value, frame.span(op.loc))
    frame.bind(op, value)


def _generate(frame: Frame, samples: int) -> None:
    """Count what the model is asked for."""
    run = frame.run
    run.generations += samples
    if run.generations > run.limits.generations:
        message = f"the program generates more than {run.limits.generations} times"
        raise TooLargeError(message, "generations")


def _record(frame: Frame, value: Pending[Any], name: str, *, many: bool) -> Pending[Any]:
    """The generated JSON text as a record."""
    schemas = schemas_of(frame.run.module)

    def read(text: str) -> object:
        try:
            return convert(from_host(json.loads(text)), schemas[name], schemas)
        except json.JSONDecodeError:
            shown = text if len(text) <= 60 else text[:57] + "..."
            raise ConversionError(
                f"the text is no whole JSON of `{name}`; was `max_tokens` too small? {shown!r}"
            ) from None
        except ConversionError as error:
            raise ConversionError(f"the generated `{name}` {error}") from None

    return value.map(lambda texts: [read(text) for text in texts] if many else read(texts))


def _select(frame: Frame, op: Op) -> None:
    names = ("choices", "choices_method", "temperature")
    values = _parameters(frame, op, SELECT, names)
    choices = values["choices"]
    if frame.run.script and not choices:
        raise ValueFailedError("the list of choices is empty")
    _generate(frame, 1)
    value = _prompt(frame, op).select(
        values.get("name", op.attrs.get("name")),
        choices,
        values.get("choices_method"),
        values.get("temperature") or 0.0,
        _place(frame, op),
    )
    frame.context.issued(value, frame.span(op.loc))
    frame.bind(op, value)


# ---- other prompt ops ----------------------------------------------------------------------------


def _item(frame: Frame, op: Op) -> None:
    frame.env[op.results[0]] = frame.env[op.operands[0]][force(frame.env[op.operands[1]])]


def _join(frame: Frame, op: Op) -> None:
    _prompt(frame, op).join(frame.env[op.operands[1]], str(op.attrs["mode"]))
    frame.bind(op)


def _media(frame: Frame, op: Op) -> None:
    source = force(frame.env[op.operands[1]]) if len(op.operands) > 1 else op.attrs["path"]
    if frame.run.script:
        source = _allowed_file(frame, op, source)
    image = op.name == "lm.image"
    expr = SglImage(source) if image else SglVideo(source, op.attrs.get("num_frames"))  # type: ignore[arg-type]
    _prompt(frame, op).media(expr, _place(frame, op))
    frame.bind(op)


def _allowed_file(frame: Frame, op: Op, path: object) -> str:
    if not isinstance(path, str):
        raise ValueFailedError(f"a file is named by a string, not {type_name(path)}")
    try:
        return str(frame.run.files.resolve(path))
    except ExecutionError as error:
        first = error.diagnostics[0]
        raise script_error(
            "limit", first.message, frame.span(op.loc), "read here", code=first.code,
            helps=first.helps,
        ) from None  # fmt: skip


def _reasoning(frame: Frame, op: Op) -> None:
    model = op.attrs.get("model_type")
    _prompt(frame, op).reasoning(
        str(op.attrs["name"]), None if model is None else str(model), _place(frame, op)
    )
    frame.bind(op)


def _variable(frame: Frame, op: Op) -> str | None:
    name = force(frame.env[op.operands[1]]) if len(op.operands) > 1 else op.attrs.get("name")
    return None if name is None else str(name)


def _read(frame: Frame, op: Op) -> None:
    frame.env[op.results[0]] = _prompt(frame, op).peek(_variable(frame, op))


def _observe(frame: Frame, op: Op) -> None:
    handle = _prompt(frame, op)
    value: Pending[Any]
    match op.attrs["what"]:
        case "text":
            value = handle.current_text()
        case "messages":
            value = handle.current_messages()
        case "sync":
            value = handle.settled()
        case "error":
            value = handle.error()
        case _:
            value = handle.read_meta(_variable(frame, op))
    frame.env[op.results[0]] = value


# ---- values --------------------------------------------------------------------------------------


def _const(frame: Frame, op: Op) -> None:
    frame.env[op.results[0]] = plain(op.attrs["value"])


def _unset(frame: Frame, op: Op) -> None:
    frame.env[op.results[0]] = Unset(str(op.attrs["name"]))


def _eval(frame: Frame, op: Op) -> None:
    names = op.attrs["names"]
    assert isinstance(names, tuple)
    variables = {
        str(name): frame.env[operand] for name, operand in zip(names, op.operands, strict=True)
    }
    expr = parsed(str(op.attrs["src"]))
    limits = frame.run.values
    value: object
    try:
        value = evaluate(expr, variables, force, limits)
    except NeedsValueError:
        # Putting text together needs no decision, so nobody has to wait for it.
        if not isinstance(expr, Text) or not all(
            isinstance(part, str | Name | Literal) for part in expr.parts
        ):
            raise
        value = _text_later(frame, op, expr, variables)
    frame.env[op.results[0]] = value


def _text_later(frame: Frame, op: Op, expr: Text, variables: Mapping[str, object]) -> Pending[Any]:
    limits = frame.run.values

    def finish(_: object) -> object:
        try:
            return evaluate(expr, variables, force, limits)
        except PendingFailedError as failed:
            raise failed.error from None
        except Exception as error:
            raise convert_failure(frame, error, op.loc) from None

    waiting = [pending for value in variables.values() for pending in pendings(value)]
    return gather(waiting).map(finish)


# ---- host code of Python functions ---------------------------------------------------------------


def _piece(frame: Frame, op: Op) -> None:
    number = op.attrs["piece"]
    assert isinstance(number, int)
    values = [frame.env[operand] for operand in op.operands]
    value = frame.run.pieces[number](frame.variables, *values)
    if op.name == "py.eval":
        frame.env[op.results[0]] = value
    else:
        frame.bind(op, *(value if isinstance(value, tuple) else ()))


SIMPLE: Mapping[str, Callable[[Frame, Op], None]] = {
    "lm.new": _new,
    "lm.text": _text,
    "lm.append": _append,
    "lm.role_begin": _role_begin,
    "lm.role_end": _role_end,
    "lm.gen": _gen,
    "lm.select": _select,
    "lm.item": _item,
    "lm.join": _join,
    "lm.image": _media,
    "lm.video": _media,
    "lm.reasoning": _reasoning,
    "lm.read": _read,
    "lm.observe": _observe,
    "cf.checkpoint": _checkpoint,
    "ex.const": _const,
    "ex.unset": _unset,
    "ex.eval": _eval,
    "py.eval": _piece,
    "py.exec": _piece,
}
"""Ops by name."""
