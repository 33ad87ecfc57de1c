"""Servers with OpenAI's HTTP interface: OpenAI, vLLM, and others."""

from __future__ import annotations

import json
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from sglc.backends.base import BaseBackend
from sglc.backends.http import HttpClient, ServerError
from sglc.execution.requests import Snapshot
from sglc.language.chat_template import (
    ChatTemplate,
    get_chat_template,
    get_chat_template_by_model_path,
)
from sglc.language.sampling import SglSamplingParams, as_tuple, dtype_name

T = TypeVar("T")
TRIES = 3
RETRY_SECONDS = 5.0
_COMPLETION_MODELS = ("gpt-3.5-turbo-instruct",)
_TEMPORARY = (408, 409, 429, 500, 502, 503, 504)


class TokenUsage:
    """Tokens of all calls so far."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Count from zero."""
        self.prompt_tokens = 0
        self.completion_tokens = 0


class OpenAI(BaseBackend):
    """
    A model behind OpenAI's interface.

    `base_url` and `api_key` default to the environment's OPENAI_BASE_URL and OPENAI_API_KEY.
    `is_chat_model=False` uses `/completions`. A chat model answers whole turns: a `gen` must come
    right after `sgl.assistant(` opened, and RuntimeError says so. Temporary failures are tried
    again, three times in all. Choices cannot be scored.
    """

    def __init__(
        self,
        model_name: str,
        is_chat_model: bool | None = None,
        chat_template: ChatTemplate | None = None,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float | None = 600.0,
    ) -> None:
        super().__init__()
        self.model_name = model_name
        self.is_chat_model = (
            model_name not in _COMPLETION_MODELS if is_chat_model is None else is_chat_model
        )
        self.chat_template: ChatTemplate = chat_template or (
            get_chat_template("default")
            if self.is_chat_model
            else get_chat_template_by_model_path(model_name)
        )
        self.http = HttpClient(
            base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1",
            api_key or os.environ.get("OPENAI_API_KEY"),
            timeout=timeout,
        )
        self.token_usage = TokenUsage()
        self._lock = threading.Lock()

    def get_model_name(self) -> str:
        """The model's name on the server."""
        return self.model_name

    def generate(
        self, s: Snapshot, sampling_params: SglSamplingParams
    ) -> tuple[str | list[str], Any]:
        """One call; for `n` > 1 lists of texts and meta information."""
        path, body, quoted = self._call(s, sampling_params)
        reply = _retry(lambda: self.http.request(path, body))
        usage = reply.get("usage") or {}
        self._count(usage)
        texts = [_text(choice, "message") for choice in reply["choices"]]
        metas = [_meta(choice, usage) for choice in reply["choices"]]
        if quoted:
            texts = [f'"{text}"' for text in texts]
        if (sampling_params.n or 1) > 1:
            return texts, metas
        return texts[0], metas[0]

    def generate_stream(
        self, s: Snapshot, sampling_params: SglSamplingParams
    ) -> Iterator[tuple[str, Any]]:
        """Pieces of the text; the last meta information has the finish reason."""
        path, body, quoted = self._call(s, sampling_params)
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        meta: dict[str, Any] = {}
        if quoted:
            yield '"', meta
        for event in self.http.events(path, body):
            usage = event.get("usage") or {}
            self._count(usage)
            for choice in event.get("choices") or ():
                meta |= _meta(choice, usage)
                yield _text(choice, "delta"), meta
            meta |= {name: usage[name] for name in _TOKENS if name in usage}
        yield ('"' if quoted else ""), meta

    def _call(self, s: Snapshot, params: SglSamplingParams) -> tuple[str, dict[str, Any], bool]:
        """Path, body, and whether the text stands between quotes that are not part of it."""
        if params.regex is not None:
            warnings.warn("this backend does not support `regex`; it is ignored", stacklevel=2)
        if params.ebnf is not None:
            warnings.warn("this backend does not support `ebnf`; it is ignored", stacklevel=2)
        if params.repetition_penalty is not None:
            warnings.warn(
                "this backend does not support `repetition_penalty`; it is ignored", stacklevel=2
            )
        kind = None if params.dtype is None else dtype_name(params.dtype)
        if kind is not None and (kind != "str" or self.is_chat_model):
            raise ValueError(f"this backend does not support dtype={kind}")
        body: dict[str, Any] = {
            "model": self.model_name,
            "temperature": params.temperature,
            "top_p": params.top_p,
            "n": params.n,
            "frequency_penalty": params.frequency_penalty,
            "presence_penalty": params.presence_penalty,
            "stop": list(as_tuple(params.stop)) or None,
        }
        if params.logit_bias:
            body["logit_bias"] = {str(token): bias for token, bias in params.logit_bias.items()}
        if kind == "str":
            body["stop"] = ['"']
        if params.json_schema is not None and not self.is_chat_model:
            warnings.warn("this backend does not support `json_schema` here", stacklevel=2)
        elif params.json_schema is not None:
            schema = {"name": "schema", "schema": json.loads(params.json_schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if not self.is_chat_model:
            prompt = s.text_ + ('"' if kind == "str" else "")
            body |= {"prompt": prompt, "max_tokens": params.max_new_tokens}
            return "/completions", body, kind == "str"
        self._check_turn(s)
        messages = s.messages_ or [{"role": "user", "content": s.text_}]
        limit = (
            "max_completion_tokens" if self.model_name.startswith(("o1", "o3")) else "max_tokens"
        )
        body |= {"messages": messages, limit: params.max_new_tokens}
        return "/chat/completions", body, False

    def _check_turn(self, s: Snapshot) -> None:
        opened = s.text_[s.cur_role_begin_pos :] if s.cur_role_begin_pos is not None else None
        if s.cur_role is None and not s.messages_:
            return
        if s.cur_role != "assistant" or opened:
            raise RuntimeError(
                "a chat model answers whole turns: sgl.gen must be right after sgl.assistant: "
                's += sgl.assistant(sgl.gen("x")), without text before it in its turn'
            )

    def _count(self, usage: dict[str, Any]) -> None:
        with self._lock:
            self.token_usage.prompt_tokens += usage.get("prompt_tokens") or 0
            self.token_usage.completion_tokens += usage.get("completion_tokens") or 0


_TOKENS = ("prompt_tokens", "completion_tokens")


def _text(choice: dict[str, Any], where: str) -> str:
    text = choice[where].get("content") if where in choice else choice.get("text")
    return text or ""


def _meta(choice: dict[str, Any], usage: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = {name: usage[name] for name in _TOKENS if name in usage}
    if choice.get("finish_reason"):
        meta["finish_reason"] = {"type": choice["finish_reason"]}
    return meta


def _retry(call: Callable[[], T]) -> T:
    """What `call` gives; temporary HTTP errors and lost connections are tried again."""
    for left in reversed(range(TRIES)):
        try:
            return call()
        except ServerError as error:
            if error.status not in _TEMPORARY or not left:
                raise
        except OSError:
            if not left:
                raise
        time.sleep(RETRY_SECONDS)
    raise AssertionError("unreachable")
