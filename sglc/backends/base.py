"""The interface of blocking backends. Names and calls are SGLang's `BaseBackend`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sglc.language.chat_template import ChatTemplate, get_chat_template
from sglc.language.choices import (
    ChoicesDecision,
    ChoicesSamplingMethod,
    token_length_normalized,
)
from sglc.language.sampling import SglSamplingParams


class BaseBackend:
    """
    Derive from it to run programs on something else; `generate` is all that is needed.

    `s` is a frozen `sglc.execution.requests.Snapshot` of the state: `text_`, `messages_`,
    `variables`, `cur_role`, `images_`, `sid` and more. Calls run on a pool of threads, several at
    a time, each in a copy of the context variables of the program that appended the `gen`.
    """

    def __init__(self) -> None:
        self.support_concate_and_append = False
        self.chat_template: ChatTemplate | None = None

    def get_model_name(self) -> str:
        """Name of the model; NotImplementedError unless overridden."""
        raise NotImplementedError

    def get_chat_template(self) -> ChatTemplate:
        """`self.chat_template`, or the default template."""
        return getattr(self, "chat_template", None) or get_chat_template("default")

    def generate(self, s: Any, sampling_params: SglSamplingParams) -> tuple[str | list[str], Any]:
        """Text (a list of them for `n` > 1) and meta information."""
        raise NotImplementedError

    def generate_stream(
        self, s: Any, sampling_params: SglSamplingParams
    ) -> Iterator[tuple[str, Any]]:
        """Pieces of the text with meta information; by default one piece."""
        text, meta = self.generate(s, sampling_params)
        yield (text if isinstance(text, str) else text[0]), meta

    def select(
        self,
        s: Any,
        choices: list[str],
        temperature: float,
        choices_method: ChoicesSamplingMethod = token_length_normalized,
    ) -> ChoicesDecision:
        """The best of `choices`; NotImplementedError unless overridden."""
        raise NotImplementedError(f"{type(self).__name__} cannot score choices")

    def commit_lazy_operations(self, s: Any) -> None:
        """Kept for SGLang's interface; never called."""

    def cache_prefix(self, prefix_str: str) -> None:
        """Programs that start with this text will run."""

    def uncache_prefix(self, rid: str) -> None:
        """Kept for SGLang's interface; never called."""

    def begin_program(self, s: Any) -> None:
        """Kept for SGLang's interface; never called."""

    def end_program(self, s: Any) -> None:
        """Kept for SGLang's interface; never called."""

    def end_request(self, s: Any) -> None:
        """Kept for SGLang's interface; never called."""

    def fork_program(self, src: Any, dst: Any, position_ids_offset: Any = None) -> None:
        """Kept for SGLang's interface; never called."""

    def fill_image(self, s: Any) -> None:
        """Kept for SGLang's interface; never called."""

    def concatenate_and_append(self, src_rids: list[str], dst_rid: str) -> None:
        """Kept for SGLang's interface; texts are concatenated here."""
        raise NotImplementedError

    def shutdown(self) -> None:
        """Release what the backend holds."""

    def flush_cache(self) -> Any:
        """Drop cached prefixes."""

    def get_server_info(self) -> Any:
        """What the server says about itself."""
