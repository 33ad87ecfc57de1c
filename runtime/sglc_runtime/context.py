"""What steps need from the engine: tokenizer, limits, constraints."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from sglc_runtime.constraints.compiler import GrammarCompiler
from sglc_runtime.constraints.matcher import Constraint
from sglc_runtime.errors import RequestError
from sglc_runtime.output import OutputText
from sglc_runtime.protocol import Sampling
from sglc_runtime.request import Path
from sglc_runtime.text.tokenizer import Tokenizer, TokenizerError

if TYPE_CHECKING:
    from sglc_grammar.constraints.grammars import GrammarKind
    from sglc_runtime.models.base import ModelSpec

ENCODED_RUNS = 1024
"""Text runs whose ids are remembered."""
LONG_RUN = 1 << 14
"""Characters of a text run that is too long to remember its ids."""
MAX_SAMPLES = 1 << 12
"""Samples of one step at most; each is a sequence with a state of its own."""


class EngineContext:
    """Read-only facts of one engine, and the caches behind them."""

    def __init__(
        self, spec: ModelSpec, tokenizer: Tokenizer, device: torch.device, kv_slots: int
    ) -> None:
        self.tokenizer = tokenizer
        self.device = device
        self.vocab_size = spec.vocab_size
        known = {*spec.eos_ids, *tokenizer.eos_ids}
        self.eos_ids = tuple(sorted(token for token in known if 0 <= token < spec.vocab_size))
        self.context_length = spec.context_length
        self.kv_slots = kv_slots
        self.jump_forward = False
        """What holds for steps that do not say it themselves."""
        self._grammars = GrammarCompiler(tokenizer.backend.to_str, spec.vocab_size, self.eos_ids)
        self._spellings: dict[bytes, list[int]] = {}
        self._remembered = lru_cache(maxsize=ENCODED_RUNS)(self._encode)

    def encode(self, text: str, first: bool) -> tuple[int, ...]:
        """
        Ids of a whole text run; `first` says that it opens its path. Raises RequestError.

        Megabytes take seconds to cut into tokens while everybody else waits, so a text that is
        certainly longer than the context is refused unread.
        """
        if len(text) > LONG_RUN and (most := self.tokenizer.most_characters) is not None:
            least = -(-len(text) // most)
            if least > self.context_length:
                raise RequestError(
                    "context_length",
                    f"a text of {len(text)} characters has at least {least} tokens;"
                    f" the model takes at most {self.context_length}",
                )
        encode = self._encode if len(text) > LONG_RUN else self._remembered
        return encode(text, first)

    def _encode(self, text: str, first: bool) -> tuple[int, ...]:
        try:
            return tuple(self.tokenizer.encode_run(text, first))
        except TokenizerError as error:
            raise RequestError("bad_request", str(error)) from None

    def spellings(self) -> Mapping[bytes, Sequence[int]]:
        """Ids by the bytes they stand for; made when first asked for."""
        if not self._spellings:
            for token in range(min(self.vocab_size, self.tokenizer.max_id + 1)):
                self._spellings.setdefault(self.tokenizer.token_bytes(token), []).append(token)
        return self._spellings

    def encode_stable(self, path: Path) -> None:
        """Encode as much of the waiting text as no continuation can change; the rest stays."""
        text = path.text
        if text or not path.opened:
            stable = self.tokenizer.stable_prefix_length(text, not path.opened)
            path.ids += self.encode(text, not path.opened)[:stable]

    def check_length(self, tokens: int, what: str = "the prompt") -> None:
        """Raise RequestError for `tokens` that are none or cannot fit."""
        if tokens == 0:
            raise RequestError(
                "bad_request", "the prompt is empty, and this model has no BOS token to start from"
            )
        if tokens > self.context_length:
            raise RequestError(
                "context_length",
                f"{what} has {tokens} tokens; the model takes at most {self.context_length}",
            )
        if tokens > self.kv_slots:
            raise RequestError(
                "out_of_memory",
                f"{what} has {tokens} tokens, but the KV pool holds {self.kv_slots}; "
                "raise kv_slots or mem_fraction_static",
            )

    def generation_limit(self, prompt: int, max_new_tokens: int) -> int:
        """How many tokens may follow `prompt` ids. Raises RequestError when not even one may."""
        self.check_length(prompt + 1 if prompt and max_new_tokens > 0 else prompt)
        return max(0, min(max_new_tokens, self.context_length - prompt))

    def constraint(self, sampling: Sampling) -> Future[Constraint] | None:
        """The start of the grammar that `sampling` asks for; compiled by another thread."""
        given: tuple[tuple[GrammarKind, str | None], ...] = (
            ("regex", sampling.regex),
            ("json_schema", sampling.json_schema),
            ("ebnf", sampling.ebnf),
        )
        asked = [(kind, source) for kind, source in given if source is not None]
        if len(asked) > 1:
            first, second = (f"`{kind}`" for kind, _ in asked[:2])
            raise RequestError("bad_request", f"{first} and {second} exclude each other")
        return self._grammars.begin(*asked[0]) if asked else None

    def output_text(self, sampling: Sampling, stream: bool) -> OutputText | None:
        """What watches the text of a sample, where anything must."""
        if not (stream or sampling.stop or sampling.stop_regex):
            return None
        try:
            return OutputText(self.tokenizer, sampling.stop, sampling.stop_regex)
        except re.error as error:
            raise RequestError("bad_request", f"invalid stop_regex: {error}") from None


def check_sampling(sampling: Sampling) -> None:
    """Raise RequestError("bad_request") for parameters outside their range."""
    finite = (
        sampling.temperature,
        sampling.top_p,
        sampling.min_p,
        sampling.frequency_penalty,
        sampling.presence_penalty,
        sampling.repetition_penalty,
        *(bias for _, bias in sampling.logit_bias),
    )
    problems = {
        "sampling parameters must be finite numbers": all(abs(value) < 1e30 for value in finite),
        "n must be at least 1": sampling.n >= 1,
        f"n must be at most {MAX_SAMPLES}": sampling.n <= MAX_SAMPLES,
        "max_new_tokens must not be negative": sampling.max_new_tokens >= 0,
        "min_new_tokens must not be negative": sampling.min_new_tokens >= 0,
        "min_new_tokens must not exceed max_new_tokens": (
            sampling.min_new_tokens <= sampling.max_new_tokens
        ),
        "temperature must not be negative": sampling.temperature >= 0,
        "repetition_penalty must be positive": sampling.repetition_penalty > 0,
        "top_p must be in (0, 1]": 0 < sampling.top_p <= 1,
        "min_p must be in [0, 1]": 0 <= sampling.min_p <= 1,
        "top_k must be -1 (all) or at least 1": sampling.top_k == -1 or sampling.top_k >= 1,
        "top_logprobs must not be negative": sampling.top_logprobs >= 0,
        "prompt_logprobs_from must not be negative": (sampling.prompt_logprobs_from or 0) >= 0,
        "a stop string must not be empty": all(sampling.stop),
    }
    for problem, fine in problems.items():
        if not fine:
            raise RequestError("bad_request", problem)
