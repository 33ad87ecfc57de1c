"""Role prefixes and suffixes, derived from a tokenizer's own chat template."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from sglc_runtime.text.jinja import ChatTemplateError, JinjaTemplate, Message

_SYSTEM, _USER, _ASSISTANT, _TOOL = "system", "user", "assistant", "tool"


@dataclass(frozen=True, slots=True)
class ChatTemplate:
    """What a program needs to write a conversation turn by turn."""

    name: str
    default_system_prompt: str | None
    """System text that the template puts in where a conversation gives none."""
    roles: Mapping[str, tuple[str, str]]
    """Prefix and suffix of each role; without the BOS, which the tokenizer adds."""
    stop_str: tuple[str, ...]
    """What ends an assistant's turn; often a special token."""
    renders_whole: bool = False
    """
    Prefixes and suffixes do not reproduce the template (it rewrites earlier turns, for example), so
    that a conversation has to be rendered whole by `JinjaTemplate.render` at each generation.
    """
    reason: str = ""
    """Why it renders whole."""

    def text(self, messages: Sequence[Message], *, add_generation_prompt: bool = False) -> str:
        """A conversation written turn by turn, without BOS."""
        parts = []
        if self.default_system_prompt is not None and messages and messages[0]["role"] != _SYSTEM:
            messages = [{"role": _SYSTEM, "content": self.default_system_prompt}, *messages]
        for message in messages:
            prefix, suffix = self.roles.get(message["role"], ("", ""))
            parts += [prefix, message["content"], suffix]
        if add_generation_prompt:
            parts.append(self.roles[_ASSISTANT][0])
        return "".join(parts)


class _Underivable(Exception):
    """Turns do not have fixed prefixes and suffixes."""


def _turns(*pairs: tuple[str, str]) -> list[Message]:
    return [{"role": role, "content": content} for role, content in pairs]


class _Derivation:
    def __init__(self, template: JinjaTemplate) -> None:
        self.template = template
        numbers = itertools.count()
        self.marks = [f"MARK{next(numbers)}KRAM" for _ in range(5)]

    def around(self, *roles: str) -> list[str]:
        """Texts before, between and after the contents of turns with these roles."""
        marks = self.marks[: len(roles)]
        rest = self.template.render(_turns(*zip(roles, marks, strict=True)))
        pieces = []
        for mark in marks:
            before, found, rest = rest.partition(mark)
            if not found or mark in rest:
                raise _Underivable("a message is left out, repeated or moved")
            pieces.append(before)
        return [*pieces, rest]

    def derive(self, name: str) -> ChatTemplate:
        _, after_user = self.around(_USER)
        head, user_to_assistant, assistant_to_user, _, after_assistant = self.around(
            _USER, _ASSISTANT, _USER, _ASSISTANT
        )
        user_suffix = after_user
        if not user_to_assistant.startswith(user_suffix):
            raise _Underivable("the end of a user's turn depends on what follows")
        assistant_prefix = user_to_assistant[len(user_suffix) :]
        assistant_suffix = after_assistant
        if not assistant_to_user.startswith(assistant_suffix):
            raise _Underivable("the end of an assistant's turn depends on what follows")
        user_prefix = assistant_to_user[len(assistant_suffix) :]
        if not head.endswith(user_prefix):
            raise _Underivable("the first user turn begins differently")
        opening = self._without_bos(head[: len(head) - len(user_prefix)])
        roles = {
            _USER: (user_prefix, user_suffix),
            _ASSISTANT: (assistant_prefix, assistant_suffix),
        }
        default = None
        system = self._system(user_prefix)
        if system is not None:
            roles = {_SYSTEM: system, **roles}
        tool = self._tool(assistant_prefix, assistant_suffix)
        if tool is not None:
            roles[_TOOL] = tool
        if opening:
            if system is None:
                raise _Underivable("it opens with text that is no system turn")
            prefix, suffix = system
            if not (opening.startswith(prefix) and opening.endswith(suffix)):
                raise _Underivable("its default system turn is written differently")
            if len(opening) < len(prefix) + len(suffix):
                raise _Underivable("its default system turn is written differently")
            default = opening[len(prefix) : len(opening) - len(suffix)]
        stop = assistant_suffix.strip()
        return ChatTemplate(name, default, MappingProxyType(roles), (stop,) if stop else ())

    def _without_bos(self, text: str) -> str:
        return text.removeprefix(self.template.bos) if self.template.bos else text

    def _system(self, user_prefix: str) -> tuple[str, str] | None:
        try:
            before, between, _ = self.around(_SYSTEM, _USER)
        except ChatTemplateError:
            return None  # the template refuses system messages
        if not between.endswith(user_prefix):
            raise _Underivable("a system message changes the user's turn")
        return self._without_bos(before), between[: len(between) - len(user_prefix)]

    def _tool(self, assistant_prefix: str, assistant_suffix: str) -> tuple[str, str] | None:
        """Around a tool's message between two answers; None where the template has no such role."""
        try:
            _, _, before, after, _ = self.around(_USER, _ASSISTANT, _TOOL, _ASSISTANT)
        except (ChatTemplateError, _Underivable):
            return None
        if not (before.startswith(assistant_suffix) and after.endswith(assistant_prefix)):
            return None
        return before[len(assistant_suffix) :], after[: len(after) - len(assistant_prefix)]

    def check(self, derived: ChatTemplate) -> str:
        """Empty where `derived` writes what the template renders, else what differs."""
        system = [(_SYSTEM, "Be brief.")] if _SYSTEM in derived.roles else []
        question, answer = (_USER, "Is 2 + 2 = 4?\nWhy?"), (_ASSISTANT, "Yes.\n\n- it is {so}")
        thinking = (_ASSISTANT, "<think>\nwell\n</think>\n\nYes.")
        cases = [
            ("one turn", [question]),
            ("several turns", [question, answer, question, answer, question]),
            ("a system message", [*system, question, answer, question]),
            ("earlier answers", [question, thinking, question]),
        ]
        for what, pairs in cases:
            messages = _turns(*pairs)
            for prompt in (False, True):
                want = self._without_bos(
                    self.template.render(messages, add_generation_prompt=prompt)
                )
                got = self._without_bos(derived.text(messages, add_generation_prompt=prompt))
                if got != want:
                    where = "the generation prompt" if prompt else what
                    return f"turn by turn writing differs for {where}"
        return ""


def derive(folder: str | Path) -> ChatTemplate:
    """
    Prefixes, suffixes and stop string of a folder's chat template, found by rendering markers.

    Where they do not reproduce the template's own rendering of a set of conversations, the result
    says `renders_whole`. Raises `ChatTemplateError` where there is no usable template.
    """
    folder = Path(folder)
    derivation = _Derivation(JinjaTemplate(folder))
    name = folder.name
    try:
        derived = derivation.derive(name)
        reason = derivation.check(derived)
    except _Underivable as error:
        derived, reason = None, str(error)
    except ChatTemplateError as error:
        raise ChatTemplateError(f"{folder}: {error}") from error
    if derived is not None and not reason:
        return derived
    roles: Mapping[str, tuple[str, str]] = derived.roles if derived else MappingProxyType({})
    return ChatTemplate(
        name,
        derived.default_system_prompt if derived else None,
        roles,
        derived.stop_str if derived else (),
        renders_whole=True,
        reason=reason,
    )
