"""Chat templates: the text around each role's content, by model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from sglc.language.chat_template_table import MATCHES, TABLE

Message = Mapping[str, Any]


class ChatTemplateStyle(Enum):
    """LLAMA2 wraps the first system message into the first user message."""

    PLAIN = auto()
    LLAMA2 = auto()


@dataclass(slots=True)
class ChatTemplate:
    """
    What stands before and after the content of each role.

    Fields and meaning follow SGLang's class of this name.
    """

    name: str
    default_system_prompt: str | None
    role_prefix_and_suffix: dict[str, tuple[str, str]]
    stop_str: str | Sequence[str] = ()
    image_token: str = "<image>"
    audio_token: str = "<audio>"
    style: ChatTemplateStyle = ChatTemplateStyle.PLAIN

    def get_prefix_and_suffix(self, role: str, hist_messages: Sequence[Message]) -> tuple[str, str]:
        """Text before and after `role`'s content; `hist_messages` are those closed before it."""
        prefix, suffix = self.role_prefix_and_suffix.get(role, ("", ""))
        if self.style is ChatTemplateStyle.LLAMA2:
            if role == "system" and not hist_messages:
                return self.role_prefix_and_suffix.get("user", ("", ""))[0] + prefix, suffix
            if (
                role == "user"
                and len(hist_messages) == 1
                and hist_messages[0]["content"] is not None
            ):
                return "", suffix
        return prefix, suffix

    def get_prompt(self, messages: Sequence[Message]) -> str:
        """The text of a whole conversation."""
        prompt = ""
        for i, message in enumerate(messages):
            role, content = message["role"], message["content"]
            if role == "system" and content is None:
                content = self.default_system_prompt
                if content is None:
                    continue
            prefix, suffix = self.get_prefix_and_suffix(role, messages[:i])
            prompt += f"{prefix}{content}{suffix}"
        return prompt


_templates: dict[str, ChatTemplate] = {}
Matcher = Callable[[str], "str | ChatTemplate | None"]
_matchers: list[Matcher] = []


def register_chat_template(template: ChatTemplate) -> None:
    """Make a template known by its name; a later one of the same name replaces it."""
    _templates[template.name] = template


def register_chat_template_matching_function(
    func: Matcher,
) -> Matcher:
    """Add a function from a model path to a template or its name; usable as a decorator."""
    _matchers.append(func)
    return func


def get_chat_template(name: str) -> ChatTemplate:
    """The template of this name; KeyError when unknown."""
    return _templates[name]


def match_chat_template(model_path: str) -> ChatTemplate | None:
    """The template that the first matching function names, or None."""
    for matcher in _matchers:
        found = matcher(model_path)
        if found is not None:
            return get_chat_template(found) if isinstance(found, str) else found
    return None


def get_chat_template_by_model_path(model_path: str) -> ChatTemplate:
    """The template for a model path, `default` where none matches."""
    return match_chat_template(model_path) or get_chat_template("default")


def _register_table() -> None:
    for row in TABLE:
        register_chat_template(
            ChatTemplate(
                row.name,
                row.default_system,
                {"system": row.system, "user": row.user, "assistant": row.assistant},
                tuple(row.stop),
                row.image,
                row.audio,
                ChatTemplateStyle.LLAMA2 if row.llama2 else ChatTemplateStyle.PLAIN,
            )
        )


def _match_table(model_path: str) -> str | None:
    path = model_path.lower()
    for pattern, unless, name in MATCHES:
        if re.search(pattern, path) and not (unless and re.search(unless, path)):
            return name
    return None


_register_table()
register_chat_template_matching_function(_match_table)
