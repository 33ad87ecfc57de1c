"""Chat templates of Hugging Face tokenizers, rendered as transformers renders them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import CallBlock, Node
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sglc_runtime.text.tokenizer import TokenizerError, read_settings, token_text

Message = dict[str, str]


class ChatTemplateError(Exception):
    """The folder has no chat template, or it is broken or refuses the messages."""


class _Generation(Extension):
    """`{% generation %}` marks assistant text for training; here it is just its body."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        call = self.call_method("_body")
        return CallBlock(call, [], [], body).set_lineno(line)

    def _body(self, caller: Callable[[], str]) -> str:
        return caller()


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _strftime_now(layout: str) -> str:
    return datetime.now().strftime(layout)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    return environment


def read_template(folder: Path) -> str:
    """Source of the folder's chat template; raises `ChatTemplateError` where there is none."""
    file = folder / "chat_template.jinja"
    try:
        if file.is_file():
            return file.read_text(encoding="utf-8")
        found = read_settings(folder, "tokenizer_config.json").get("chat_template")
        if found is None:
            found = read_settings(folder, "chat_template.json").get("chat_template")
    except (OSError, UnicodeDecodeError, TokenizerError) as error:
        raise ChatTemplateError(f"cannot read the chat template: {error}") from error
    if isinstance(found, list):
        named = {str(e.get("name")): e.get("template") for e in found if isinstance(e, dict)}
        found = named.get("default", next(iter(named.values()), None))
    if not isinstance(found, str):
        raise ChatTemplateError(f"{folder} has no chat template")
    return found


class JinjaTemplate:
    """A tokenizer's own chat template."""

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        self.source = read_template(folder)
        try:
            config = read_settings(folder, "tokenizer_config.json")
            self._template = _environment().from_string(self.source)
        except (TokenizerError, jinja2.TemplateError) as error:
            raise ChatTemplateError(f"the chat template of {folder} is broken: {error}") from error
        names = [name for name in config if name.endswith("_token")]
        self.tokens = {n: text for n in names if (text := token_text(config[n])) is not None}

    @property
    def bos(self) -> str:
        """Text of the BOS token, empty where there is none."""
        return self.tokens.get("bos_token", "")

    def render(self, messages: Sequence[Message], *, add_generation_prompt: bool = False) -> str:
        """The prompt of a conversation; raises `ChatTemplateError` where the template refuses."""
        try:
            return self._template.render(
                messages=[dict(message) for message in messages],
                tools=None,
                documents=None,
                add_generation_prompt=add_generation_prompt,
                **self.tokens,
            )
        except (jinja2.TemplateError, TypeError, ValueError, KeyError, AttributeError) as error:
            raise ChatTemplateError(f"the chat template refuses the messages: {error}") from error
