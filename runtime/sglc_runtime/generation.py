"""One sample of a `Generate` step: its tokens so far, and when and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from sglc_runtime.output import OutputText
from sglc_runtime.protocol import Sample, Sampling, TokenLogprob
from sglc_runtime.sampling.penalties import Penalties
from sglc_runtime.sampling.philox import Noise
from sglc_runtime.sampling.sampler import top_logprobs

if TYPE_CHECKING:
    from sglc_runtime.constraints.matcher import Constraint
    from sglc_runtime.text.tokenizer import Tokenizer

Spellings = Callable[[], Mapping[bytes, Sequence[int]]]
"""Ids by the bytes they stand for."""
GREEDY_BELOW = 1e-6
"""Temperatures below this take the likeliest token, as in SGLang."""


class SampleRun:
    """State of one sample. `accept` takes its tokens one by one until it returns True."""

    def __init__(
        self,
        sampling: Sampling,
        *,
        index: int,
        key: int,
        limit: int,
        tokenizer: Tokenizer,
        eos_ids: tuple[int, ...],
        vocab_size: int,
        device: torch.device,
        prompt: Sequence[int],
        constraint: Constraint | None,
        text: OutputText | None,
        spellings: Spellings,
        jump_forward: bool = False,
    ) -> None:
        self.sampling = sampling
        self.index = index
        self.noise = Noise(key, index)
        self.limit = limit
        """Tokens at most; may be less than `max_new_tokens` where the context ends."""
        self.tokenizer = tokenizer
        self.constraint = constraint
        self.text = text
        """The text so far, where stops or streaming need it at every token."""
        self.spellings = spellings
        self.tokens: list[int] = []
        self.eos_ids = frozenset(eos_ids)
        stops = () if sampling.ignore_eos else (*eos_ids, *sampling.stop_token_ids)
        self.stop_ids = frozenset(stops)
        self.greedy = sampling.temperature < GREEDY_BELOW
        self.truncated = (
            0 < sampling.top_k < vocab_size or sampling.top_p < 1.0 or sampling.min_p > 0.0
        )
        self.penalties: Penalties | None = None
        if Penalties.needed(sampling):
            self.penalties = Penalties(sampling, prompt, vocab_size, device)
        self.shaped = (
            self.penalties is not None or constraint is not None or sampling.min_new_tokens > 0
        )
        """Logits are changed before a token is drawn from them."""
        self.recorded = sampling.logprobs or sampling.top_logprobs > 0
        """Log probabilities are wanted."""
        self.terms = (
            sampling.top_k,
            0.0 if self.greedy else 1.0 / sampling.temperature,
            sampling.top_p,
            sampling.min_p,
        )
        """Top-k, inverse temperature (0: take the likeliest), top-p and min-p."""
        self.records: list[TokenLogprob] = []
        self.jumps = constraint is not None and (
            jump_forward if sampling.jump_forward is None else sampling.jump_forward
        )
        """Takes what the grammar leaves no choice about as the tokenizer cuts it."""
        self._forced: list[int] = []
        self.finish: Literal["stop", "length"] | None = None
        self.matched: str | int | None = None
        self._dropped = 0
        self._vocab_size = vocab_size

    @cached_property
    def _stop_list(self) -> list[int]:
        return sorted(token for token in self.stop_ids if 0 <= token < self._vocab_size)

    @property
    def banned(self) -> list[int]:
        """Ids that may not come yet, because of `min_new_tokens`."""
        return self.banned_at(len(self.tokens))

    def banned_at(self, token: int) -> list[int]:
        """Ids that may not come as token `token` of the sample."""
        return self._stop_list if token < self.sampling.min_new_tokens else []

    @property
    def may_end(self) -> bool:
        """The constrained text so far is a whole one; an empty text is not asked."""
        return self.constraint is not None and bool(self.tokens) and self.constraint.accepting

    @cached_property
    def ends(self) -> list[int]:
        """Every EOS, lowest first."""
        return sorted(self.eos_ids)

    def can_begin(self, token: int, forbidden: Tensor) -> bool:
        """Whether some token that is not `forbidden` spells the beginning of `token`."""
        data = self.tokenizer.token_bytes(token)
        spelled = self.spellings()
        return any(
            not forbidden[other]
            for size in range(1, len(data))
            for other in spelled.get(data[:size], ())
        )

    def record(self, logprobs: Tensor, token: int) -> None:
        """Note the log probability of the token about to be accepted; `logprobs` is [vocab]."""
        self.records.append(
            token_logprob(self.tokenizer, logprobs, token, self.sampling.top_logprobs)
        )

    def forced(self) -> int | None:
        """The token that must come next, where tokens are not left to the model to cut."""
        if not self.jumps or self.constraint is None:
            return None
        if not self._forced:
            self._forced = self.constraint.forced()
        return self._forced[0] if self._forced else None

    def accept_with_forced(self, token: int) -> tuple[bool, list[int]]:
        """
        Take a token and those that must follow it; whether the sample has ended, and all of them.

        Log probabilities need the logits before each token, so with them one comes at a time.
        """
        tokens = [token]
        ended = self.accept(token)
        if not self.jumps:
            return ended, tokens
        while not (ended or self.sampling.logprobs or self.sampling.top_logprobs > 0):
            forced = self.forced()
            if forced is None:
                break
            tokens.append(forced)
            ended = self.accept(forced)
        return ended, tokens

    def accept(self, token: int) -> bool:
        """Take a token; True when the sample has ended."""
        self.tokens.append(token)
        if self._forced:
            self._forced = self._forced[1:]
        if token in self.stop_ids or (self.constraint is not None and token in self.eos_ids):
            self._dropped = 1
            return self._end("stop", token)
        if self.penalties is not None:
            self.penalties.count(token)
        if self.constraint is not None:
            self.constraint.accept(token)
        if self.text is not None and (stop := self.text.feed((token,))) is not None:
            return self._end("stop", stop)
        if self.constraint is not None and self.constraint.complete:
            return self._end("stop", None)
        return len(self.tokens) >= self.limit and self._end("length", None)

    def result(self) -> Sample:
        """The finished sample."""
        assert self.finish is not None
        tokens = self.tokens[: len(self.tokens) - self._dropped]
        if self.text is None:
            self.text = OutputText(self.tokenizer)
            self.text.feed(tokens)
        kept = self.text.finish()
        return Sample(
            text=kept.text,
            ids=tuple(tokens[: kept.ids]),
            tail=kept.tail,
            finish=self.finish,
            matched=self.matched,
            completion_tokens=len(self.tokens),
            logprobs=tuple(self.records),
        )

    def _end(self, finish: Literal["stop", "length"], matched: str | int | None) -> bool:
        self.finish, self.matched = finish, matched
        return True


def token_logprob(tokenizer: Tokenizer, logprobs: Tensor, token: int, top: int) -> TokenLogprob:
    """Log probability of `token` and of the `top` likeliest ids from a row [vocab]."""
    return TokenLogprob(
        token,
        token_text(tokenizer, token),
        float(logprobs[token]),
        tuple((i, token_text(tokenizer, i), value) for i, value in top_logprobs(logprobs, top)),
    )


def token_text(tokenizer: Tokenizer, token: int) -> str:
    """A token's bytes as text; a part of a character shows as U+FFFD."""
    return tokenizer.token_bytes(token).decode("utf-8", "replace")
