"""How `select` picks a choice from log probabilities. Arithmetic and names follow SGLang."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

TokenLogprobs = Sequence[Any]
"""Per token `[logprob, token id, text]`; the logprob may be None."""


@dataclass(slots=True)
class ChoicesDecision:
    """The chosen string and what the choice was made from."""

    decision: str
    meta_info: dict[str, Any] = field(default_factory=dict)


class ChoicesSamplingMethod(ABC):
    """Base class; users may derive their own."""

    @property
    def requires_unconditional_logprobs(self) -> bool:
        """Whether the choices must also be scored without the prompt."""
        return False

    @abstractmethod
    def __call__(
        self,
        *,
        choices: list[str],
        normalized_prompt_logprobs: list[float],
        input_token_logprobs: list[TokenLogprobs],
        output_token_logprobs: list[TokenLogprobs],
        unconditional_token_logprobs: list[TokenLogprobs] | None = None,
    ) -> ChoicesDecision:
        """Decide; one entry of each list per choice."""


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _values(tokens: TokenLogprobs) -> list[float]:
    return [float(t[0]) if t[0] is not None else 0.0 for t in tokens]


def _argmax(values: Sequence[float]) -> int:
    return max(range(len(values)), key=lambda i: (values[i], -i))


class TokenLengthNormalized(ChoicesSamplingMethod):
    """The choice with the highest mean token log probability."""

    def __call__(
        self,
        *,
        choices: list[str],
        normalized_prompt_logprobs: list[float],
        input_token_logprobs: list[TokenLogprobs],
        output_token_logprobs: list[TokenLogprobs],
        unconditional_token_logprobs: list[TokenLogprobs] | None = None,
    ) -> ChoicesDecision:
        """Decide by the normalized log probabilities; ties go to the first."""
        return ChoicesDecision(
            decision=choices[_argmax(normalized_prompt_logprobs)],
            meta_info={
                "normalized_prompt_logprobs": normalized_prompt_logprobs,
                "input_token_logprobs": input_token_logprobs,
                "output_token_logprobs": output_token_logprobs,
            },
        )


class GreedyTokenSelection(ChoicesSamplingMethod):
    """
    Compare choices token by token, keeping those with the best next token.

    A choice that has ended is continued with its own mean, as SGLang does.
    """

    def __call__(
        self,
        *,
        choices: list[str],
        normalized_prompt_logprobs: list[float],
        input_token_logprobs: list[TokenLogprobs],
        output_token_logprobs: list[TokenLogprobs],
        unconditional_token_logprobs: list[TokenLogprobs] | None = None,
    ) -> ChoicesDecision:
        """Decide by the first token at which choices differ in probability."""
        rows = [_values(tokens) for tokens in input_token_logprobs]
        width = max((len(row) for row in rows), default=0)
        matrix = [row + [_mean(row)] * (width - len(row)) for row in rows]
        remaining = list(range(len(choices)))
        for column in range(width):
            best = max(matrix[i][column] for i in remaining)
            remaining = [i for i in remaining if matrix[i][column] == best]
            if len(remaining) == 1:
                break
        return ChoicesDecision(
            decision=choices[remaining[0]],
            meta_info={
                "normalized_prompt_logprobs": normalized_prompt_logprobs,
                "input_token_logprobs": input_token_logprobs,
                "output_token_logprobs": output_token_logprobs,
                "greedy_logprob_matrix": matrix,
            },
        )


class UnconditionalLikelihoodNormalized(ChoicesSamplingMethod):
    """The choice whose probability the prompt raises most, per token."""

    @property
    def requires_unconditional_logprobs(self) -> bool:
        """True: needs the choices scored alone."""
        return True

    def __call__(
        self,
        *,
        choices: list[str],
        normalized_prompt_logprobs: list[float],
        input_token_logprobs: list[TokenLogprobs],
        output_token_logprobs: list[TokenLogprobs],
        unconditional_token_logprobs: list[TokenLogprobs] | None = None,
    ) -> ChoicesDecision:
        """Decide by the mean difference; ValueError without unconditional log probabilities."""
        if unconditional_token_logprobs is None:
            raise ValueError("Unconditional token logprobs are required for this method.")
        normalized = [
            _mean([a - b for a, b in zip(_values(given), _values(alone), strict=False)])
            for given, alone in zip(input_token_logprobs, unconditional_token_logprobs, strict=True)
        ]
        return ChoicesDecision(
            decision=choices[_argmax(normalized)],
            meta_info={
                "normalized_prompt_logprobs": normalized_prompt_logprobs,
                "input_token_logprobs": input_token_logprobs,
                "output_token_logprobs": output_token_logprobs,
                "unconditional_token_logprobs": unconditional_token_logprobs,
                "normalized_unconditional_prompt_logprobs": normalized,
            },
        )


token_length_normalized = TokenLengthNormalized()
greedy_token_selection = GreedyTokenSelection()
unconditional_likelihood_normalized = UnconditionalLikelihoodNormalized()

METHODS: dict[str, ChoicesSamplingMethod] = {
    "token_length_normalized": token_length_normalized,
    "greedy_token_selection": greedy_token_selection,
    "unconditional_likelihood_normalized": unconditional_likelihood_normalized,
}


def method_name(method: ChoicesSamplingMethod) -> str | None:
    """Name of a built-in method; None for a user's own."""
    return next((name for name, known in METHODS.items() if known is method), None)


def find_method(method: ChoicesSamplingMethod | str | None) -> ChoicesSamplingMethod:
    """A method by name or object; None is `token_length_normalized`."""
    if method is None:
        return token_length_normalized
    if isinstance(method, str):
        if method not in METHODS:
            raise ValueError(f"unknown choices method {method!r}; known: {', '.join(METHODS)}")
        return METHODS[method]
    return method
