"""Role prefixes and suffixes from a tokenizer's own chat template (Jinja)."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from sglc.language.chat_template import ChatTemplate, get_chat_template

Render = Callable[[Sequence[Mapping[str, str]]], str]
_MARKS = tuple(f"\ue000{i}\ue001" for i in range(6))


class NotDerivableError(ValueError):
    """A template that is more than fixed text around each message."""


def compile_template(source: str, special: Mapping[str, str]) -> Render:
    """
    The template as a function of messages, with the extras Hugging Face templates use.

    `special` are the tokenizer's special tokens; the BOS is rendered as nothing, because the
    engine adds it.
    """
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def raise_exception(message: str) -> NoReturn:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = lambda value, **options: json.dumps(
        value, ensure_ascii=False, **options
    )
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    template = environment.from_string(source)

    def render(messages: Sequence[Mapping[str, str]]) -> str:
        return template.render(
            messages=list(messages), **{**special, "bos_token": ""}, add_generation_prompt=False
        )

    return render


def _turns(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": content} for role, content in pairs]


def derive(name: str, render: Render) -> ChatTemplate:
    """
    The fixed text around messages, found by rendering conversations of marker contents.

    NotDerivableError when what is found does not reproduce the template's own rendering.
    """
    m = _MARKS
    try:
        two = render(_turns(("user", m[0]), ("assistant", m[1])))
        four = render(
            _turns(("user", m[0]), ("assistant", m[1]), ("user", m[2]), ("assistant", m[3]))
        )
    except Exception as error:
        raise NotDerivableError(f"cannot render a plain conversation: {error}") from error
    for mark in m[:4]:
        if four.count(mark) != 1:
            raise NotDerivableError("a message is rendered more or less than once")
    assistant_end = two.partition(m[1])[2]
    between = four.partition(m[1])[2].partition(m[2])[0]
    if not between.startswith(assistant_end):
        raise NotDerivableError("the end of a turn depends on what follows it")
    user_begin = between[len(assistant_end) :]
    end_and_begin = four.partition(m[2])[2].partition(m[3])[0]
    try:
        user_end = render(_turns(("user", m[0]))).partition(m[0])[2]
    except Exception as error:
        raise NotDerivableError(f"cannot render a user's turn: {error}") from error
    if not end_and_begin.startswith(user_end):
        raise NotDerivableError("the end of a user's turn depends on what follows it")
    roles = {
        "user": (user_begin, user_end),
        "assistant": (end_and_begin[len(user_end) :], assistant_end),
    }
    system = _system(render, user_begin)
    if system is not None:
        roles["system"] = system
    default = _default_system(four.partition(m[0])[0], user_begin, system)
    stop = assistant_end.strip()
    template = ChatTemplate(name, default, roles, (stop,) if stop else ())
    _verify(template, render)
    return template


def _system(render: Render, user_begin: str) -> tuple[str, str] | None:
    """Text around a system message; None where the template has none."""
    try:
        text = render(_turns(("system", _MARKS[0]), ("user", _MARKS[1])))
    except Exception:
        return None
    before, found, after = text.partition(_MARKS[0])
    middle = after.partition(_MARKS[1])[0]
    if not found or not middle.endswith(user_begin):
        return None
    return before, middle[: len(middle) - len(user_begin)]


def _default_system(start: str, user_begin: str, system: tuple[str, str] | None) -> str | None:
    """The system prompt that a conversation without one begins with."""
    if not start.endswith(user_begin):
        raise NotDerivableError("the first user's turn begins unlike the others")
    extra = start[: len(start) - len(user_begin)]
    if not extra:
        return None
    if system is None or not (extra.startswith(system[0]) and extra.endswith(system[1])):
        raise NotDerivableError("a conversation begins with text of the template's own")
    return extra[len(system[0]) : len(extra) - len(system[1])]


def _verify(template: ChatTemplate, render: Render) -> None:
    m = _MARKS
    samples = [_turns(("user", m[0]), ("assistant", m[1]), ("user", m[2]), ("assistant", m[3]))]
    if "system" in template.role_prefix_and_suffix:
        samples.append(_turns(("system", m[4]), *((t["role"], t["content"]) for t in samples[0])))
    for turns in samples:
        whole = list(turns)
        if turns[0]["role"] != "system" and template.default_system_prompt is not None:
            whole = _turns(("system", template.default_system_prompt)) + whole
        if template.get_prompt(whole) != render(turns):
            raise NotDerivableError("its rendering is not fixed text around each message")


def template_of_folder(folder: Path) -> ChatTemplate:
    """
    The chat template of a checkpoint folder; SGLang's `default` where there is none.

    A template that cannot be split into role prefixes and suffixes is replaced by `default`, with
    a warning.
    """
    settings = _settings(folder)
    source = _source(folder, settings)
    if source is None:
        return get_chat_template("default")
    special = {
        name: token["content"] if isinstance(token, dict) else token
        for name, token in settings.items()
        if name.endswith("_token") and isinstance(token, str | dict)
    }
    try:
        return derive(folder.name, compile_template(source, special))
    except Exception as error:
        warnings.warn(
            f"the chat template of {folder} is not used, roles are written as `USER:`, "
            f"`ASSISTANT:`: {error}",
            stacklevel=2,
        )
        return get_chat_template("default")


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / "tokenizer_config.json"
    if not path.is_file():
        return {}
    loaded = json.loads(path.read_text(encoding="utf-8"))
    return loaded if isinstance(loaded, dict) else {}


def _source(folder: Path, settings: Mapping[str, Any]) -> str | None:
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    found = settings.get("chat_template")
    if isinstance(found, list):
        named = {entry.get("name"): entry.get("template") for entry in found}
        found = named.get("default")
    return found if isinstance(found, str) else None
