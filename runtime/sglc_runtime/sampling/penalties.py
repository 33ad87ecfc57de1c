"""What a request adds to or takes from logits, by the tokens its sample has seen."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sglc_runtime.errors import RequestError
from sglc_runtime.protocol import Sampling


class Penalties:
    """
    Repetition penalty, bias, frequency and presence penalty of one sample, in this order.

    The repetition penalty (Keskar et al. 2019, arXiv 1909.05858) divides positive logits of every
    token of the prompt and the answer and multiplies negative ones, as transformers does. OpenAI's
    frequency and presence penalties count tokens of the answer alone.
    """

    def __init__(
        self, sampling: Sampling, prompt: Sequence[int], vocab_size: int, device: torch.device
    ) -> None:
        self._frequency = sampling.frequency_penalty
        self._presence = sampling.presence_penalty
        self._repetition = sampling.repetition_penalty
        self._factors: Tensor | None = None
        self._bias = torch.zeros(vocab_size, device=device)
        self._counted: set[int] = set()
        for token, bias in sampling.logit_bias:
            if not 0 <= token < vocab_size:
                message = f"logit_bias: no token {token}; the model has {vocab_size}"
                raise RequestError("bad_request", message)
            self._bias[token] += bias
        if self._repetition != 1.0:
            self._factors = torch.ones(vocab_size, device=device)
            self._factors[torch.tensor(sorted(set(prompt)), device=device)] = self._repetition

    @staticmethod
    def needed(sampling: Sampling) -> bool:
        """Whether the parameters change any logit."""
        return bool(
            sampling.frequency_penalty
            or sampling.presence_penalty
            or sampling.repetition_penalty != 1.0
            or sampling.logit_bias
        )

    def apply(self, row: Tensor) -> None:
        """Change one row of float32 logits [vocab] in place."""
        if self._factors is not None:
            row.copy_(torch.where(row > 0, row / self._factors, row * self._factors))
        row += self._bias

    def count(self, token: int) -> None:
        """A token of the answer was accepted."""
        if self._factors is not None:
            self._factors[token] = self._repetition
        self._bias[token] -= self._frequency
        if token not in self._counted:
            self._counted.add(token)
            self._bias[token] -= self._presence
