"""A server that speaks SGLang's HTTP interface as a backend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sglc.backends.base import BaseBackend
from sglc.backends.http import HttpClient
from sglc.execution.requests import Snapshot
from sglc.global_config import global_config
from sglc.language.chat_template import (
    ChatTemplate,
    get_chat_template,
    get_chat_template_by_model_path,
)
from sglc.language.choices import (
    ChoicesDecision,
    ChoicesSamplingMethod,
    TokenLogprobs,
    token_length_normalized,
)
from sglc.language.sampling import SglSamplingParams, as_tuple, constrain_by_dtype

GREEDY = 1e-5
_HEALING = 2
"""Prompt tokens scored again before a choice: their last one may merge with the choice's text."""

_SAMPLING = (
    "max_new_tokens",
    "min_new_tokens",
    "n",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "ignore_eos",
    "regex",
    "json_schema",
    "ebnf",
    "repetition_penalty",
    "logit_bias",
)
_LOGPROBS = (
    "return_logprob",
    "logprob_start_len",
    "top_logprobs_num",
    "return_text_in_logprobs",
)


class RuntimeEndpoint(BaseBackend):
    """
    A running SGLang server, or one that answers `/generate` as it does.

    The constructor asks the server for its model, whose path decides the chat template unless
    `chat_template_name` does. RuntimeError for an HTTP error, OSError when there is no connection.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        verify: str | None = None,
        chat_template_name: str | None = None,
        *,
        auth_token: str | None = None,
    ) -> None:
        super().__init__()
        self.base_url = base_url.rstrip("/")
        self.http = HttpClient(base_url, api_key or auth_token, verify=verify)
        self.model_info: dict[str, Any] = self.http.request("/get_model_info")
        path = self.model_info["model_path"]
        self.chat_template: ChatTemplate = (
            get_chat_template(chat_template_name)
            if chat_template_name
            else get_chat_template_by_model_path(path)
        )

    def get_model_name(self) -> str:
        """The server's model path."""
        return str(self.model_info["model_path"])

    def flush_cache(self) -> None:
        """Drop the server's cached prefixes."""
        self.http.open("/flush_cache", {}).close()

    def get_server_info(self) -> Any:
        """What the server says about itself."""
        return self.http.request("/server_info")

    def cache_prefix(self, prefix_str: str) -> None:
        """Have the server compute a prefix."""
        self.http.request(
            "/generate", {"text": prefix_str, "sampling_params": {"max_new_tokens": 0}}
        )

    def generate(
        self, s: Snapshot, sampling_params: SglSamplingParams
    ) -> tuple[str | list[str], Any]:
        """One request; for `n` > 1 lists of texts and meta information."""
        reply = self.http.request("/generate", self._body(s, sampling_params))
        if isinstance(reply, list):
            return [r["text"] for r in reply], [r["meta_info"] for r in reply]
        return reply["text"], reply["meta_info"]

    def generate_stream(
        self, s: Snapshot, sampling_params: SglSamplingParams
    ) -> Iterator[tuple[str, Any]]:
        """Server-sent events, whose cumulative texts are turned into pieces."""
        body = {**self._body(s, sampling_params), "stream": True}
        seen = 0
        for event in self.http.events("/generate", body):
            if "text" not in event:
                raise RuntimeError(str(event))
            piece = event["text"][seen:]
            seen += len(piece)
            yield piece, event["meta_info"]

    def select(
        self,
        s: Snapshot,
        choices: list[str],
        temperature: float,
        choices_method: ChoicesSamplingMethod = token_length_normalized,
    ) -> ChoicesDecision:
        """
        Score the tokens of each choice, given the prompt.

        A choice's tokens are those that overlap its text, so that a token which begins in the
        prompt counts for every choice alike. ValueError for a temperature above 0.
        """
        if temperature > GREEDY:
            raise ValueError(f"select needs temperature 0, not {temperature}")
        none = {"max_new_tokens": 0, "temperature": 0}
        media = self._media(s)
        warm = {"text": s.text_, "sampling_params": none, **media}
        prompt_tokens = self.http.request("/generate", warm)["meta_info"]["prompt_tokens"]
        replies = self.http.request(
            "/generate",
            {
                "text": [s.text_ + choice for choice in choices],
                "sampling_params": none,
                "return_logprob": True,
                "return_text_in_logprobs": True,
                "logprob_start_len": max(prompt_tokens - _HEALING, 0),
                **media,
            },
        )
        scored: list[TokenLogprobs] = [
            own_tokens(reply["meta_info"]["input_token_logprobs"], choice)
            for reply, choice in zip(replies, choices, strict=True)
        ]
        alone: list[TokenLogprobs] | None = None
        if choices_method.requires_unconditional_logprobs:
            body = {
                "input_ids": [[token[1] for token in tokens] for tokens in scored],
                "sampling_params": none,
                "return_logprob": True,
                "logprob_start_len": 0,
            }
            alone = [
                reply["meta_info"]["input_token_logprobs"]
                for reply in self.http.request("/generate", body)
            ]
        return choices_method(
            choices=choices,
            normalized_prompt_logprobs=[
                sum(token[0] for token in tokens) / len(tokens) for tokens in scored
            ],
            input_token_logprobs=scored,
            output_token_logprobs=[
                reply["meta_info"].get("output_token_logprobs") or [] for reply in replies
            ],
            unconditional_token_logprobs=alone,
        )

    def _body(self, s: Snapshot, params: SglSamplingParams) -> dict[str, Any]:
        plain = constrain_by_dtype(params)
        sampling = {name: getattr(plain, name) for name in _SAMPLING}
        sampling |= {
            "stop": list(as_tuple(plain.stop)),
            "stop_token_ids": list(plain.stop_token_ids or ()),
            "stop_regex": list(as_tuple(plain.stop_regex)),
            "skip_special_tokens": global_config.skip_special_tokens_in_output,
            "spaces_between_special_tokens": global_config.spaces_between_special_tokens_in_out,
        }
        asked = {name: value for name in _LOGPROBS if (value := getattr(plain, name)) is not None}
        return {"text": s.text_, "sampling_params": sampling, **asked, **self._media(s)}

    @staticmethod
    def _media(s: Snapshot) -> dict[str, Any]:
        data = [image for _, image in s.images_]
        if not data:
            return {}
        return {"image_data": data[0] if len(data) == 1 else data}


def own_tokens(tokens: Sequence[Any], choice: str) -> list[Any]:
    """The last tokens, as few as cover `choice`. Each is `[logprob, id, text]`."""
    length = 0
    for start in range(len(tokens) - 1, -1, -1):
        length += len(tokens[start][2] or "")
        if length >= len(choice):
            break
    else:
        start = 0
    own = [token for token in tokens[start:] if token[0] is not None]
    if not own:
        raise RuntimeError(f"the server sent no log probabilities for the choice {choice!r}")
    return own
