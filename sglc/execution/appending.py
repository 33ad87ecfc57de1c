"""What `s += value` means, by the kind of value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sglc.execution.pending import Pending
from sglc.execution.requests import Media, Piece
from sglc.execution.versions import DeferredVersion, Version
from sglc.language.exprs import (
    SglConstantText,
    SglExpr,
    SglExprList,
    SglGen,
    SglImage,
    SglRoleBegin,
    SglRoleEnd,
    SglSelect,
    SglSeparateReasoning,
    SglVarScopeBegin,
    SglVarScopeEnd,
    SglVideo,
)
from sglc.language.media import load_media
from sglc.language.reasoning import split_reasoning

if TYPE_CHECKING:
    from sglc.execution.handle import At, Handle


class TextParts:
    """Text of several parts, some of them pending, that is appended as one segment."""

    __slots__ = ("parts",)

    def __init__(self, parts: Iterable[str | Pending[str]]) -> None:
        self.parts = tuple(parts)


def append_value(handle: Handle, value: object, loc: At) -> None:
    """
    Append text, an expression or a list of them.

    ValueError for None. What is no text and no expression poisons the state.
    """
    if value is None:
        raise ValueError("Tried to append None to state.")
    todo: list[object] = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, SglExprList):
            todo.extend(reversed(item.expr_list))
        elif isinstance(item, str | Pending):
            handle.text((item,), loc)
        elif isinstance(item, TextParts):
            handle.text(item.parts, loc)
        elif isinstance(item, SglExpr):
            _append_expr(handle, item, item.place or loc)
        else:
            error = AssertionError(
                f"{item!r} cannot be appended to a state: "
                f"{type(item).__name__} is neither text nor an expression"
            )
            handle.poison(handle.blame(error, loc))


def _append_expr(handle: Handle, expr: SglExpr, loc: At) -> None:
    match expr:
        case SglConstantText():
            handle.text((str(expr.value),), loc)
        case SglGen():
            handle.gen(expr.name, expr.sampling_params, loc)
        case SglSelect():
            method, temperature = expr.choices_method, expr.temperature
            handle.select(expr.name, expr.choices, method, temperature, loc)
        case SglRoleBegin():
            handle.role_begin(expr.role, loc)
        case SglRoleEnd():
            handle.role_end(expr.role, loc)
        case SglVarScopeBegin():
            handle.scope_begin(expr.name)
        case SglVarScopeEnd():
            handle.scope_end(expr.name)
        case SglImage() | SglVideo():
            append_media(handle, expr, loc)
        case SglSeparateReasoning():
            append_value(handle, expr.expr, loc)
            separate_reasoning(handle, expr.name, expr.model_type, loc)
        case _:
            handle.poison(handle.blame(ValueError(f"unknown expression {expr!r}"), loc))


def append_media(handle: Handle, expr: SglImage | SglVideo, loc: At) -> None:
    """Append an image or a video; unreadable files poison the state."""
    try:
        source, data = load_media(expr)
    except Exception as error:
        handle.poison(handle.blame(error, loc))
    else:
        token = handle.session.chat_template.image_token
        handle.push(Version((Media(token, source, data),)))


def separate_reasoning(handle: Handle, name: str, model_type: str | None, loc: At) -> None:
    """
    Split the reasoning off the value of `name`.

    `name` becomes the answer, `{name}_reasoning_content` the reasoning, and the text of the open
    role becomes the answer.
    """
    value = handle.vars.get(name)
    if model_type is None:
        handle.poison(handle.blame(ValueError("Model type must be specified"), loc))
        return
    if not isinstance(value, Pending):
        handle.poison(handle.blame(KeyError(name), loc))
        return
    parts = value.map(lambda text: split_reasoning(model_type, text))
    handle.vars[f"{name}_reasoning_content"] = parts.map(lambda p: p[0])
    handle.vars[name] = answer = parts.map(lambda p: p[1])
    if handle.role_version is not None:
        handle.tip = handle.role_version
        handle.shares_tip = True
        # Who follows the text has seen the generation, reasoning and answer, already.
        handle.push(DeferredVersion((answer,), joined_text), followed=False)


def joined_text(parts: list[Any]) -> tuple[Piece, ...]:
    """One segment of strings; TypeError for anything else."""
    for part in parts:
        if not isinstance(part, str):
            raise TypeError(f"text expected, not {type(part).__name__}: {part!r}")
    return ("".join(parts),)
